"""The pixels that a ground truth covers, counted over any grid without painting them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..core import Box, ImageSize, ProtocolError, Target
from ..core.map_cells import pixel_counts

Edges = NDArray[np.int64]
"""Increasing pixel positions; cell ``c`` of an axis holds the pixels ``edges[c]:edges[c + 1]``."""

PixelBox = tuple[int, int, int, int]
"""The pixels of a box as x0, y0, x1, y1, the last two excluded."""


class Region(ABC):
    """A set of pixels of one image.

    Attributes:
        image_size: (width, height) of the image.
        area: Number of pixels in the set.
    """

    image_size: ImageSize
    area: int

    @property
    def pixels(self) -> int:
        """Number of pixels of the image."""
        return self.image_size[0] * self.image_size[1]

    @property
    def share(self) -> float:
        """The part of the image that is covered."""
        return self.area / self.pixels

    @property
    def full(self) -> bool:
        """Whether nothing of the image is left uncovered."""
        return self.area == self.pixels

    @abstractmethod
    def count(self, rows: Edges, columns: Edges) -> NDArray[np.float64]:
        """Number of the set's pixels in every cell of a grid, `[len(rows) - 1, len(columns) - 1]`."""

    @abstractmethod
    def overlap(self, other: BoxRegion) -> int:
        """Number of pixels that are also in a union of boxes."""

    @abstractmethod
    def paint(self) -> NDArray[np.bool_]:
        """The set as a mask `[H, W]`, which nobody may change."""


class BoxRegion(Region):
    """The union of boxes.

    The boxes' edges cut the image into few rectangles, each of which belongs to the first box that covers it, or to
    none. Sums over pixels are products of small matrices; the image's size does not matter.

    Attributes:
        boxes: The boxes, in order, those included that cover no pixel.
        covering: Of the boxes that cover a pixel, the pixels as x0, y0, x1, y1, the last two excluded.
    """

    def __init__(self, boxes: Sequence[Box], image_size: ImageSize) -> None:
        """Cut the image along the edges of the boxes.

        Args:
            boxes: Boxes in the image's pixels; what lies outside the image is left out.
            image_size: (width, height) of the image.
        """
        self.boxes = tuple(boxes)
        self.image_size = (int(image_size[0]), int(image_size[1]))
        spans = [(box.columns(self.image_size[0]), box.rows(self.image_size[1])) for box in self.boxes]
        filled = [(i, x[0], y[0], x[1], y[1]) for i, (x, y) in enumerate(spans) if x[0] < x[1] and y[0] < y[1]]
        self.covering = [one[1:] for one in filled]
        xs = sorted({edge for _, x0, _, x1, _ in filled for edge in (x0, x1)} or {0})
        ys = sorted({edge for _, _, y0, _, y1 in filled for edge in (y0, y1)} or {0})
        owner = np.full((len(ys) - 1, len(xs) - 1), -1)
        column, row = ({edge: place for place, edge in enumerate(edges)} for edges in (xs, ys))
        for i, x0, y0, x1, y1 in reversed(filled):
            owner[row[y0] : row[y1], column[x0] : column[x1]] = i
        self._owner, self._xs, self._ys = owner, np.array(xs), np.array(ys)
        self._inside = (owner >= 0).astype(np.float64)
        pixels = pixel_counts(self._ys, self._xs)
        self.area = int(np.vdot(pixels, self._inside))

    def count(self, rows: Edges, columns: Edges) -> NDArray[np.float64]:
        """See `Region.count`."""
        return _lengths(self._ys, rows).T @ self._inside @ _lengths(self._xs, columns)

    def count_each(self, rows: Edges, columns: Edges) -> list[NDArray[np.float64]]:
        """For every box, `count` of its pixels that are in no earlier box."""
        down, across = _lengths(self._ys, rows).T, _lengths(self._xs, columns)
        return [down @ (self._owner == i).astype(np.float64) @ across for i in range(len(self.boxes))]

    def partition(self) -> tuple[NDArray[np.int64], Edges, Edges]:
        """The whole image cut along the edges of the boxes.

        Returns:
            Of each rectangle the first box that covers it, -1 for none, `[h, w]`; the edges of the rows `[h + 1]` and
            of the columns `[w + 1]`.
        """
        width, height = self.image_size
        # Python sorts so few numbers faster than NumPy finds the different ones.
        cuts = (self._ys, height), (self._xs, width)
        rows, columns = (np.array(sorted({0, *edges.tolist(), side})) for edges, side in cuts)
        owner = np.full((rows.size - 1, columns.size - 1), -1)
        if self.area:
            y, x = np.searchsorted(rows, self._ys[0]), np.searchsorted(columns, self._xs[0])
            owner[y : y + self._owner.shape[0], x : x + self._owner.shape[1]] = self._owner
        return owner, rows, columns

    def overlap(self, other: BoxRegion) -> int:
        """See `Region.overlap`."""
        return int(np.vdot(self.count(other._ys, other._xs), other._inside))

    def pixels_of(self, mask: NDArray[np.bool_]) -> int:
        """Number of the set's pixels that are in a mask `[H, W]` too."""
        rectangle = slice(self._ys[0], self._ys[-1]), slice(self._xs[0], self._xs[-1])
        part = mask[rectangle]
        return int(np.count_nonzero(part if self._inside.all() else part & self.paint()[rectangle]))

    def paint(self) -> NDArray[np.bool_]:
        """See `Region.paint`."""
        mask = np.zeros((self.image_size[1], self.image_size[0]), dtype=bool)
        for box in self.boxes:
            mask[slice(*box.rows(mask.shape[0])), slice(*box.columns(mask.shape[1]))] = True
        return mask


class MaskRegion(Region):
    """The pixels of a mask."""

    def __init__(self, mask: NDArray[np.bool_]) -> None:
        """Keep a mask `[H, W]`."""
        self._mask = mask
        self.image_size = (mask.shape[1], mask.shape[0])
        self.area = int(np.count_nonzero(mask))

    def count(self, rows: Edges, columns: Edges) -> NDArray[np.float64]:
        """See `Region.count`."""
        part = self._mask[rows[0] : rows[-1], columns[0] : columns[-1]].view(np.uint8)
        # Most rows of most masks are empty, and along a row is the order in which the pixels lie in memory.
        filled = part.any(axis=1)
        across = np.zeros((len(part), len(columns) - 1), dtype=np.int32)
        across[filled] = np.add.reduceat(part[filled], columns[:-1] - columns[0], axis=1, dtype=np.int32)
        return np.add.reduceat(across, rows[:-1] - rows[0], axis=0).astype(np.float64)

    def overlap(self, other: BoxRegion) -> int:
        """See `Region.overlap`."""
        return other.pixels_of(self._mask)

    def paint(self) -> NDArray[np.bool_]:
        """See `Region.paint`."""
        return self._mask


def region_of(target: Target) -> Region:
    """The pixels of a ground truth: the union of its boxes where it has any, else its mask, else none.

    Raises:
        ProtocolError: If the mask is of another size than the image.
    """
    width, height = target.image_size
    if target.boxes or target.mask is None:
        return BoxRegion(target.boxes, target.image_size)
    mask = np.ascontiguousarray(target.mask.load(), dtype=bool)
    if mask.shape != (height, width):
        found = "x".join(str(side) for side in reversed(mask.shape))
        raise ProtocolError(
            f"the ground-truth mask {target.mask.key!r} is {found} and its image {width}x{height};"
            " masks must have the original image's size"
        )
    return MaskRegion(mask)


def shared_pixels(one: PixelBox, other: PixelBox) -> int:
    """How many pixels two boxes have in common."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    return width * height if width > 0 and height > 0 else 0


def _lengths(breaks: Edges, edges: Edges) -> NDArray[np.float64]:
    """How many pixels each interval between `breaks` shares with each cell, `[intervals, cells]`."""
    clamped = np.minimum(np.maximum(edges, breaks[:-1, None]), breaks[1:, None])
    return (clamped[:, 1:] - clamped[:, :-1]).astype(np.float64)
