"""Resizing as PyTorch does it, where a published code scored resized maps: bilinear, ``align_corners=False``.

In float32, by PyTorch's rule (ATen ``upsample_bilinear2d``): equal but for the last bit, in which PyTorch's own kernels
differ from one another. Needs no PyTorch.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ..core import Heatmap, ProtocolError

Taps = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]
"""For every pixel of a resized axis: the two cells that it is read from, and the weight of the second."""


@lru_cache(maxsize=256)
def taps(cells: int, pixels: int) -> Taps:
    """Where the pixels of a resized axis are read from; beyond the outer cells' centres from these alone.

    Args:
        cells: Length of the axis before.
        pixels: Length of the axis after, longer or shorter; there is no antialiasing.
    """
    scale = np.float32(cells) / np.float32(pixels)
    index = np.arange(pixels, dtype=np.float32)
    source = np.maximum(scale * (index + np.float32(0.5)) - np.float32(0.5), np.float32(0))
    low = np.minimum(source.astype(np.int64), cells - 1)
    found = low, np.minimum(low + 1, cells - 1), source - low.astype(np.float32)
    for one in found:
        one.setflags(write=False)
    return found


def resized(values: NDArray[np.float32], height: int, width: int) -> NDArray[np.float32]:
    """An array `[h, w]` resized to `[height, width]`; exact where neighbours are equal, so that plateaus stay flat."""
    left, right, across = taps(values.shape[1], width)
    upper, lower, down = taps(values.shape[0], height)
    rows = values[:, left] + (values[:, right] - values[:, left]) * across
    result = rows[upper]
    result += (rows[lower] - result) * down[:, None]
    return result.astype(np.float32, copy=False)


def seen_pixels(heatmap: Heatmap) -> tuple[NDArray[np.float32], tuple[slice, slice]]:
    """A heatmap at its image's resolution, where the method has looked.

    Returns:
        Scores `[h, w]` of the extent's pixels, and the rows and columns of the image that these are.

    Raises:
        ProtocolError: If the scores differ by more than a float32 can be.
    """
    low, high = float(heatmap.values.min()), float(heatmap.values.max())
    if high - low > float(np.finfo(np.float32).max):
        raise ProtocolError(
            f"scores from {low:g} to {high:g} differ by more than float32 holds, so the map cannot be resized; "
            "answer with smaller scores"
        )
    x0, y0, x1, y1 = (int(edge) for edge in heatmap.extent.as_tuple())
    return resized(heatmap.values, y1 - y0, x1 - x0), (slice(y0, y1), slice(x0, x1))


@lru_cache(maxsize=256)
def reached(cells: int, pixels: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """What the pixels of a resized axis are read from with antialiasing: the cells of a positive weight.

    PyTorch's triangle filter (ATen ``_compute_indices_min_size_weights_aa``), which widens with the scale where the
    axis gets shorter. Reducing the axis of a mask to booleans, whatever has any weight counts.

    Returns:
        The first cell and the last-plus-one of each pixel, `[pixels]`.
    """
    one, half = np.float32(1), np.float32(0.5)
    scale = np.float32(cells) / np.float32(pixels)
    wide = max(scale, one)
    centre = scale * (np.arange(pixels, dtype=np.float32) + half)
    first = np.maximum((centre - wide + half).astype(np.int64), 0)
    stop = np.minimum((centre + wide + half).astype(np.int64), cells)
    # The last may lie at the filter's very end, where it weighs nothing.
    stop = stop - (np.abs(((stop - 1).astype(np.float32) - centre + half) * (one / wide)) >= one)
    for one_of in (first, stop):
        one_of.setflags(write=False)
    return first, stop
