"""Sums over a union of boxes against the same sums over painted pixels."""

from itertools import pairwise

import numpy as np

from groundcxr.core import Box
from groundcxr.metrics.region import BoxRegion, MaskRegion

SIZE = (31, 23)


def some_boxes(rng):
    """Boxes that overlap, hold one another, lie outside in part or whole, cover nothing, or come twice."""
    corners = rng.uniform(-5, 35, (rng.integers(0, 9), 2, 2)).round(int(rng.integers(0, 2)))
    boxes = [Box(x0, y0, x1, y1) for (x0, y0), (x1, y1) in np.sort(corners, axis=1).tolist()]
    return boxes + boxes[: rng.integers(0, 2)]


def painted(box):
    pixels = np.zeros(SIZE[::-1], bool)
    pixels[slice(*box.rows(SIZE[1])), slice(*box.columns(SIZE[0]))] = True
    return pixels


def test_sums_over_a_union_of_boxes_are_those_of_its_pixels():
    rng = np.random.default_rng(0)
    rows, columns = np.array([2, 5, 5, 11, 23]), np.array([0, 1, 16, 30])
    shared = 0
    for _ in range(300):
        region, other = BoxRegion(some_boxes(rng), SIZE), BoxRegion(some_boxes(rng), SIZE)
        pixels = region.paint()
        assert (pixels == np.any([painted(box) for box in region.boxes] or [np.zeros_like(pixels)], axis=0)).all()
        assert region.area == pixels.sum()
        both = (pixels & other.paint()).sum()
        assert region.overlap(other) == MaskRegion(pixels).overlap(other) == both
        shared += int(both)
        cells = [(slice(*r), slice(*c)) for r in pairwise(rows) for c in pairwise(columns)]
        assert region.count(rows, columns).ravel().tolist() == [pixels[cell].sum() for cell in cells]
        each, before = region.count_each(rows, columns), np.zeros_like(pixels)
        for box, found in zip(region.boxes, each, strict=True):
            mine = painted(box) & ~before
            assert found.ravel().tolist() == [mine[cell].sum() for cell in cells]
            before |= mine
    assert shared > 1000
