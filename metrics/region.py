"""The pixels that a ground truth covers, counted over any grid without painting them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..core import Box, ImageSize, ProtocolError, Target

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
    def within(self, rectangle: PixelBox) -> int:
        """Number of the set's pixels that are in a rectangle of the image's pixels."""

    def overlap(self, other: BoxRegion) -> int:
        """Number of pixels that are also in a union of boxes."""
        return sum(self.within(piece) for _, piece in other.pieces)

    @abstractmethod
    def paint(self) -> NDArray[np.bool_]:
        """The set as a mask `[H, W]`, which nobody may change."""


class BoxRegion(Region):
    """The union of boxes.

    The union is cut into few rectangles, each of which belongs to the first box that covers it. Sums over pixels are
    sums over these; the image's size does not matter.

    Attributes:
        boxes: The boxes, in order, those included that cover no pixel.
        covering: Of the boxes that cover a pixel, the pixels.
        pieces: Rectangles that have no pixel in common and make up the union, each with the number of its box.
    """

    def __init__(self, boxes: Sequence[Box], image_size: ImageSize) -> None:
        """Cut the boxes where they overlap.

        Args:
            boxes: Boxes in the image's pixels; what lies outside the image is left out.
            image_size: (width, height) of the image.
        """
        self.boxes = tuple(boxes)
        self.image_size = width, height = int(image_size[0]), int(image_size[1])
        self.covering: list[PixelBox] = []
        self.pieces: list[tuple[int, PixelBox]] = []
        self.area = 0
        for number, box in enumerate(self.boxes):
            (x0, x1), (y0, y1) = box.columns(width), box.rows(height)
            if x0 == x1 or y0 == y1:
                continue
            pixels = (x0, y0, x1, y1)
            pieces = [pixels]
            for other in self.covering:
                if pieces and shared_pixels(pixels, other):
                    pieces = [part for piece in pieces for part in _without(piece, other)]
            self.covering.append(pixels)
            self.pieces += [(number, piece) for piece in pieces]
            self.area += sum(pixels_of(piece) for piece in pieces)

    def count(self, rows: Edges, columns: Edges) -> NDArray[np.float64]:
        """See `Region.count`."""
        return _count([piece for _, piece in self.pieces], rows, columns)

    def count_each(self, rows: Edges, columns: Edges) -> list[NDArray[np.float64]]:
        """For every box, `count` of its pixels that are in no earlier box."""
        numbers = range(len(self.boxes))
        return [_count([piece for owner, piece in self.pieces if owner == number], rows, columns) for number in numbers]

    def within(self, rectangle: PixelBox) -> int:
        """See `Region.within`."""
        return sum(shared_pixels(piece, rectangle) for _, piece in self.pieces)

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

    def within(self, rectangle: PixelBox) -> int:
        """See `Region.within`."""
        x0, y0, x1, y1 = rectangle
        return int(np.count_nonzero(self._mask[y0:y1, x0:x1]))

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


def pixels_of(box: PixelBox) -> int:
    """How many pixels a box has."""
    x0, y0, x1, y1 = box
    return (x1 - x0) * (y1 - y0)


def shared_pixels(one: PixelBox, other: PixelBox) -> int:
    """How many pixels two boxes have in common."""
    x0, y0, x1, y1 = one
    left, top, right, bottom = other
    # Most of many boxes are apart, and this is asked of every two.
    if right <= x0 or x1 <= left or bottom <= y0 or y1 <= top:
        return 0
    return (min(x1, right) - max(x0, left)) * (min(y1, bottom) - max(y0, top))


def _without(box: PixelBox, other: PixelBox) -> list[PixelBox]:
    """What is left of a box without another one's pixels: above and below these, and beside them."""
    if not shared_pixels(box, other):
        return [box]
    x0, y0, x1, y1 = box
    left, top, right, bottom = max(x0, other[0]), max(y0, other[1]), min(x1, other[2]), min(y1, other[3])
    parts = (x0, y0, x1, top), (x0, bottom, x1, y1), (x0, top, left, bottom), (right, top, x1, bottom)
    return [part for part in parts if part[0] < part[2] and part[1] < part[3]]


def _count(pieces: Sequence[PixelBox], rows: Edges, columns: Edges) -> NDArray[np.float64]:
    """Number of the pixels of rectangles in every cell of a grid; see `Region.count`."""
    x0, y0, x1, y1 = np.array(pieces, dtype=np.int64).reshape(-1, 4).T[:, :, None]
    # Whole numbers below 2 to the 53, of which floats make exact sums in any order.
    return _lengths(y0, y1, rows).T @ _lengths(x0, x1, columns)


def _lengths(starts: Edges, stops: Edges, edges: Edges) -> NDArray[np.float64]:
    """How many pixels each interval `[n, 1]` shares with each cell, `[n, cells]`."""
    clamped = np.minimum(np.maximum(edges, starts), stops)
    return (clamped[:, 1:] - clamped[:, :-1]).astype(np.float64)
