"""Frames that become others: where boxes, masks and pixels of an image are once it is mirrored, halved or cut."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from .box import Box, ImageSize


class Frame(Protocol):
    """What becomes of places."""

    def size(self, size: ImageSize) -> ImageSize:
        """The new (width, height)."""
        ...

    def box(self, box: Box, size: ImageSize) -> Box:
        """A box in the new frame, not clipped to it.

        Args:
            box: In the old frame.
            size: The old (width, height).
        """
        ...

    def pixels(self, pixels: NDArray[Any]) -> NDArray[Any]:
        """Grey values `[H, W]` in the new frame, of the same type."""
        ...

    def mask(self, mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """A region `[H, W]` in the new frame."""
        ...


@dataclass(frozen=True)
class Mirrored:
    """Left and right changed; an image twice mirrored is the image."""

    def size(self, size: ImageSize) -> ImageSize:
        """As it was."""
        return size

    def box(self, box: Box, size: ImageSize) -> Box:
        """The box on the other side."""
        return Box(size[0] - box.x1, box.y0, size[0] - box.x0, box.y1, box.score)

    def pixels(self, pixels: NDArray[Any]) -> NDArray[Any]:
        """Each row from its end."""
        return np.ascontiguousarray(pixels[:, ::-1])

    def mask(self, mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """As pixels."""
        return self.pixels(mask)


@dataclass(frozen=True)
class Halved:
    """Half the width and half the height; a last odd row or column counts as if it stood there twice."""

    def size(self, size: ImageSize) -> ImageSize:
        """Half of each, rounded up."""
        return (size[0] + 1) // 2, (size[1] + 1) // 2

    def box(self, box: Box, size: ImageSize) -> Box:
        """The box at half its numbers, fractions of pixels too."""
        return box.scaled(0.5, 0.5)

    def pixels(self, pixels: NDArray[Any]) -> NDArray[Any]:
        """The mean of each four pixels."""
        return np.rint(_quarters(pixels)).astype(pixels.dtype)

    def mask(self, mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Where at least half of the four pixels are inside."""
        return _quarters(mask) >= 0.5


@dataclass(frozen=True)
class Cropped:
    """A share of the width cut off at the left and at the right, and of the height above and below.

    Attributes:
        share: Of each side, below a half; what is cut is rounded down to whole pixels, so that some are left.
    """

    share: float

    def size(self, size: ImageSize) -> ImageSize:
        """What is left."""
        x, y = self._cut(size)
        return size[0] - 2 * x, size[1] - 2 * y

    def box(self, box: Box, size: ImageSize) -> Box:
        """The box as far from the new corner as it was from the same place before."""
        x, y = self._cut(size)
        return Box(box.x0 - x, box.y0 - y, box.x1 - x, box.y1 - y, box.score)

    def pixels(self, pixels: NDArray[Any]) -> NDArray[Any]:
        """The middle."""
        height, width = pixels.shape
        x, y = self._cut((width, height))
        return np.ascontiguousarray(pixels[y : height - y, x : width - x])

    def mask(self, mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """As pixels."""
        return self.pixels(mask)

    def _cut(self, size: ImageSize) -> tuple[int, int]:
        # 0.07 * 100 is a little above 7, and 0.29 * 100 a little below 29.
        x, y = (math.floor(self.share * side + 1e-9) for side in size)
        return x, y


def _quarters(pixels: NDArray[Any]) -> NDArray[np.float64]:
    """The mean of each four pixels, `[ceil(H / 2), ceil(W / 2)]`."""
    height, width = pixels.shape
    even = np.pad(pixels, ((0, height % 2), (0, width % 2)), mode="edge").astype(np.float64)
    return (even[::2, ::2] + even[1::2, ::2] + even[::2, 1::2] + even[1::2, 1::2]) / 4
