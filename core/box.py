"""Boxes in the original image's pixels."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Tuple

import numpy as np

ImageSize = Tuple[int, int]
"""(width, height) in pixels, in this order everywhere."""


@dataclass(frozen=True)
class Box:
    """An axis-aligned rectangle ``[x0, x1) x [y0, y1)`` in original-image pixels.

    The origin is the image's top-left corner; coordinates are floats. A pixel belongs to a box when its centre does
    (`columns`, `rows`), which for whole numbers is the usual half-open range.

    Attributes:
        x0: Left edge.
        y0: Top edge.
        x1: Right edge, excluded.
        y1: Bottom edge, excluded.
        score: A method's confidence in the box; None for ground truth.
    """

    x0: float
    y0: float
    x1: float
    y1: float
    score: float | None = None

    def __post_init__(self) -> None:
        # Most boxes are floats, and a data set has 100,000: they are known by one look. A sum that
        # is not finite tells nothing, since finite numbers may add up to it.
        x0, y0, x1, y1 = self.x0, self.y0, self.x1, self.y1
        floats = type(x0) is type(y0) is type(x1) is type(y1) is float
        score = 0.0 if self.score is None else self.score
        if floats and type(score) is float and math.isfinite(x0 + y0 + x1 + y1 + score):
            return
        for name in ("x0", "y0", "x1", "y1", "score"):
            number = getattr(self, name)
            if type(number) is not float and (name != "score" or number is not None):
                object.__setattr__(self, name, _plain(number))
        if not all(map(math.isfinite, self.as_tuple())):
            raise ValueError(f"a box needs four finite numbers, got {self.as_tuple()}")
        if self.score is not None and not math.isfinite(self.score):
            raise ValueError(f"a box's score must be finite, got {self.score}")

    @classmethod
    def from_xywh(cls, x: float, y: float, width: float, height: float, score: float | None = None) -> Box:
        """Build a box from its top-left corner and its size."""
        return cls(x, y, x + width, y + height, score)

    @classmethod
    def whole(cls, image_size: ImageSize) -> Box:
        """The box that covers an image of `image_size`."""
        return cls(0, 0, image_size[0], image_size[1])

    @property
    def width(self) -> float:
        """Width in pixels, 0 when the edges are in the wrong order."""
        return max(0.0, self.x1 - self.x0)

    @property
    def height(self) -> float:
        """Height in pixels, 0 when the edges are in the wrong order."""
        return max(0.0, self.y1 - self.y0)

    @property
    def area(self) -> float:
        """Area in square pixels."""
        return self.width * self.height

    def as_tuple(self) -> tuple[float, float, float, float]:
        """``(x0, y0, x1, y1)``."""
        return (self.x0, self.y0, self.x1, self.y1)

    def scaled(self, sx: float, sy: float) -> Box:
        """The box in a frame that is `sx` times as wide and `sy` times as high."""
        return Box(self.x0 * sx, self.y0 * sy, self.x1 * sx, self.y1 * sy, self.score)

    def clipped(self, image_size: ImageSize) -> Box:
        """The part inside the image; its area is 0 when nothing is."""
        width, height = image_size
        if 0 <= self.x0 <= width and 0 <= self.x1 <= width and 0 <= self.y0 <= height and 0 <= self.y1 <= height:
            return self
        x0, x1 = min(max(self.x0, 0), width), min(max(self.x1, 0), width)
        y0, y1 = min(max(self.y0, 0), height), min(max(self.y1, 0), height)
        return Box(x0, y0, x1, y1, self.score)

    def inside(self, image_size: ImageSize) -> bool:
        """Whether no part of the box lies outside the image."""
        return self.x0 >= 0 and self.y0 >= 0 and self.x1 <= image_size[0] and self.y1 <= image_size[1]

    def columns(self, width: int) -> tuple[int, int]:
        """First and last-plus-one pixel column whose centre is inside, within ``[0, width]``."""
        return _centres(self.x0, self.x1, width)

    def rows(self, height: int) -> tuple[int, int]:
        """First and last-plus-one pixel row whose centre is inside, within ``[0, height]``."""
        return _centres(self.y0, self.y1, height)

    def covers_a_pixel(self, image_size: ImageSize) -> bool:
        """Whether the centre of any pixel of an image of `image_size` is inside."""
        (x0, x1), (y0, y1) = self.columns(image_size[0]), self.rows(image_size[1])
        return x0 < x1 and y0 < y1


def _plain(number: Any) -> float:
    """A number as a plain float, NumPy's and tensors' too: boxes are hashed and written as JSON.

    Raises:
        ValueError: If it is text, or has an imaginary part, which `float` would drop.
    """
    if isinstance(number, (str, bytes, complex, np.complexfloating)):
        raise ValueError(f"a box is made of plain numbers, got {number!r}")
    return float(number)


def _centres(low: float, high: float, size: int) -> tuple[int, int]:
    start = min(max(math.ceil(low - 0.5), 0), size)
    stop = min(max(math.ceil(high - 0.5), 0), size)
    return start, max(start, stop)


def bounding_box(boxes: Iterable[Box]) -> Box:
    """The smallest box that holds all `boxes`.

    Raises:
        ValueError: If there are none.
    """
    corners = [box.as_tuple() for box in boxes]
    if not corners:
        raise ValueError("no boxes to bound")
    x0, y0, x1, y1 = zip(*corners)
    return Box(min(x0), min(y0), max(x1), max(y1))


def union_area(boxes: Iterable[Box]) -> float:
    """The area that boxes cover together, in square pixels; overlaps count once."""
    held = [box for box in boxes if box.area > 0]
    if len(held) == 1:
        return held[0].area
    xs = sorted({edge for box in held for edge in (box.x0, box.x1)})
    total = 0.0
    for left, right in zip(xs, xs[1:]):
        spans = sorted((box.y0, box.y1) for box in held if box.x0 <= left and box.x1 >= right)
        covered, reached = 0.0, -math.inf
        for top, bottom in spans:
            covered += max(0.0, bottom - max(top, reached))
            reached = max(reached, bottom)
        total += covered * (right - left)
    return total
