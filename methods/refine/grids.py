"""One map's values on another grid, exactly, with nothing of the image's size."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...core import Box, Heatmap, cell_edges
from ...core.map_cells import cells_of


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
    return down @ values.astype(np.float64) @ across.T


def _shares(old: NDArray[np.int64], new: NDArray[np.int64]) -> NDArray[np.float64]:
    """The part of each new interval that lies in each old one, `[new, old]`."""
    low, high = np.maximum(new[:-1, None], old[None, :-1]), np.minimum(new[1:, None], old[None, 1:])
    return np.maximum(high - low, 0) / np.diff(new)[:, None]
