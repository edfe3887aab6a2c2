"""From a heatmap to boxes, by a stated rule; equal to the same rule on the map at full resolution, pixel for pixel."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from ...core import Box, Heatmap
from ...core.map_boxes import boxes_of_map, pieces_of, sums_of
from ...core.map_cells import cells_of, pixel_counts, rectangle, stretched

_BINS = 256


def boxes_by_threshold(heatmap: Heatmap, rule: str) -> tuple[Box, ...]:
    """The rectangles of a map's strong pieces; see `core.map_boxes.boxes_of_map`.

    Args:
        heatmap: The map.
        rule: "v2" (the threshold is .5, as in the protocol of that name) or "otsu" (`otsu_threshold`).
    """
    return boxes_of_map(heatmap, otsu_threshold if rule == "otsu" else None)


def box_by_percentile(heatmap: Heatmap, percentile: float) -> tuple[Box, ...]:
    """The rectangle of the largest piece above a percentile of a map's pixels.

    The percentile is interpolated linearly, as `numpy.percentile` does. Where no pixel is above it, since more of them
    share the maximum, these count. Cells that touch, at a corner too, make a piece; the largest has the most pixels, of
    equal ones that with the highest value, then the first, row by row.

    Args:
        heatmap: The map.
        percentile: From 0 to 100.

    Returns:
        One box, scored by its highest normalised value; none for a map of one value.
    """
    values, rows, columns = cells_of(heatmap)
    unit = stretched(values)
    if unit is None:
        return ()
    counts = pixel_counts(rows, columns)
    threshold = min(_percentile(unit, counts, percentile), np.nextafter(1.0, 0.0))
    labels, number = pieces_of(unit > threshold)
    sizes = sums_of(labels, number, counts)
    highest = [float(unit[labels == piece + 1].max()) for piece in range(number)]
    best = max(range(number), key=lambda piece: (sizes[piece], highest[piece], -piece))
    return (rectangle(labels == best + 1, rows, columns, highest[best]),)


def otsu_threshold(values: NDArray[np.float64], counts: NDArray[np.int64]) -> float:
    """Otsu's threshold (Otsu 1979) of a histogram of 256 bins: the centre of the last bin of the lower class.

    Args:
        values: Values in any shape, not all one.
        counts: How often each occurs.
    """
    found, edges = np.histogram(values, _BINS, weights=counts)
    centres = (edges[:-1] + edges[1:]) / 2
    below, above = np.cumsum(found)[:-1], np.cumsum(found[::-1])[::-1][1:]
    lower = np.cumsum(found * centres)[:-1] / below
    upper = np.cumsum((found * centres)[::-1])[::-1][1:] / above
    return float(centres[np.argmax(below * above * (lower - upper) ** 2)])


def _percentile(values: NDArray[np.float64], counts: NDArray[np.int64], percentile: float) -> float:
    """`numpy.percentile` of values that occur several times each."""
    order = np.argsort(values, axis=None)
    ordered, ends = values.ravel()[order], np.cumsum(counts.ravel()[order])
    place = (ends[-1] - 1) * percentile / 100
    below = math.floor(place)
    low, high = (float(ordered[np.searchsorted(ends, at, "right")]) for at in (below, min(below + 1, ends[-1] - 1)))
    return low + (high - low) * (place - below)
