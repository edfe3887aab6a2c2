"""Heatmaps on a method's native grid, and the one rule that maps pixels to grid cells."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .box import Box, ImageSize
from .errors import said


@lru_cache(maxsize=1024)
def nearest_index(cells: int, pixels: int) -> NDArray[np.int64]:
    """The grid cell of every pixel along one axis.

    PyTorch's rule for nearest interpolation (``area_pixel`` off, ATen ``nearest_idx``), in float32 as there:
    ``floor(float32(i) * (float32(cells) / float32(pixels)))``, at most ``cells - 1``.

    Args:
        cells: Number of grid cells on the axis.
        pixels: Number of pixels that the grid covers on the axis.

    Returns:
        Indices `[pixels]`, non-decreasing, read-only.
    """
    scale = np.float32(cells) / np.float32(pixels)
    index = np.floor(np.arange(pixels, dtype=np.float32) * scale).astype(np.int64)
    index = np.minimum(index, cells - 1)
    index.setflags(write=False)
    return index


@lru_cache(maxsize=1024)
def cell_edges(cells: int, pixels: int) -> NDArray[np.int64]:
    """The pixels at which each cell starts, `[cells + 1]`: cell ``c`` holds pixels ``edges[c]:edges[c + 1]``.

    A cell is empty (equal edges) where the grid is finer than the pixels.
    """
    edges = np.searchsorted(nearest_index(cells, pixels), np.arange(cells + 1))
    edges.setflags(write=False)
    return edges


def copied(values: ArrayLike) -> NDArray[np.float32]:
    """A copy of scores as float32, in C order: authors reuse their buffers.

    Args:
        values: An array of plain numbers (bool, whole or floating), of any shape.

    Raises:
        ValueError: If it is masked in part, cannot be read as an array, or holds other things than plain numbers.
    """
    rows = values if isinstance(values, (list, tuple)) else [values]
    masked = sum(int(np.ma.getmaskarray(row).sum()) for row in rows if isinstance(row, np.ma.MaskedArray))
    if masked:
        raise ValueError(
            f"a heatmap's values are a masked array with {masked} masked cells, which no metric knows; fill them, or "
            "let the extent leave them out"
        )
    try:
        array = np.asarray(values)
    except Exception as error:  # the array's own `__array__` may raise anything, as that of a tensor on a GPU does
        step = "; give values.detach().float().cpu()" if hasattr(values, "detach") else ""
        raise ValueError(f"a heatmap's values cannot be read as an array ({said(error)}){step}") from error
    if array.dtype.kind not in "buif":
        raise ValueError(f"a heatmap's values must be plain numbers, got an array of {array.dtype}")
    if array.dtype == np.float32:
        return np.array(array, order="C")
    with np.errstate(over="ignore"):  # what is too large for float32 becomes infinite, which is refused
        return np.array(array, dtype=np.float32, order="C")


@dataclass(frozen=True, eq=False)
class Heatmap:
    """How strongly each place of an image answers to a phrase.

    Attributes:
        values: Scores `[h, w]`, float32, finite, on the method's native grid; higher means "here". Any range. A
            read-only copy of what was given, which may be any array of plain numbers, a tensor on the CPU among them.
        extent: The rectangle of the original image that the grid covers, on whole pixels; outside it the method has
            not looked.
        image_size: (width, height) of the original image.

    Raises:
        ValueError: If the values are not a finite 2-D array of plain numbers, or the extent is empty, fractional or
            leaves the image.
    """

    values: NDArray[np.float32]
    extent: Box
    image_size: ImageSize

    def __post_init__(self) -> None:
        values = copied(self.values)
        if values.ndim != 2 or values.size == 0:
            raise ValueError(f"a heatmap's values must have shape [h, w], got {list(values.shape)}")
        bad = values.size - int(np.count_nonzero(np.isfinite(values)))
        if bad:
            raise ValueError(f"a heatmap's values must be finite, {bad} of {values.size} are not")
        values.setflags(write=False)
        width, height = (int(side) for side in self.image_size)
        edges = self.extent.as_tuple()
        if any(edge != int(edge) for edge in edges):
            raise ValueError(f"a heatmap's extent must lie on whole pixels, got {edges}")
        if self.extent.area == 0 or not self.extent.inside((width, height)):
            raise ValueError(f"a heatmap's extent {edges} must be a rectangle inside its {width}x{height} image")
        object.__setattr__(self, "values", values)
        object.__setattr__(self, "image_size", (width, height))

    @classmethod
    def whole(cls, values: ArrayLike, image_size: ImageSize) -> Heatmap:
        """A heatmap whose grid covers the whole image.

        Args:
            values: Scores `[h, w]` on any grid.
            image_size: (width, height) of the original image.
        """
        return cls(values, Box.whole(image_size), image_size)  # pyright: ignore[reportArgumentType]

    @classmethod
    def from_pixels(cls, pixels: ArrayLike) -> Heatmap:
        """A heatmap from a full-size array.

        Args:
            pixels: Scores `[H, W]` of the original image's size, NaN where the method did not look.

        Raises:
            ValueError: If every pixel is NaN, or what is not NaN is no single rectangle.
        """
        array = copied(pixels)
        if array.ndim != 2 or array.size == 0:
            raise ValueError(f"a full-size heatmap must have shape [H, W], got {list(array.shape)}")
        seen = ~np.isnan(array)
        rows, columns = np.flatnonzero(seen.any(axis=1)), np.flatnonzero(seen.any(axis=0))
        if rows.size == 0:
            raise ValueError("a full-size heatmap must have at least one pixel that is not NaN")
        y0, y1, x0, x1 = int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1
        if not seen[y0:y1, x0:x1].all():
            raise ValueError("a full-size heatmap's NaN pixels must leave one rectangle")
        return cls(array[y0:y1, x0:x1], Box(x0, y0, x1, y1), (array.shape[1], array.shape[0]))

    def to_pixels(self) -> NDArray[np.float32]:
        """The map at the original image's size, `[H, W]`, NaN outside the extent; for display."""
        width, height = self.image_size
        x0, y0, x1, y1 = (int(edge) for edge in self.extent.as_tuple())
        rows = nearest_index(self.values.shape[0], y1 - y0)
        columns = nearest_index(self.values.shape[1], x1 - x0)
        pixels = np.full((height, width), np.nan, dtype=np.float32)
        pixels[y0:y1, x0:x1] = self.values[np.ix_(rows, columns)]
        return pixels
