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


def test_what_the_author_changes_later_changes_nothing():
    buffer = np.arange(6, dtype=np.float32).reshape(2, 3)
    kept = [Heatmap(buffer, Box.whole((9, 9)), (9, 9)), Heatmap.whole(buffer, (9, 9)), Heatmap.from_pixels(buffer)]
    torch = pytest.importorskip("torch")
    tensor = torch.from_numpy(buffer)
    kept.append(Heatmap.whole(tensor, (9, 9)))
    tensor.zero_()
    assert not buffer.any()
    for heatmap in kept:
        np.testing.assert_array_equal(heatmap.values, [[0, 1, 2], [3, 4, 5]])
        with pytest.raises(ValueError, match="read-only"):
            heatmap.values[0, 0] = 1


def test_a_map_in_a_file_may_change_later(tmp_path):
    mapped = np.memmap(tmp_path / "map", dtype=np.float32, mode="w+", shape=(2, 2))
    heatmap = Heatmap.whole(mapped, (4, 4))
    mapped[:] = 7
    assert not heatmap.values.any()


@pytest.mark.parametrize("kind", ["bool", "int8", "uint64", "float16", "float64", "longdouble"])
def test_plain_numbers_are_welcome(kind):
    np.testing.assert_array_equal(Heatmap.whole(np.eye(2).astype(kind), (4, 4)).values, np.eye(2))


def test_a_masked_array_without_a_masked_cell_is_one():
    np.testing.assert_array_equal(Heatmap.whole(np.ma.masked_array(np.eye(2), mask=False), (4, 4)).values, np.eye(2))


def requiring_grad():
    return pytest.importorskip("torch").ones(2, 2, requires_grad=True)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: np.ma.masked_array(np.eye(3), mask=np.eye(3) > 0), "3 masked cells"),
        (lambda: [np.ma.masked_array([1, 2], mask=[True, False]), [3, 4]], "1 masked cells"),
        (lambda: np.eye(2) * 1j, "plain numbers, got an array of complex128"),
        (lambda: np.array([[1, None]]), "plain numbers, got an array of object"),
        (lambda: np.array([["1", "2"]]), "plain numbers, got an array of <U1"),
        (lambda: np.array([["2020-01-01"]], dtype="datetime64[D]"), "plain numbers, got an array of datetime64"),
        (lambda: [[1, 2], [3]], "cannot be read as an array"),
        (lambda: [[1e300, 0]], "1 of 2"),
        (requiring_grad, r"requires grad.*; give values.detach\(\).float\(\).cpu\(\)$"),
    ],
)
@pytest.mark.parametrize("build", [lambda values: Heatmap.whole(values, (4, 4)), Heatmap.from_pixels])
def test_what_is_no_map_of_numbers_is_refused(make, message, build):
    with pytest.raises(ValueError, match=message):
        build(make())
