"""Chest X-ray image files, read once, at native bit depth and size."""

from __future__ import annotations

import hashlib
import operator
import sys
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .box import ImageSize
from .errors import ImageError, MethodError

if TYPE_CHECKING:
    from PIL.Image import Image

    from .input_frame import InputFrame

_PERCENTILES = (0.5, 99.5)


@dataclass(frozen=True, eq=False)
class Radiograph:
    """A grey image as its file holds it. Methods take from it what they need.

    Attributes:
        pixels: Grey values `[H, W]`, uint8 or uint16, read-only. High values are bright, also for MONOCHROME1 DICOM.
        path: The file.
        sha256: Of the file's bytes; names the image in the prediction store.
        windowed: Whether the full range of the type's values is meant for display (8-bit files, DICOM with a VOI
            window or table); otherwise 8-bit views use the percentiles 0.5 and 99.5 (PadChest's 16-bit PNG needs that).
        bits: Significant bits of a pixel.
        padding: Which pixels `[H, W]` are no part of the image by the file's own word (DICOM's Pixel Padding Value);
            they are shown black and do not count for the range that is shown. None where there are none.
        notes: How something odd in the file was read, a sentence each, such as a window that is not valid.
    """

    pixels: NDArray[np.uint8] | NDArray[np.uint16] = field(repr=False)
    path: Path
    sha256: str
    windowed: bool = True
    bits: int = 8
    padding: NDArray[np.bool_] | None = field(default=None, repr=False)
    notes: tuple[str, ...] = ()

    @classmethod
    def open(cls, path: str | Path) -> Radiograph:
        """Read a PNG (8 or 16 bit), JPEG or DICOM file.

        Raises:
            ImageError: If the file is missing, no image, or damaged.
        """
        from .image_files import image_bytes

        path = Path(path)
        return cls.from_bytes(image_bytes(path), path)

    @classmethod
    def from_bytes(cls, data: bytes, path: Path) -> Radiograph:
        """The radiograph in a file that has been read.

        Args:
            data: All of its bytes.
            path: The file's name.

        Raises:
            ImageError: If it is no image, or damaged.
        """
        from .image_files import decode_image

        decoded = decode_image(data, path)
        for array in (decoded.pixels, decoded.padding):
            if array is not None:
                array.setflags(write=False)
        digest = hashlib.sha256(data).hexdigest()
        return cls(
            decoded.pixels, path, digest, decoded.windowed, decoded.bits, padding=decoded.padding, notes=decoded.notes
        )

    @classmethod
    def from_array(cls, pixels: NDArray[Any], name: str = "array") -> Radiograph:
        """A radiograph from grey values `[H, W]`, uint8 or uint16, for images that are not in a file."""
        if pixels.ndim != 2 or pixels.dtype not in (np.uint8, np.uint16):
            raise ImageError(f"a radiograph is [H, W] of uint8 or uint16, got {list(pixels.shape)} of {pixels.dtype}")
        bits = 8 * pixels.dtype.itemsize
        digest = hashlib.sha256(repr(pixels.shape).encode() + pixels.tobytes()).hexdigest()
        pixels = pixels.copy()
        pixels.setflags(write=False)
        return cls(pixels, Path(name), digest, bits == 8, bits)

    @property
    def size(self) -> ImageSize:
        """(width, height) in pixels."""
        return self.pixels.shape[1], self.pixels.shape[0]

    @property
    def is_blank(self) -> bool:
        """Whether all pixels have one grey value: a failed export or conversion rather than a picture."""
        counted = self._counted
        return bool(counted.size == 0 or counted.min() == counted.max())

    @cached_property
    def display_range(self) -> tuple[float, float]:
        """The pixel values shown as black and as white."""
        if self.windowed:
            return 0.0, float(2**self.bits - 1)
        if self._counted.size == 0:
            return 0.0, 0.0
        low, high = np.percentile(self._counted, _PERCENTILES)
        return float(low), float(high)

    @property
    def _counted(self) -> NDArray[Any]:
        return self.pixels if self.padding is None else self.pixels[~self.padding]

    def as_unit_float(self) -> NDArray[np.float32]:
        """Grey values `[H, W]` in [0, 1]; zeros where the image has one value only."""
        low, high = self.display_range
        if high <= low:
            return np.zeros(self.pixels.shape, dtype=np.float32)
        unit = self.pixels.astype(np.float32)
        unit -= np.float32(low)
        unit /= np.float32(high - low)
        return np.clip(unit, 0, 1, out=unit)

    def as_uint8(self) -> NDArray[np.uint8]:
        """Grey values `[H, W]` in 0..255, a new array; an 8-bit file's own values."""
        if self.pixels.dtype == np.uint8 and self.bits == 8:
            # A copy: PyTorch writes into read-only arrays too, which the next phrase would see.
            return self.pixels.astype(np.uint8)
        unit = self.as_unit_float()
        unit *= 255
        return np.rint(unit, out=unit).astype(np.uint8)

    def fit(self, size: int | tuple[int, int], mode: str) -> tuple[NDArray[np.uint8], InputFrame]:
        """The image as a network's input, and the frame that leads boxes and maps back from there.

        Args:
            size: Of the input in pixels: the side of a square, or (width, height).
            mode: "letterbox" (the whole image, its shape kept, black around it), "crop" (the centre, as much as the
                shape lets in) or "squash" (the whole image, stretched).

        Returns:
            Grey values `[height, width]` in 0..255, resized bilinearly (PIL's, smoothed where it becomes smaller), and
            the frame: ``frame.box(box)`` is a box of the input in the original image's pixels, ``frame.heatmap(grid)``
            the heatmap of a grid over the input, without what is padding.

        Raises:
            MethodError: If the mode is unknown, the size no number of pixels, or the image too narrow for it.
        """
        from .input_frame import fit_frame

        try:
            width, height = map(operator.index, size if isinstance(size, tuple) else (size, size))
        except (TypeError, ValueError):
            raise MethodError(
                f"an input's size is a whole number of pixels, or (width, height), not {size!r}"
            ) from None
        if min(width, height) < 1:
            raise MethodError(f"an input of {width}x{height} pixels holds no image; give at least 1 pixel")
        frame = fit_frame(self.size, (width, height), mode)
        film = self.as_pil()
        if film.size != frame.resized:
            film = film.resize(frame.resized, 2)  # PIL.Image.BILINEAR
        x, y = frame.offset
        # What leaves the image is black.
        return np.array(film.crop((-x, -y, width - x, height - y))), frame

    def as_pil(self) -> Image:
        """The 8-bit view as a PIL image of mode L."""
        try:
            from PIL import Image
        except ImportError as error:
            raise MethodError(
                f"image.as_pil() needs the package pillow; install it for {sys.executable}, or take image.as_uint8()"
            ) from error
        return Image.fromarray(self.as_uint8())
