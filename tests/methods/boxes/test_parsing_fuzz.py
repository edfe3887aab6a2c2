"""Whatever a model writes: never an exception, never a box outside the image."""

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from groundcxr.core import Box
from groundcxr.methods.boxes.conventions import CONVENTIONS
from groundcxr.methods.boxes.parsing import parse, write

CASES = json.loads((Path(__file__).parents[2] / "data" / "vlm" / "parse_cases.json").read_text(encoding="utf-8"))
SIZES = ((2544, 3056), (3056, 2544), (1, 1), (7, 900))
PERFECT = [write([Box(300, 500, 900, 1400), Box(0, 0, 40, 50)], name, SIZES[0], SIZES[0]) for name in CONVENTIONS]
TEXTS = [*(case["raw_text"] for case in CASES), *PERFECT]
PIECES = [
    *("[", "]", "(", ")", "{", "}", "<", ">", ",", ".", '"', "'", ":", "-", " ", "\n", "```", "```json", "\\boxed{"),
    *("<think>", "</think>", "<unused94>", "<unused95>", "Final Answer:", "bbox_2d", "box_2d", "</s>", "<eos>"),
    *("<|box_start|>", "<|box_end|>", "<|box|>", "<|/box|>", "<|det|>", "<|/det|>", "<box>", "</box>", "<obj>"),
    *("<loc0100>", "<loc_100>", "<x10>", "<y20>", "<patch_index_0100>", "<object>", "</object>"),
    *("0", "1", "999", "1024", "99999999999999999999", "1e999", "-5", "0.5", ".5", "5.", "nan", "inf", "no", "\u0661"),
]
PROSE = st.text(st.characters(codec="utf-8", exclude_characters="[]()<>{}"), max_size=60)


@st.composite
def mutated(draw):
    """A real answer, or a perfect one, with some of its parts left out, repeated, moved and replaced."""
    text = draw(st.sampled_from(TEXTS))
    for _ in range(draw(st.integers(0, 5))):
        start, end = sorted((draw(st.integers(0, len(text))), draw(st.integers(0, len(text)))))
        piece = draw(st.one_of(st.sampled_from(PIECES), st.sampled_from(TEXTS), st.text(max_size=5), st.just("")))
        text = draw(st.sampled_from((text[:start] + piece + text[end:], text[:end] + piece + text[start:], text[:end])))
    return text


def hold(text, convention, image_size, input_size):
    parsed = parse(text, convention, image_size, input_size)
    assert parsed.kind in ("boxes", "refusal", "unparseable")
    assert bool(parsed.reason) == (parsed.kind == "unparseable")
    assert parsed.kind == "boxes" or not parsed.boxes
    for box in parsed.boxes:
        assert box.inside(image_size)
        assert box.area > 0
    assert len(set(parsed.boxes)) == len(parsed.boxes)


def fuzzed(examples):
    quiet = settings(
        max_examples=examples,
        deadline=None,
        database=None,
        derandomize=examples < 1000,
        suppress_health_check=[HealthCheck.too_slow],
    )
    size = st.sampled_from(SIZES)

    @quiet
    @given(mutated(), st.sampled_from(list(CONVENTIONS)), size, size)
    def anything(text, convention, image_size, input_size):
        hold(text, convention, image_size, input_size)

    @quiet
    @given(
        st.lists(st.one_of(PROSE, st.sampled_from(["12", "0.3", "100, 200, 300, 400"])), max_size=8),
        st.sampled_from(list(CONVENTIONS)),
        size,
    )
    def prose(parts, convention, image_size):
        assert parse(" ".join(parts), convention, image_size, image_size).boxes == ()

    return anything, prose


@pytest.mark.parametrize("examples", [150, pytest.param(5000, id="by-hand", marks=pytest.mark.slow)])
def test_no_answer_makes_an_exception_or_a_box_outside_or_one_of_prose(examples):
    for check in fuzzed(examples):
        check()
