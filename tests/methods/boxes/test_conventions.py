"""Boxes written in a format and read back lose what the format cannot say, and no more."""

import numpy as np
import pytest

from groundcxr.core import Box, MethodError, UnknownNameError
from groundcxr.datasets import load_dataset
from groundcxr.methods.boxes.conventions import CONVENTIONS, Convention, convention_of
from groundcxr.methods.boxes.parsing import parse, write
from groundcxr.methods.boxes.presets import PRESETS

SIZE = (2544, 3056)

# Of true boxes that are written and read back; the unit of each is in its name.
CEILINGS = {
    "qwen2_vl": 0.995,
    "qwen2_5_vl": 0.995,
    "qwen3_vl": 0.995,
    "chexagent2": 0.948,
    "medgemma": 0.995,
    "gemma3": 0.995,
    "paligemma": 0.994,
    "kosmos2": 0.849,
    "internvl": 0.995,
    "llava_fractions": 0.949,
    "deepseek_vl2": 0.995,
    "maira2": 0.948,
    "florence2": 0.994,
    "florence2_agkd": 0.994,
}


@pytest.fixture(scope="module")
def films():
    """Every box of the phantom's test split, on an image of the size of a film."""
    return [
        box.scaled(SIZE[0] / sample.image_size[0], SIZE[1] / sample.image_size[1])
        for sample in load_dataset("phantom")
        for box in sample.boxes
    ]


def overlap(a, b):
    width, height = min(a.x1, b.x1) - max(a.x0, b.x0), min(a.y1, b.y1) - max(a.y0, b.y0)
    both = max(width, 0) * max(height, 0)
    return both / (a.area + b.area - both)


def test_every_convention_has_its_ceiling():
    assert set(CEILINGS) == set(CONVENTIONS)
    assert {preset.convention.name for preset in PRESETS.values()} <= set(CEILINGS)


@pytest.mark.parametrize("name", CEILINGS)
def test_a_perfect_answer_scores_the_ceiling_of_its_format(name, films):
    overlaps = []
    for box in films:
        answer = parse(write([box], name, SIZE, (896, 1092)), name, SIZE, (896, 1092))
        assert (answer.kind, answer.repaired, len(answer.boxes)) == ("boxes", False, 1)
        overlaps.append(overlap(box, answer.boxes[0]))
    assert np.mean(overlaps) == pytest.approx(CEILINGS[name], abs=0.01)


@pytest.mark.parametrize("name", CEILINGS)
@pytest.mark.parametrize("size", [(1000, 1000), (3056, 2544)])
def test_several_boxes_and_none_are_written_and_read(name, size):
    inside = [Box(600, 300, 900, 700), Box(1200, 500, 1700, 900)] if size[0] > 1000 else [Box(100, 200, 450, 700)]
    answer = parse(write(inside, name, size, size), name, size, size)
    assert not answer.repaired
    assert [overlap(a, b) > 0.7 for a, b in zip(inside, answer.boxes, strict=True)] == [True] * len(inside)
    assert parse(write([], name, size, size), name, size, size).kind == "refusal"


def test_what_a_crop_cuts_off_is_cut_off():
    """MAIRA-2 sees the middle square: of a box above it nothing is left, of one at its edge the part inside."""
    assert parse(write([Box(300, 10, 900, 200)], "maira2", SIZE), "maira2", SIZE).boxes == ()
    (box,) = parse(write([Box(300, 10, 900, 900)], "maira2", SIZE), "maira2", SIZE).boxes
    assert box.y0 == pytest.approx(256, abs=13)


def test_a_convention_is_known_by_its_key():
    for name, convention in CONVENTIONS.items():
        assert convention.key == name
        assert convention_of(name) is convention
    mine = Convention("qwen3_vl", "bbox_2d", "yx", 500, answer_after=("</reasoning>",))
    assert convention_of(mine.key) == mine != CONVENTIONS["qwen3_vl"]
    text = 'maybe [1, 2, 3, 4] </reasoning> {"bbox_2d": [50, 100, 250, 400]}'
    assert parse(text, mine.key, (1000, 500)).boxes == (Box(200, 50, 800, 250),)


def test_a_convention_that_is_none_is_refused():
    with pytest.raises(UnknownNameError, match="there is no convention 'qwen3'; did you mean 'qwen3_vl'"):
        parse("", "qwen3", SIZE)
    with pytest.raises(MethodError, match="counts pixels of the image that the model got, and its size is not given"):
        parse("[1, 2, 3, 4]", "qwen2_5_vl", SIZE)
    with pytest.raises(MethodError, match="cannot be read"):
        convention_of('{"name": "mine"')
    for wrong in ({"order": "xx"}, {"unit": 0}, {"unit": "px"}, {"offset": 1}, {"frame": "square"}):
        with pytest.raises(MethodError, match=next(iter(wrong))):
            Convention(**{"name": "mine", "grammar": "bbox_2d", "order": "xy", "unit": 1000, **wrong})
