"""Masks as COCO writes them, against COCO's own tools (pycocotools), pixel for pixel."""

import numpy as np
import pytest
from pycocotools import mask as reference

from groundcxr.core.mask import FARTHEST, LARGEST_MASK, fill_polygons, fill_runs, runs_of

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # pycocotools' own


def polygon(rng, kind, width, height):
    """Corners of a polygon, concave and crossing itself as often as not."""
    corners = rng.uniform(-0.3, 1.3, (rng.integers(3, 12), 2)) * [width, height]
    if kind == "whole":
        corners = np.round(corners)
    if kind == "half":
        corners = np.round(corners * 2) / 2
    if kind == "far":
        corners = corners * 5 - [width, height]
    if kind == "repeated":
        corners = np.repeat(corners, 2, axis=0)
    return corners.ravel().tolist()


@pytest.mark.parametrize("kind", ["any", "whole", "half", "far", "repeated"])
def test_polygons_are_filled_as_pycocotools_fills_them(kind):
    rng = np.random.default_rng(7)
    for _ in range(200):
        width, height = (int(side) for side in rng.integers(1, 90, 2))
        polygons = [polygon(rng, kind, width, height) for _ in range(rng.integers(1, 4))]
        expected = reference.decode(reference.merge(reference.frPyObjects(polygons, height, width)))
        np.testing.assert_array_equal(fill_polygons(polygons, (width, height)), expected.astype(bool))


def test_a_polygon_on_a_radiographs_size():
    angle = np.linspace(0, 2 * np.pi, 150, endpoint=False)
    radius = 700 + 400 * np.sin(5 * angle)
    corners = np.stack([1200 + radius * np.cos(angle), 1500 + 1.3 * radius * np.sin(angle)], axis=1).ravel().tolist()
    expected = reference.decode(reference.frPyObjects([corners], 3056, 2544))[..., 0].astype(bool)
    np.testing.assert_array_equal(fill_polygons([corners], (2544, 3056)), expected)


def masks():
    rng = np.random.default_rng(3)
    yield np.zeros((5, 7), bool)
    yield np.ones((5, 7), bool)
    yield np.ones((1, 1), bool)
    for _ in range(200):
        height, width = rng.integers(1, 60, 2)
        yield rng.random((height, width)) < rng.random()
        yield np.kron(rng.random((3, 4)) < 0.5, np.ones((height, width))) > 0


def test_compressed_and_plain_runs_are_decoded_as_pycocotools_does():
    for mask in masks():
        size = (mask.shape[1], mask.shape[0])
        compressed = reference.encode(np.asfortranarray(mask.astype(np.uint8)))["counts"].decode()
        np.testing.assert_array_equal(fill_runs(runs_of(compressed), size), mask)
        flat = np.concatenate([[False], mask.ravel(order="F")])
        plain = np.diff(np.flatnonzero(np.diff(flat, prepend=False, append=~flat[-1:])), prepend=0)
        plain[0] -= 1
        plain = plain if plain.sum() == mask.size else np.append(plain, mask.size - plain.sum())
        expected = reference.decode(
            reference.frPyObjects({"size": list(mask.shape), "counts": plain.tolist()}, *size[::-1])
        )
        np.testing.assert_array_equal(fill_runs(plain, size), expected.astype(bool))


@pytest.mark.parametrize("text", ["P", "~", "\u00e9", "\ud800", "ooooooooo0", "0 0"])
def test_a_text_that_is_no_code_is_refused(text):
    with pytest.raises(ValueError, match="no compressed run-length code"):
        runs_of(text)


@pytest.mark.parametrize(
    ("runs", "size", "message"),
    [
        ([3, 4], (2, 3), "cover 7 pixels, and 2x3 are 6"),
        ([8, -2], (2, 3), "not lengths within 2x3"),
        ([2**62, 2**62, 2**62, 2**62], (2, 3), "not lengths within 2x3"),
        ([], (2, 3), "cover 0 pixels"),
        ([LARGEST_MASK + 1], (LARGEST_MASK + 1, 1), "can be read"),
    ],
)
def test_runs_that_are_no_mask_are_refused_before_anything_is_drawn(runs, size, message):
    with pytest.raises(ValueError, match=message):
        fill_runs(runs, size)


@pytest.mark.parametrize(
    "corners", [[1, 2, 3, 4], [1, 2, 3, 4, 5, 6, 7], [0, 0, 2 * FARTHEST, 0, 5, 5], [0, 0, 1, 1, 2, np.nan]]
)
def test_what_is_no_polygon_is_refused(corners):
    with pytest.raises(ValueError, match="polygon"):
        fill_polygons([corners], (10, 10))
