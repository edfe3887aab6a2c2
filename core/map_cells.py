"""The pixels of a heatmap's cells, exactly, with nothing of the image's size."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from .box import Box
from .heatmap import Heatmap, cell_edges


def cells_of(heatmap: Heatmap) -> tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.int64]]:
    """The cells that hold pixels; those of a grid finer than the pixels may hold none.

    Args:
        heatmap: The map.

    Returns:
        Values `[h, w]`, and the pixels at which the rows `[h + 1]` and the columns `[w + 1]` start, of the image.
    """
    x0, y0, x1, y1 = (int(edge) for edge in heatmap.extent.as_tuple())
    height, width = heatmap.values.shape
    (rows, which_rows), (columns, which_columns) = _axis(height, y0, y1), _axis(width, x0, x1)
    if rows.size == height + 1 and columns.size == width + 1:
        return heatmap.values, rows, columns
    return heatmap.values[np.ix_(which_rows, which_columns)], rows, columns


def grid_edges(extent: Box, shape: tuple[int, int]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The pixels of an image at which the cells of a grid over a part of it start.

    Args:
        extent: The part, on whole pixels.
        shape: (rows, columns) of the grid.

    Returns:
        Of the rows `[h + 1]` and of the columns `[w + 1]`; equal edges where a cell holds no pixel.
    """
    x0, y0, x1, y1 = (int(edge) for edge in extent.as_tuple())
    return y0 + cell_edges(shape[0], y1 - y0), x0 + cell_edges(shape[1], x1 - x0)


@lru_cache(maxsize=1024)
def _axis(cells: int, start: int, stop: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The edges of the cells that hold pixels, and which cells these are; both read-only."""
    edges = cell_edges(cells, stop - start)
    which = np.flatnonzero(np.diff(edges))
    found = np.append(edges[which], edges[-1]) + start
    found.setflags(write=False)
    which.setflags(write=False)
    return found, which


def pixel_counts(rows: NDArray[np.int64], columns: NDArray[np.int64]) -> NDArray[np.int64]:
    """How many pixels each cell holds, `[h, w]`, from the edges that `cells_of` gives."""
    return np.multiply.outer(rows[1:] - rows[:-1], columns[1:] - columns[:-1])


def stretched(values: NDArray[np.float32] | NDArray[np.float64]) -> NDArray[np.float64] | None:
    """Values of any shape min-max normalised to 0..1, in float64; None where they are all one."""
    low, high = float(values.min()), float(values.max())
    return None if low == high else (values.astype(np.float64) - low) / (high - low)


def rectangle(
    chosen: NDArray[np.bool_], rows: NDArray[np.int64], columns: NDArray[np.int64], score: float | None
) -> Box:
    """The smallest box around chosen cells, of which there is at least one.

    Args:
        chosen: Which cells `[h, w]`.
        rows: The rows' edges, as `cells_of` gives them.
        columns: The columns' edges.
        score: Of the box.
    """
    down, across = np.flatnonzero(chosen.any(axis=1)), np.flatnonzero(chosen.any(axis=0))
    x0, x1 = int(columns[across[0]]), int(columns[across[-1] + 1])
    return Box(x0, int(rows[down[0]]), x1, int(rows[down[-1] + 1]), score)
