"""One map's values on another grid, exactly, with nothing of the image's size."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...core import Box, Heatmap
from ...core.map_cells import cells_of, grid_edges


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
    new_rows, new_columns = grid_edges(extent, shape)
    return _shares(rows, new_rows) @ values.astype(np.float64) @ _shares(columns, new_columns).T


def _shares(old: NDArray[np.int64], new: NDArray[np.int64]) -> NDArray[np.float64]:
    """The part of each new interval that lies in each old one, `[new, old]`."""
    low, high = np.maximum(new[:-1, None], old[None, :-1]), np.minimum(new[1:, None], old[None, 1:])
    return np.maximum(high - low, 0) / np.diff(new)[:, None]
