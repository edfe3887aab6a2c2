"""Heatmaps: the nearest rule is PyTorch's, full-size arrays come back as they went in, wrong input is refused."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundcxr.core import Box, Heatmap, cell_edges, nearest_index


@given(st.integers(1, 600), st.integers(1, 3100))
@settings(max_examples=200, deadline=None)
def test_pixels_are_mapped_as_pytorch_maps_them(cells, pixels):
    torch = pytest.importorskip("torch")
    row = torch.arange(cells, dtype=torch.float32)[None, None]
    expected = torch.nn.functional.interpolate(row, size=pixels, mode="nearest")[0, 0].numpy()
    np.testing.assert_array_equal(nearest_index(cells, pixels), expected)


@given(st.integers(1, 60), st.integers(1, 60))
def test_cell_edges_count_the_pixels_of_each_cell(cells, pixels):
    edges = cell_edges(cells, pixels)
    expected = np.bincount(nearest_index(cells, pixels), minlength=cells)
    np.testing.assert_array_equal(np.diff(edges), expected)
    assert (edges[0], edges[-1]) == (0, pixels)


def test_to_pixels():
    heatmap = Heatmap([[1, 2], [3, 4]], Box(1, 0, 4, 2), (5, 3))
    expected = [[np.nan, 1, 1, 2, np.nan], [np.nan, 3, 3, 4, np.nan], [np.nan] * 5]
    np.testing.assert_array_equal(heatmap.to_pixels(), np.float32(expected))


def test_a_full_size_array_comes_back():
    pixels = np.full((6, 8), np.nan, dtype=np.float32)
    pixels[1:5, 3:8] = np.random.default_rng(0).normal(size=(4, 5))
    heatmap = Heatmap.from_pixels(pixels)
    assert heatmap.extent.as_tuple() == (3, 1, 8, 5)
    assert heatmap.image_size == (8, 6)
    np.testing.assert_array_equal(heatmap.to_pixels(), pixels)


def test_values_become_float32():
    assert Heatmap.whole(np.arange(6, dtype=np.int64).reshape(2, 3), (9, 9)).values.dtype == np.float32


@pytest.mark.parametrize("hole", [(2, 2), (0, 0)])
def test_what_is_left_of_a_full_size_array_must_be_a_rectangle(hole):
    pixels = np.zeros((5, 5))
    pixels[hole] = np.nan
    with pytest.raises(ValueError, match="one rectangle"):
        Heatmap.from_pixels(pixels)


def test_a_full_size_array_must_hold_a_pixel():
    with pytest.raises(ValueError, match="at least one pixel"):
        Heatmap.from_pixels(np.full((2, 2), np.nan))


@pytest.mark.parametrize(
    ("values", "extent", "message"),
    [
        (np.zeros(4), Box(0, 0, 4, 4), r"shape \[h, w\]"),
        (np.zeros((0, 4)), Box(0, 0, 4, 4), r"shape \[h, w\]"),
        ([[0.0, np.nan]], Box(0, 0, 4, 4), "1 of 2"),
        ([[np.inf, np.inf]], Box(0, 0, 4, 4), "2 of 2"),
        ([[0.0]], Box(0.5, 0, 4, 4), "whole pixels"),
        ([[0.0]], Box(0, 0, 5, 4), "inside its 4x4 image"),
        ([[0.0]], Box(2, 2, 2, 4), "rectangle"),
    ],
)
def test_wrong_input_is_refused(values, extent, message):
    with pytest.raises(ValueError, match=message):
        Heatmap(values, extent, (4, 4))
