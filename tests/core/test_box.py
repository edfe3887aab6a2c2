"""Boxes: whole-pixel rule, clipping, frames."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundcxr.core import Box, bounding_box, union_area

EDGE = st.floats(-5, 15, width=32)


@given(EDGE, EDGE, st.integers(1, 12))
def test_a_pixel_belongs_to_a_box_when_its_centre_does(low, high, size):
    centres = np.arange(size) + 0.5
    inside = (low <= centres) & (centres < high)
    start, stop = Box(low, 0, high, 1).columns(size)
    assert 0 <= start <= stop <= size
    assert [start <= i < stop for i in range(size)] == inside.tolist()
    assert Box(0, low, 1, high).rows(size) == (start, stop)


def test_whole_numbers_are_the_half_open_range():
    box = Box.from_xywh(2, 3, 4, 5, score=0.5)
    assert box.columns(100) == (2, 6)
    assert box.rows(100) == (3, 8)
    assert box.area == 20
    assert box.score == 0.5


def test_clipping():
    assert Box(-2, 3, 50, 8).clipped((10, 6)).as_tuple() == (0, 3, 10, 6)
    assert Box(20, 0, 30, 5).clipped((10, 6)).area == 0
    assert Box(-2, 3, 5, 8, score=0.5).clipped((10, 6)).score == 0.5
    assert Box(0, 0, 10, 6).inside((10, 6))
    assert not Box(0, 0, 10.5, 6).inside((10, 6))


@given(EDGE, EDGE, EDGE, EDGE)
def test_each_edge_is_clipped(x0, y0, x1, y1):
    expected = np.clip([x0, y0, x1, y1], 0, [10, 6, 10, 6])
    clipped = Box(x0, y0, x1, y1, score=0.5).clipped((10, 6))
    assert clipped == Box(*expected, score=0.5)
    assert clipped.clipped((10, 6)) == clipped


@given(st.lists(st.tuples(*[st.integers(0, 6)] * 4), max_size=3))
def test_the_area_of_a_union_is_that_of_its_pixels(edges):
    covered = np.zeros((6, 6), dtype=bool)
    for x0, y0, x1, y1 in edges:
        covered[y0:y1, x0:x1] = True
    assert union_area(Box(*each) for each in edges) == covered.sum()


def test_edges_in_the_wrong_order_are_an_empty_box():
    box = Box(8, 8, 2, 9)
    assert (box.width, box.area) == (0, 0)
    assert box.columns(10)[0] == box.columns(10)[1]


def test_another_frame():
    assert Box(1, 2, 3, 4, score=0.25).scaled(2, 10) == Box(2, 20, 6, 40, score=0.25)


def test_whole_image_is_width_by_height():
    assert Box.whole((7, 3)).as_tuple() == (0, 0, 7, 3)


def test_bounding_box():
    assert bounding_box([Box(1, 5, 2, 6), Box(0, 5.5, 1, 9)]).as_tuple() == (0, 5, 2, 9)
    with pytest.raises(ValueError, match="no boxes"):
        bounding_box([])


@pytest.mark.parametrize("edges", [(math.nan, 0, 1, 1), (0, 0, math.inf, 1)])
def test_edges_must_be_finite(edges):
    with pytest.raises(ValueError, match="finite"):
        Box(*edges)


def test_a_score_must_be_finite():
    with pytest.raises(ValueError, match="score"):
        Box(0, 0, 1, 1, score=math.nan)


@pytest.mark.parametrize("edge", ["3", b"3", 3j, np.complex64(3)])
def test_a_box_is_made_of_plain_numbers(edge):
    with pytest.raises(ValueError, match="plain numbers"):
        Box(0, 0, edge, 4)
    with pytest.raises(ValueError, match="plain numbers"):
        Box(0, 0, 4, 4, edge)
