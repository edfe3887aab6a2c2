"""The pixels of a heatmap's cells, and one map's values on another grid: all exact, nothing of the image's size."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...core import Box, Heatmap, cell_edges


def cells_of(heatmap: Heatmap) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.int64]]:
    """The cells that hold pixels; those of a grid finer than the pixels may hold none.

    Args:
        heatmap: The map.

    Returns:
        Values `[h, w]`, and the pixels at which the rows `[h + 1]` and the columns `[w + 1]` start, of the image.
    """
    x0, y0, x1, y1 = (int(edge) for edge in heatmap.extent.as_tuple())
    rows = y0 + cell_edges(heatmap.values.shape[0], y1 - y0)
    columns = x0 + cell_edges(heatmap.values.shape[1], x1 - x0)
    keep_rows, keep_columns = np.diff(rows) > 0, np.diff(columns) > 0
    values = heatmap.values[np.ix_(keep_rows, keep_columns)].astype(np.float64)
    # Edges of empty cells coincide, so that each cell that is kept still ends where the next one starts.
    return values, np.append(rows[:-1][keep_rows], y1), np.append(columns[:-1][keep_columns], x1)


def pixel_counts(rows: NDArray[np.int64], columns: NDArray[np.int64]) -> NDArray[np.int64]:
    """How many pixels each cell holds, `[h, w]`, from the edges that `cells_of` gives."""
    return np.multiply.outer(np.diff(rows), np.diff(columns))


def regridded(heatmap: Heatmap, extent: Box, shape: tuple[int, int]) -> NDArray[np.float64]:
    """The mean of a map's pixels in each cell of another grid.

    Args:
        heatmap: The map.
        extent: The rectangle of the other grid, on whole pixels, within the map's own.
        shape: (rows, columns) of the other grid, at most one for each pixel.

    Returns:
        Means `[rows, columns]`; a cell within one cell of the map has that one's value.
    """
    values, rows, columns = cells_of(heatmap)
    x0, y0, x1, y1 = (int(edge) for edge in extent.as_tuple())
    down = _shares(rows, y0 + cell_edges(shape[0], y1 - y0))
    across = _shares(columns, x0 + cell_edges(shape[1], x1 - x0))
    return down @ values @ across.T


def _shares(old: NDArray[np.int64], new: NDArray[np.int64]) -> NDArray[np.float64]:
    """The part of each new interval that lies in each old one, `[new, old]`."""
    low, high = np.maximum(new[:-1, None], old[None, :-1]), np.minimum(new[1:, None], old[None, 1:])
    return np.maximum(high - low, 0) / np.diff(new)[:, None]


def stretched(values: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """Values of any shape min-max normalised to 0..1; None where they are all one."""
    low, high = values.min(), values.max()
    return None if low == high else (values - low) / (high - low)


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
