"""The square frame that GLoRIA, CARZero and AFLoc pad an image into, and cut their input from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ....core import ImageSize, MethodError
from ....core.input_frame import InputFrame
from .area import resize_area

INPUT = 224
"""Side of the networks' input in pixels."""


@dataclass(frozen=True)
class PadFrame:
    """The longer side resized to `side`, the shorter one padded with black on both sides, and the centre cut out.

    Attributes:
        side: Of the frame, in pixels; at least `INPUT`.
    """

    side: int

    def placement(self, image_size: ImageSize) -> InputFrame:
        """Where the input lies on an image.

        Args:
            image_size: (width, height) of the image.

        Raises:
            MethodError: If the image is so narrow that nothing is left of it.
        """
        width, height = image_size
        # In floating point as the authors, whose square images may lose a pixel to it.
        if height >= width:
            resized = (int(width * (self.side / height)), self.side)
        else:
            resized = (self.side, int(height * (self.side / width)))
        if min(resized) < 1:
            raise MethodError(f"an image of {width}x{height} pixels is too narrow for {self.side}x{self.side} input")
        x, y = ((self.side - one) // 2 for one in resized)
        cut = round((self.side - INPUT) / 2)
        return InputFrame(image_size, (INPUT, INPUT), resized, (x - cut, y - cut))

    def input(self, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The input `[224, 224]` of grey values `[H, W]`.

        Raises:
            MethodError: If the image is so narrow that nothing is left of it.
        """
        height, width = pixels.shape
        placed = self.placement((width, height))
        frame = np.zeros((self.side, self.side), dtype=np.uint8)
        x, y = ((self.side - one) // 2 for one in placed.resized)
        frame[y : y + placed.resized[1], x : x + placed.resized[0]] = resize_area(pixels, placed.resized)
        cut = round((self.side - INPUT) / 2)
        return frame[cut : cut + INPUT, cut : cut + INPUT]
