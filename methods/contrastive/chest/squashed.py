"""What KAD and MaCo share: the whole image, squashed into a square."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from ....core import Heatmap, ImageSize, Radiograph
from ....core.input_frame import InputFrame, fit_frame
from .checkpoint import CheckpointMethod


class SquashedMethod(CheckpointMethod):
    """A grid over the whole image.

    Attributes:
        side: Of the square, in pixels.
    """

    side: ClassVar[int]

    def input_pixels(self, image: Radiograph) -> NDArray[np.float32]:
        """Grey values in 0..1, resized with PIL's bicubic filter."""
        from PIL.Image import Resampling

        resized = image.as_pil().resize((self.side, self.side), Resampling.BICUBIC)
        return np.asarray(resized, dtype=np.float32) / np.float32(255)

    def placement(self, image_size: ImageSize) -> InputFrame:
        """The whole image."""
        return fit_frame(image_size, (self.side, self.side), "squash")

    def heatmap(self, cosines: NDArray[np.float32], image_size: ImageSize) -> Heatmap:
        """The grid, over the whole image."""
        return Heatmap.whole(cosines, image_size)
