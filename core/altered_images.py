"""Images that become others; grey values on the scale that is shown, so that all kinds of files change alike."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .altered_frames import Frame
from .fingerprint import generator_from
from .radiograph import Radiograph

Unit = NDArray[np.float32]
"""Grey values `[H, W]` in [0, 1], as `Radiograph.as_unit_float` gives them."""


def brightened(image: Radiograph, level: float, key: str) -> Radiograph:
    """All pixels brighter by a share of the range that is shown; darker below 0."""
    return _shown(image, key, lambda unit: (unit + level).astype(np.float32))


def contrasted(image: Radiograph, level: float, key: str) -> Radiograph:
    """All pixels' distances from the middle grey times a factor."""
    return _shown(image, key, lambda unit: ((unit - 0.5) * level + 0.5).astype(np.float32))


def noisy(image: Radiograph, level: float, key: str) -> Radiograph:
    """Gaussian noise added, with a standard deviation of a share of the range that is shown; drawn from the key."""

    def change(unit: Unit) -> Unit:
        drawn = generator_from("noise", key).standard_normal(unit.shape, dtype=np.float32)
        return (unit + level * drawn).astype(np.float32)

    return _shown(image, key, change)


def blurred(image: Radiograph, level: float, key: str) -> Radiograph:
    """A Gaussian blur with a standard deviation of a share of the shorter side; edges go on as they are."""
    from scipy.ndimage import gaussian_filter

    sigma = level * min(image.size)
    return _shown(image, key, lambda unit: np.asarray(gaussian_filter(unit, sigma, mode="nearest"), dtype=np.float32))


def compressed(image: Radiograph, level: float, key: str) -> Radiograph:
    """What a JPEG of a quality keeps of the 8-bit view; the image has 8 bits then."""
    from PIL import Image

    buffer = io.BytesIO()
    image.as_pil().save(buffer, format="JPEG", quality=int(level))
    with Image.open(io.BytesIO(buffer.getvalue())) as read:
        pixels = np.array(read.convert("L"))
    return _kept(replace(image, pixels=pixels, sha256=key, windowed=True, bits=8))


def black(image: Radiograph, level: float, key: str) -> Radiograph:
    """Nothing but black, of the same size and type."""
    return _kept(replace(image, pixels=np.zeros_like(image.pixels), sha256=key, padding=None))


def reframed(image: Radiograph, frame: Frame, key: str) -> Radiograph:
    """The pixels in another frame, with all that says how they are shown."""
    padding = None if image.padding is None else frame.mask(image.padding)
    return _kept(replace(image, pixels=frame.pixels(image.pixels), sha256=key, padding=padding))


def _shown(image: Radiograph, key: str, change: Callable[[Unit], Unit]) -> Radiograph:
    """The image with other grey values as they are shown; what leaves the range is cut off.

    Their full range is for display then: of a film whose own range is taken from its pixels a brighter one would
    otherwise be shown as the film itself.
    """
    bits = 8 * image.pixels.dtype.itemsize
    unit = np.clip(change(image.as_unit_float()), 0, 1) * np.float32(2**bits - 1)
    pixels: NDArray[Any] = np.rint(unit).astype(image.pixels.dtype)
    return _kept(replace(image, pixels=pixels, sha256=key, windowed=True, bits=bits))


def _kept(image: Radiograph) -> Radiograph:
    """The image with padding black and arrays that nobody can write to."""
    if image.padding is not None and image.pixels.flags.writeable:
        image.pixels[image.padding] = 0
    for array in (image.pixels, image.padding):
        if array is not None:
            array.setflags(write=False)
    return image
