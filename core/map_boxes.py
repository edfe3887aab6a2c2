"""Boxes read off a heatmap; equal to the same rule on the map at full resolution, pixel for pixel."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .box import Box
from .heatmap import Heatmap
from .map_cells import cells_of, pixel_counts, stretched

HALF = 0.5
"""The threshold on the normalised map, and the part of the largest piece's mass that a piece must have."""

_EIGHT_NEIGHBOURS = np.ones((3, 3), dtype=bool)


def boxes_of_map(
    heatmap: Heatmap, threshold: Callable[[NDArray[np.float64], NDArray[np.int64]], float] | None = None
) -> tuple[Box, ...]:
    """The rectangles of a map's strong pieces.

    The map is min-max normalised, and cut above the threshold. Cells that touch, at a corner too, make a piece; a
    piece's mass is the sum of its pixels. Pieces of at least half of the largest mass count.

    Args:
        heatmap: The map.
        threshold: Gives the threshold, from the normalised values of the cells `[h, w]` and their numbers of pixels
            `[h, w]`; `HALF` where None.

    Returns:
        One box for each piece, on the edges of the map's own cells and scored by its highest normalised value, best
        first, those of one score row by row; none for a map of one value.
    """
    from scipy.ndimage import find_objects

    values, rows, columns = cells_of(heatmap)
    unit = stretched(values)
    if unit is None:
        return ()
    cut = HALF if threshold is None else threshold(unit, pixel_counts(rows, columns))
    labels, number = pieces_of(unit > cut)
    places: Any = find_objects(labels)
    strong = list(range(number))
    if number > 1:
        masses = sums_of(labels, number, unit * pixel_counts(rows, columns)).tolist()
        least = HALF * max(masses)
        strong = [piece for piece, mass in enumerate(masses) if mass >= least]
    found: list[Box] = []
    for piece in strong:
        down, across = place = places[piece]
        part = unit[place]
        score = float(part.max() if number == 1 else part[labels[place] == piece + 1].max())
        x0, x1 = float(columns[across.start]), float(columns[across.stop])
        found.append(Box(x0, float(rows[down.start]), x1, float(rows[down.stop]), score))
    found.sort(key=lambda box: -(box.score or 0.0))
    return tuple(found)


def pieces_of(mask: NDArray[np.bool_]) -> tuple[NDArray[np.int32], int]:
    """Connected cells, numbered from 1 on `[h, w]`, 0 for those outside the mask, and how many pieces there are."""
    from scipy.ndimage import label

    found: Any = label(mask, _EIGHT_NEIGHBOURS)
    return found


def sums_of(labels: NDArray[np.int32], number: int, values: NDArray[Any]) -> NDArray[Any]:
    """The sum of values over each piece, `[number]`."""
    return np.bincount(labels.ravel(), values.ravel(), number + 1)[1:]
