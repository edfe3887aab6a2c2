"""An image at the size at which pictures show it, or an empty frame where it is not here."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..core import ImageSize, Radiograph
from ..core.alterations import Alteration


@dataclass(frozen=True, eq=False)
class Film:
    """An image at the size at which it is shown.

    Attributes:
        pixels: Grey values `[h, w]`, uint8; None for an empty frame.
        image_size: (width, height) of the original image.
        shown_size: (width, height) of the picture.
        sha256: Of the image's file; "" for an empty frame.
    """

    pixels: NDArray[np.uint8] | None
    image_size: ImageSize
    shown_size: ImageSize
    sha256: str = ""

    @classmethod
    def open(cls, path: Path, width: int | None, alteration: Alteration | None = None) -> Film:
        """Read an image file.

        Args:
            path: PNG, JPEG or DICOM.
            width: Of the picture in pixels; None for the original resolution.
            alteration: What the image becomes another by; None to show it as it is.

        Raises:
            ImageError: If the file is missing, no image, or damaged.
        """
        from PIL import Image

        radiograph = Radiograph.open(path)
        radiograph = radiograph if alteration is None else alteration.image(radiograph)
        shown = _shown(radiograph.size, width)
        pixels = radiograph.as_uint8()
        if shown != radiograph.size:
            smaller = shown[0] < radiograph.size[0]
            filtered = Image.Resampling.BOX if smaller else Image.Resampling.BICUBIC
            pixels = np.asarray(radiograph.as_pil().resize(shown, filtered))
        return cls(pixels, radiograph.size, shown, radiograph.sha256)

    @classmethod
    def empty(cls, image_size: ImageSize, width: int | None) -> Film:
        """A frame of an image that is not on this machine."""
        return cls(None, image_size, _shown(image_size, width))


def _shown(size: ImageSize, width: int | None) -> ImageSize:
    return size if width is None else (width, max(2, round(size[1] * width / size[0])))
