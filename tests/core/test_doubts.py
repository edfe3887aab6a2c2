"""Doubts about frames: raised for boxes in another frame or form, and not for right ones."""

import numpy as np
import pytest

from groundcxr.core import Box
from groundcxr.core.doubts import CORNERS, FRACTIONS, LEAVES, SIZES, SMALLER_FRAME, Placed, frame_doubts

SIZE = (1000, 1200)


def right_boxes(count, seed=0):
    """Boxes of findings anywhere in the lungs of images of `SIZE`."""
    rng = np.random.default_rng(seed)
    x, y = rng.uniform(80, 500, count), rng.uniform(150, 700, count)
    return [
        Box(*corners)
        for corners in np.stack([x, y, x + rng.uniform(40, 400, count), y + rng.uniform(40, 450, count)], 1)
    ]


def doubts(boxes, written="sizes", size=SIZE):
    placed = [Placed(box, size, f"row {row}") for row, box in enumerate(boxes, start=2)]
    return {doubt.kind: doubt.count for doubt in frame_doubts(placed, written)}


@pytest.mark.parametrize("written", ["sizes", "corners"])
@pytest.mark.parametrize("count", [0, 1, 2, 5, 40, 400])
def test_right_boxes_raise_none(written, count):
    for seed in range(20):
        assert doubts(right_boxes(count, seed), written) == {}


@pytest.mark.parametrize("written", ["sizes", "corners"])
def test_fractions(written):
    boxes = [box.scaled(1 / SIZE[0], 1 / SIZE[1]) for box in right_boxes(30)]
    assert doubts(boxes, written) == {FRACTIONS: 30}
    assert doubts([*right_boxes(3), boxes[0]], written) == {FRACTIONS: 1}


def test_fractions_by_the_centre_may_end_beyond_one():
    assert doubts([Box.from_xywh(0.9, 0.8, 0.3, 0.4)]) == {FRACTIONS: 1}


def test_corners_read_as_sizes():
    boxes = [Box.from_xywh(*box.as_tuple()) for box in right_boxes(30)]
    assert doubts(boxes) == {CORNERS: 30}
    assert doubts(boxes[:1]) in ({CORNERS: 1}, {})  # one small box may fit both ways


def test_sizes_read_as_corners():
    boxes = [Box(box.x0, box.y0, box.width, box.height) for box in right_boxes(30)]
    assert set(doubts(boxes, "corners")) == {SIZES}


def test_boxes_in_a_larger_frame_leave_their_image():
    assert set(doubts([box.scaled(3, 3) for box in right_boxes(30)])) == {LEAVES}
    assert doubts([Box(900, 10, 1001, 50)]) == {}  # rounding


def test_a_few_boxes_that_stick_out_of_many_are_no_sign_of_another_frame():
    assert doubts([*right_boxes(399), Box(900, 100, 1100, 200)]) == {}


def test_boxes_of_smaller_copies_fill_the_upper_left_quarter():
    assert doubts([box.scaled(0.25, 0.25) for box in right_boxes(40)]) == {SMALLER_FRAME: 40}
    assert doubts([Box(10, 10, 30, 30)] * 100) == {}  # one box again and again tells nothing
    assert doubts([box.scaled(0.25, 0.25) for box in right_boxes(19)]) == {}


def test_a_doubt_has_an_example():
    (doubt,) = frame_doubts([Placed(Box(0.1, 0.2, 0.3, 0.5), (100, 80), "row 7")], "sizes")
    assert str(doubt) == f"{FRACTIONS}: 1, for example row 7: (0.1, 0.2) to (0.3, 0.5) in 100x80"
