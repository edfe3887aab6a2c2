"""Chest X-ray image files, read once, at native bit depth and size."""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .box import ImageSize
from .errors import ImageError
from .regular import read_regular

if TYPE_CHECKING:
    from PIL.Image import Image

DICOM_SUFFIXES = frozenset({".dcm", ".dicom"})
IMAGE_SUFFIXES = DICOM_SUFFIXES | {".png", ".jpg", ".jpeg"}
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
    """

    pixels: NDArray[np.uint8] | NDArray[np.uint16] = field(repr=False)
    path: Path
    sha256: str
    windowed: bool = True
    bits: int = 8

    @classmethod
    def open(cls, path: str | Path) -> Radiograph:
        """Read a PNG (8 or 16 bit), JPEG or DICOM file.

        Raises:
            ImageError: If the file is missing, no image, or damaged.
        """
        path = Path(path)
        data = _read_bytes(path)
        try:
            pixels, windowed, bits = _decode_dicom(data) if _is_dicom(path, data) else _decode_raster(data)
        except Exception as error:  # decoders raise many types; each is the file's fault
            raise _unreadable(path, data, error) from error
        pixels.setflags(write=False)
        return cls(pixels, path, hashlib.sha256(data).hexdigest(), windowed, bits)

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
        return bool(self.pixels.size == 0 or self.pixels.min() == self.pixels.max())

    @cached_property
    def display_range(self) -> tuple[float, float]:
        """The pixel values shown as black and as white."""
        if self.windowed:
            return 0.0, float(2**self.bits - 1)
        low, high = np.percentile(self.pixels, _PERCENTILES)
        return float(low), float(high)

    def as_unit_float(self) -> NDArray[np.float32]:
        """Grey values `[H, W]` in [0, 1]; zeros where the image has one value only."""
        low, high = self.display_range
        if high <= low:
            return np.zeros(self.pixels.shape, dtype=np.float32)
        unit = (self.pixels.astype(np.float32) - np.float32(low)) / np.float32(high - low)
        return np.clip(unit, 0, 1, out=unit)

    def as_uint8(self) -> NDArray[np.uint8]:
        """Grey values `[H, W]` in 0..255; an 8-bit file's own values."""
        if self.pixels.dtype == np.uint8 and self.bits == 8:
            return self.pixels.astype(np.uint8, copy=False)
        return np.rint(self.as_unit_float() * 255).astype(np.uint8)

    def as_pil(self) -> Image:
        """The 8-bit view as a PIL image of mode L."""
        from PIL import Image

        return Image.fromarray(self.as_uint8())


def image_digest(path: Path) -> str:
    """SHA-256 (hex) of an image file's bytes, equal to `Radiograph.sha256`, without decoding it.

    Raises:
        ImageError: If the file is missing or unreadable.
    """
    return hashlib.sha256(_read_bytes(path)).hexdigest()


@dataclass(frozen=True)
class ImageHeader:
    """What a file says about its picture before any pixel is decoded.

    Attributes:
        size: (width, height) of the stored pixels, the frame of all boxes and maps.
        orientation: EXIF orientation, 1 to 8; 1 where there is none. Other than 1, annotation tools and OpenCV show
            the image turned, while `Radiograph` keeps the stored pixels.
    """

    size: ImageSize
    orientation: int = 1


def read_image_size(path: Path) -> ImageSize:
    """(width, height) from a file's header, without decoding the pixels.

    Raises:
        ImageError: If the file is missing or no image.
    """
    return read_header(path).size


def read_header(path: Path) -> ImageHeader:
    """A file's header, without decoding the pixels.

    Raises:
        ImageError: If the file is missing or no image.
    """
    from PIL import Image

    head = _head(path)
    try:
        if _is_dicom(path, head):
            import pydicom

            header = pydicom.dcmread(path, stop_before_pixels=True, force=True)
            return ImageHeader((int(header.Columns), int(header.Rows)))
        with Image.open(path) as image:
            return ImageHeader(image.size, _orientation(image))
    except Exception as error:  # decoders raise many types; each is the file's fault
        raise _unreadable(path, head, error) from error


def _orientation(image: Image) -> int:
    try:
        orientation = image.getexif().get(0x0112, 1)
    except Exception:  # damaged EXIF data raise many types and leave the pixels as they are
        return 1
    return orientation if isinstance(orientation, int) and 1 <= orientation <= 8 else 1


def _read_bytes(path: Path) -> bytes:
    try:
        return read_regular(path)
    except FileNotFoundError as error:
        raise ImageError(f"there is no image file {path}; `groundcxr doctor` lists what is missing") from error
    except OSError as error:
        raise ImageError(f"cannot read the image {path}: {error.strerror or error}") from error


def _head(path: Path) -> bytes:
    if not path.is_file():
        raise ImageError(f"there is no image file {path}; `groundcxr doctor` lists what is missing")
    try:
        with path.open("rb") as file:
            return file.read(256)
    except OSError as error:
        raise ImageError(f"cannot read the image {path}: {error.strerror or error}") from error


def _is_dicom(path: Path, data: bytes) -> bool:
    return data[128:132] == b"DICM" or path.suffix.lower() in DICOM_SUFFIXES


def _unreadable(path: Path, data: bytes, error: Exception) -> ImageError:
    step = "get the file again"
    message = str(error).splitlines()[0] if str(error) else type(error).__name__
    if not data:
        reason = "the file is empty"
    elif data[:256].lstrip(b"\xef\xbb\xbf \t\r\n").lower().startswith((b"<!doctype", b"<html", b"<?xml", b"<head")):
        reason = "it is a web page, not an image (a download that needed a login?)"
    elif "missing dependencies" in message:
        reason, step = message.split(" because ")[0], "install a decoder with `pip install 'pylibjpeg[all]'`"
    elif type(error).__name__ == "UnidentifiedImageError" or isinstance(error, AttributeError):
        # pydicom reports an element that a file lacks as an attribute.
        reason = "it is not a PNG, JPEG or DICOM image"
    else:
        reason = message
    return ImageError(f"cannot read the image {path}: {reason}; {step}")


def _decode_raster(data: bytes) -> tuple[NDArray[Any], bool, int]:
    from PIL import Image

    with Image.open(io.BytesIO(data)) as image:
        if image.mode.startswith("I"):
            wide = np.array(image)
            if wide.min() < 0 or wide.max() > np.iinfo(np.uint16).max:
                raise ValueError("its pixels need more than 16 bits")
            return wide.astype(np.uint16), False, 16
        if image.mode == "F":
            raise ValueError("its pixels are floating-point numbers")
        return np.array(image.convert("L")), True, 8


def _decode_dicom(data: bytes) -> tuple[NDArray[Any], bool, int]:
    """Stored values -> modality transform -> VOI transform -> the full range of the stored bits.

    The grey-scale pipeline of DICOM PS3.4 N.2; where a file has a VOI table and a window, the table counts.
    """
    import pydicom
    from pydicom.pixels.processing import apply_modality_lut, apply_windowing

    header = pydicom.dcmread(io.BytesIO(data), force=True)
    stored = header.pixel_array
    if stored.ndim != 2 or not header.PhotometricInterpretation.startswith("MONOCHROME"):
        raise ValueError(
            f"it holds {header.PhotometricInterpretation} of shape {list(stored.shape)}, not one grey image"
        )
    bits = min(int(header.BitsStored), 16)
    values = apply_modality_lut(stored, header)
    has_window = header.get("WindowCenter") is not None and header.get("WindowWidth") is not None
    if header.get("VOILUTSequence"):
        item = header.VOILUTSequence[0]
        values = _look_up(values, item)
        low, high = 0.0, 2.0 ** item.LUTDescriptor[2] - 1
    elif has_window:
        values = apply_windowing(values, header)
        low, high = _value_range(header)
    else:
        low, high = sorted(_value_range(header))
    unit = (values - low) / (high - low)
    if header.PhotometricInterpretation == "MONOCHROME1":
        unit = 1 - unit
    top = 2**bits - 1
    windowed = bool(header.get("VOILUTSequence")) or has_window or bits <= 8
    return np.clip(np.rint(unit * top), 0, top).astype(np.uint8 if bits <= 8 else np.uint16), windowed, bits


def _value_range(header: Any) -> tuple[float, float]:
    """What the lowest and the highest stored value become by the modality transform; a window fills this range."""
    if header.get("ModalityLUTSequence"):
        return 0.0, 2.0 ** header.ModalityLUTSequence[0].LUTDescriptor[2] - 1
    bits = int(header.BitsStored)
    low = -(2.0 ** (bits - 1)) if header.PixelRepresentation else 0.0
    slope, intercept = 1.0, 0.0
    if "RescaleSlope" in header and "RescaleIntercept" in header:  # one alone is not applied
        slope, intercept = float(header.RescaleSlope), float(header.RescaleIntercept)
    return low * slope + intercept, (low + 2.0**bits - 1) * slope + intercept


def _look_up(values: NDArray[Any], item: Any) -> NDArray[Any]:
    """A DICOM look-up table (PS3.3 C.11.2.1.1); pydicom's own wraps around where 8-bit entries exceed 256."""
    table = item.LUTData
    table = np.frombuffer(table, "<u2") if isinstance(table, bytes) else np.asarray(table)
    entries = item.LUTDescriptor[0] or 2**16
    index = np.clip(np.rint(values).astype(np.int64) - item.LUTDescriptor[1], 0, entries - 1)
    return table[index].astype(np.float64)
