"""Answers in words as boxes."""

import json
from pathlib import Path

import numpy as np
import pytest

from groundcxr.core import Box
from groundcxr.methods.boxes.conventions import CONVENTIONS
from groundcxr.methods.boxes.parsing import parse, write

CASES = json.loads((Path(__file__).parents[2] / "data" / "vlm" / "parse_cases.json").read_text(encoding="utf-8"))
SIZE = (2544, 3056)


def read(case):
    return parse(case["raw_text"], case["convention"], tuple(case["image_size"]), tuple(case["model_input_size"]))


@pytest.mark.parametrize("case", CASES, ids=[case["id"] for case in CASES])
def test_real_answers_are_read_as_their_authors_meant_them(case):
    parsed = read(case)
    expected = case["expected_boxes_xyxy_original_pixels"]
    assert parsed.repaired == case["repaired"]
    if isinstance(expected, str):
        assert parsed.kind == expected
        assert not parsed.boxes
        assert bool(parsed.reason) == (expected == "unparseable")
        return
    assert parsed.kind == "boxes"
    near = [pytest.approx(box, abs=case["tolerance_px"]) for box in expected]
    assert [box.as_tuple() for box in parsed.boxes] == near


def supervision_boxes(text, convention, image_size, input_size):
    """What supervision's parser makes of a text; None where it has none, or raises."""
    vlm = pytest.importorskip("supervision.detection.vlm")
    side = (max(image_size),) * 2
    parsers = {
        "qwen2_5_vl": lambda: vlm.from_qwen_2_5_vl(text, input_size, image_size),
        "qwen3_vl": lambda: vlm.from_qwen_3_vl(text, image_size),
        "paligemma": lambda: vlm.from_paligemma(text, image_size),
        "deepseek_vl2": lambda: vlm.from_deepseek_vl_2(text, image_size),
        "gemma3": lambda: vlm.from_google_gemini_2_0(text, image_size),
        "medgemma": lambda: vlm.from_google_gemini_2_0(text, side),
    }
    try:
        found = np.asarray(parsers[convention]()[0], dtype=np.float64).reshape(-1, 4)
    except (KeyError, ValueError):
        return None
    if convention == "medgemma":  # it knows nothing of the padding
        found -= np.array([(side[0] - image_size[0]) / 2, (side[1] - image_size[1]) / 2] * 2)
    return found


# What it does not do: corners in order, clipping, fractions, boxes that repeat, reasoning.
OTHERWISE = {
    *("qwen25-beyond-the-frame", "qwen25-corners-swapped", "qwen25-fractions", "qwen25-repeats"),
    *("qwen3-just-above-1000", "medgemma-thinking", "medgemma-in-the-padding"),
}


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_supervision_reads_the_same_boxes():
    compared = 0
    for case in CASES:
        sizes = tuple(case["image_size"]), tuple(case["model_input_size"])
        theirs = supervision_boxes(case["raw_text"], case["convention"], *sizes)
        mine = read(case)
        if theirs is None or not len(theirs) or mine.kind != "boxes" or case["id"] in OTHERWISE:
            continue
        compared += 1
        # It divides PaliGemma's bins by 1024.
        near = case["tolerance_px"] if case["convention"] == "paligemma" else 1e-9
        assert [box.as_tuple() for box in mine.boxes] == [pytest.approx(tuple(box), abs=near) for box in theirs]
    assert compared >= 14
    rng = np.random.default_rng(0)
    for name in ("qwen2_5_vl", "qwen3_vl", "paligemma", "deepseek_vl2", "gemma3", "medgemma"):
        for _ in range(20):
            x, y, width, height = rng.integers(50, 1200, 4)
            text = write([Box(x, y, x + width, y + height)], name, SIZE, (896, 1092))
            (theirs,) = supervision_boxes(text, name, SIZE, (896, 1092))
            (mine,) = parse(text, name, SIZE, (896, 1092)).boxes
            near = 3 if name == "paligemma" else 1e-3  # it keeps float32
            assert mine.as_tuple() == pytest.approx(tuple(theirs), abs=near), text


@pytest.mark.slow
def test_transformers_reads_the_same_patches():
    kosmos = pytest.importorskip("transformers.models.kosmos2.processing_kosmos2")
    rng = np.random.default_rng(0)
    for first, last in [(330, 330), (330, 340), (330, 394), *rng.integers(0, 1024, (500, 2)).tolist()]:
        text = f"<phrase> it</phrase><object><patch_index_{first:04d}><patch_index_{last:04d}></object>"
        x0, y0, x1, y1 = kosmos.patch_index_to_coordinate(first, last, 32)
        if x1 <= x0 or y1 <= y0:
            continue
        (box,) = parse(text, "kosmos2", SIZE).boxes
        assert box.as_tuple() == pytest.approx((x0 * 2544, y0 * 3056, x1 * 2544, y1 * 3056))
        x, y, width, height = rng.uniform(0, 1, 4)
        there = (x * 0.9, y * 0.9, x * 0.9 + width * 0.1, y * 0.9 + height * 0.1)
        indices = kosmos.coordinate_to_patch_index(there, 32)
        written = write([Box(*there).scaled(*SIZE)], "kosmos2", SIZE)
        assert "".join(f"<patch_index_{index:04d}>" for index in indices) in written


def kinds(texts, convention, size=(1000, 1000)):
    return [parse(text, convention, size, size).kind for text in texts]


def test_reasoning_is_no_answer():
    box = '{"bbox_2d": [100, 200, 300, 400]}'
    other = '{"bbox_2d": [1, 2, 3, 4]}'
    for text in (
        f"<think>{other}</think>{box}",
        f"{other} </think> {box}",
        f"<unused94>{other}<unused95>{box}",
        f"{other} **Final answer:** {box}",
        f"{other} so \\boxed{{{box}}} as {other}",
        f"\\boxed{{{other}}}, no: \\boxed{{{box}}}",
    ):
        parsed = parse(text, "qwen3_vl", (1000, 1000))
        assert (parsed.boxes, parsed.repaired) == ((Box(100, 200, 300, 400),), False), text
    cut = parse(f"so \\boxed{{{box}", "qwen3_vl", (1000, 1000))
    assert (cut.boxes, cut.repaired) == ((Box(100, 200, 300, 400),), True)
    for text in (f"<think>{box}", f"</think><think>{box}", f"<unused94>{box}"):
        parsed = parse(text, "qwen3_vl", (1000, 1000))
        assert (parsed.kind, parsed.reason) == ("unparseable", "the reasoning does not end")


def test_a_number_far_beyond_the_frame_makes_the_whole_answer_unparseable():
    """With one box of another frame, the others are of another frame too, whatever their numbers."""
    assert kinds(['[{"bbox_2d": [10, 20, 30, 40]}, {"bbox_2d": [10, 20, 1101, 40]}]'], "qwen3_vl") == ["unparseable"]
    assert kinds(['[{"bbox_2d": [10, 20, 1100, 40]}, {"bbox_2d": [-100, 20, 30, 40]}]'], "qwen3_vl") == ["boxes"]
    assert kinds(["It is at [0.5, 0.2, 1.11, 0.6]."], "llava_fractions") == ["unparseable"]


def test_fractions_are_told_by_how_they_are_written():
    whole = Box(0, 0, 1000, 1000)
    assert parse('{"bbox_2d": [0.0, 0.0, 1.0, 1.0]}', "qwen3_vl", (1000, 1000)).boxes == (whole,)
    assert parse('{"bbox_2d": [0, 0, 1, 1]}', "qwen3_vl", (1000, 1000)).boxes == (Box(0, 0, 1, 1),)
    assert parse("It is at [0.0, 0.0, 1.0, 1.0].", "llava_fractions", (1000, 1000)).boxes == (whole,)
    assert kinds(["It is at [0, 0, 1, 1]."], "llava_fractions") == ["unparseable"]
    # Neither a fraction nor a thousandth, which would be a box below a pixel.
    assert kinds(['{"bbox_2d": [0.2, 0.3, 0.5, 1.02]}'], "qwen3_vl") == ["unparseable"]


def test_four_zeros_say_that_there_is_nothing():
    assert kinds(['{"bbox_2d": [0, 0, 0, 0]}', "[0, 0, 0, 0]"], "qwen3_vl") == ["refusal", "refusal"]
    parsed = parse('[{"bbox_2d": [0, 0, 0, 0]}, {"bbox_2d": [10, 20, 30, 40]}]', "qwen3_vl", (1000, 1000))
    assert parsed.boxes == (Box(10, 20, 30, 40),)
    # A line is no box, but something was named.
    line = parse('{"bbox_2d": [10, 20, 10, 40]}', "qwen3_vl", (1000, 1000))
    assert (line.kind, line.boxes) == ("boxes", ())


def test_refusals_are_told_from_failures():
    refusals = (
        "No finding.",
        "I can't see it.",
        "It isn\u2019t there.",
        "```json\n[]\n```",
        '{"bbox_2d": null}',
        "None",
    )
    failures = ("", "!!!!", "It is in the left lung.", "about 10 20 30 40", "[1, 2]", "[100, 200, 300", '"bbox_2d": [1')
    for name in ("qwen3_vl", "medgemma", "internvl", "llava_fractions"):
        assert set(kinds(refusals, name)) == {"refusal"}, name
        assert set(kinds(failures, name)) == {"unparseable"}, name
    # Where boxes are tags of their own, an answer without tags has none to give.
    for name in ("paligemma", "kosmos2", "maira2", "florence2", "qwen2_vl", "chexagent2", "deepseek_vl2"):
        assert set(kinds([*refusals, "It is in the left lung.", ""], name)) == {"refusal"}, name
        assert set(kinds(["!!!!", "about 10 20 30 40", "not at [100, 200"], name)) == {"unparseable"}, name


@pytest.mark.parametrize("name", CONVENTIONS)
def test_numbers_of_the_prose_never_count(name):
    boxes = [Box(300, 500, 900, 1400)]
    text = write(boxes, name, SIZE, SIZE)
    alone = parse(text, name, SIZE, SIZE)
    before = "Of 3056 rows, 20 % at x = 100, y = 200 to 300 and 400; (see 3), [2] and slices 1, 2, 3, 4. "
    assert parse(before + text, name, SIZE, SIZE).boxes == alone.boxes
    assert parse(f"{text} That is 12 by 34, or 5 6 7 8 (9).", name, SIZE, SIZE).boxes == alone.boxes
    assert parse(before, name, SIZE, SIZE).boxes == ()


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ('{"bbox_xywh": [100, 200, 50, 60]}', "qwen3_vl"),
        ('{"bbox_2d": [100, 200, 350, 460], "format": "xywh"}', "qwen3_vl"),
        ("bbox (x, y, w, h) = [100, 200, 150, 260]", "internvl"),
        ("[0.5, 0.5, 0.6, 0.7] (center x, center y, width, height)", "llava_fractions"),
        ("In [ymin, xmin, ymax, xmax]: [100, 200, 300, 400]", "qwen3_vl"),
        ('Final Answer: ```json[{"box_2d": [1, 2, 3, 4], "order": "xyxy"}]```', "medgemma"),
        ("(x1, y1, x2, y2) = (100, 200, 300, 400)", "gemma3"),
    ],
)
def test_an_answer_that_says_it_has_another_order_is_not_read_in_ours(text, name):
    assert kinds([text], name) == ["unparseable"]


def test_the_convention_s_own_order_may_be_named():
    for text, name in (
        ("[x1, y1, x2, y2] = [100, 200, 300, 400]", "qwen3_vl"),
        ("In (xmin, ymin, xmax, ymax): (100, 200, 300, 400)", "internvl"),
        ("[ymin, xmin, ymax, xmax] = [200, 100, 400, 300]", "gemma3"),
    ):
        assert parse(text, name, (1000, 1000)).boxes == (Box(100, 200, 300, 400),), text


def test_corners_of_a_polygon_are_no_boxes():
    for text in (
        "<|quad_start|>(100,200),(300,210),(310,400),(90,390)<|quad_end|>",
        "(100, 200), (300, 200), (300, 400)",
        "(100, 200), (300, 200), (300, 400), (100, 400), (50, 300)",
    ):
        assert kinds([text], "qwen2_vl") == ["unparseable"], text
    # Tags that a server drops leave nothing between two boxes.
    two = parse("it(100,200),(300,400)(500,600),(700,800)", "qwen2_vl", (1000, 1000))
    assert two.boxes == (Box(100, 200, 300, 400), Box(500, 600, 700, 800))


def test_a_small_box_of_cells_is_not_taken_for_fractions():
    """Kosmos-2's first cell is (0, 0) to (1, 1) cells: as fractions it would be the whole image."""
    cell = Box(0, 0, 1000 / 32, 1000 / 32)
    text = write([Box(2, 3, 20, 30)], "kosmos2", (1000, 1000))
    assert parse(text, "kosmos2", (1000, 1000)).boxes == (cell,)


def test_words_in_brackets_are_no_coordinates():
    denied = ["No nodule (T4-T5 level).", "The nodule (2 x 3 cm) is not seen.", "None (compare ribs 5, 6, 7)."]
    for name in ("qwen3_vl", "llava_fractions", "chexagent2"):
        assert set(kinds(denied, name)) == {"refusal"}, name
    assert kinds(["It is not at [x1=100, y1=200].", "No, [100, 200, 300"], "qwen3_vl") == ["unparseable"] * 2
