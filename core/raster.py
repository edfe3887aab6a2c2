"""Decoding PNG, JPEG and the other raster files that Pillow reads, to grey at the file's own depth."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from .box import ImageSize
from .decoded import GET_AGAIN, Decoded, UnreadableError, check_size, luma, too_large

if TYPE_CHECKING:
    from PIL.Image import Image

# Not all that Pillow knows: it gives EPS files to Ghostscript, and no radiograph comes as a video, font or icon.
_FORMATS = ("PNG", "JPEG", "TIFF", "BMP", "GIF", "WEBP", "JPEG2000", "PPM")
_ORIENTATION = 0x0112
_STRIP = 256  # rows
_INFLATED_AT_ONCE = 2**20  # bytes
# The passes of an interlaced PNG (the PNG specification, 8.2): x and y of the first pixel, and the steps.
_ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
PNG_MAGIC = b"\x89PNG\r\n\x1a\n"
JPEG_MAGIC = b"\xff\xd8\xff"
# PNG's colour types (the PNG specification, 11.2.1) that have several channels, and the channels.
_CHANNELS = {2: 3, 4: 2, 6: 4}


def raster_header(path: Path) -> tuple[ImageSize, int]:
    """(width, height) and the EXIF orientation, 1 where there is none.

    Raises:
        UnreadableError: If it is no raster file, or too large.
    """
    with _open(path) as image:
        check_size(*image.size)
        return image.size, _orientation(image)


def decode_raster(data: bytes) -> Decoded:
    """Grey values of a raster file.

    One channel of 16 bits stays as it is; colours become luma; an alpha channel and transparent colours are left out,
    and so is the EXIF orientation: pixels are those stored. Pillow reads PNG of 16 bits with several channels as
    their high bytes alone, so those are decoded here.

    Raises:
        UnreadableError: If it is no raster file, too large, or has pixels that no grey radiograph has.
    """
    with _open(io.BytesIO(data)) as image:
        check_size(*image.size)
        if data.startswith(PNG_MAGIC) and _is_wide_png(data):
            return Decoded(_decode_wide_png(data), windowed=False, bits=16)
        if image.mode.startswith("I"):
            wide = np.array(image)
            if wide.min() < 0 or wide.max() > np.iinfo(np.uint16).max:
                raise UnreadableError("its pixels need more than 16 bits", "convert it to a grey PNG of 16 bits")
            return Decoded(wide.astype(np.uint16), windowed=False, bits=16)
        if image.mode == "F":
            raise UnreadableError("its pixels are floating-point numbers", "convert it to a grey PNG of 16 bits")
        if _is_cut_to_8_bits(image):
            raise UnreadableError(
                "its colour channels have 16 bits", "convert it to one grey channel of 16 bits or to PNG"
            )
        image.info.pop("transparency", None)  # left out, and Pillow would advise how to keep it
        return Decoded(np.array(image.convert("L")), windowed=True, bits=8)


def _open(source: Path | BinaryIO) -> Image:
    from PIL import Image, UnidentifiedImageError

    try:
        return Image.open(source, formats=_FORMATS)
    except UnidentifiedImageError as error:
        head = _head(source)
        if head.startswith(PNG_MAGIC):
            raise UnreadableError("its PNG header is damaged", GET_AGAIN) from error
        if head.startswith(JPEG_MAGIC):
            reason = "it is a JPEG of a kind that Pillow does not read (12 bits, lossless), or its header is damaged"
            raise UnreadableError(reason, "convert it to PNG") from error
        reason = "it is not a PNG, JPEG or DICOM image"
        raise UnreadableError(reason, "name the image itself, or convert it to PNG") from error
    except Image.DecompressionBombError as error:
        raise too_large() from error


def _head(source: Path | BinaryIO) -> bytes:
    if isinstance(source, Path):
        with source.open("rb") as file:
            return file.read(len(PNG_MAGIC))
    source.seek(0)
    return source.read(len(PNG_MAGIC))


def _orientation(image: Image) -> int:
    if image.format == "TIFF":
        return 1  # Pillow has turned it, its size included
    if image.format == "PNG" and "exif" not in image.info:
        return 1  # Pillow would decode the pixels to look behind them
    try:
        orientation = image.getexif().get(_ORIENTATION, 1)
    except Exception:  # damaged EXIF data raise many types and leave the pixels as they are
        return 1
    return orientation if isinstance(orientation, int) and 1 <= orientation <= 8 else 1


def _is_cut_to_8_bits(image: Image) -> bool:
    """Whether Pillow would keep the high bytes alone, as of TIFF files in 16-bit colours."""
    for tile in getattr(image, "tile", []):
        raw = tile[3][0] if isinstance(tile[3], tuple) and tile[3] else tile[3]
        if isinstance(raw, str) and ";16" in raw:
            return True
    return False


def _is_wide_png(data: bytes) -> bool:
    """Whether a PNG has several channels of 16 bits each."""
    depth, colour = data[24], data[25]  # signature 8, length and name of IHDR 8, width 4, height 4
    return depth == 16 and colour in _CHANNELS


def _decode_wide_png(data: bytes) -> NDArray[np.uint16]:
    """Grey `[H, W]` of a PNG with several channels of 16 bits.

    Pillow's zlib decoder undoes filters and interlacing; what it unpacks is asked for byte by byte.
    """
    from PIL.Image import frombytes

    width, height, _, colour, _, _, interlaced = struct.unpack(">IIBBBBB", data[16:29])
    check_size(width, height, 2)  # colours are unpacked as two pictures
    stream = _image_data(data)
    if not _fills(stream, width, height, 2 * _CHANNELS[colour], bool(interlaced)):
        raise UnreadableError("its pixels are cut off or damaged", GET_AGAIN)

    def unpacked(mode: str, raw: str) -> Image:
        try:
            return frombytes(mode, (width, height), stream, "zip", raw, interlaced)
        except ValueError as error:
            raise UnreadableError(f"its pixels are cut off or damaged ({error})", GET_AGAIN) from error

    if colour == 4:  # grey and alpha: four bytes a pixel, in PNG's order
        planes = [unpacked("RGBA", "RGBA")]
    else:  # 16B keeps the first byte of each pair, 16L the second
        mode = "RGB" if colour == 2 else "RGBA"
        planes = [unpacked(mode, f"{mode};{order}") for order in ("16B", "16L")]
    grey = np.empty((height, width), dtype=np.uint16)
    for top in range(0, height, _STRIP):  # the whole picture several times over would need too much memory
        rows = slice(top, min(top + _STRIP, height))
        parts = [np.asarray(plane.crop((0, rows.start, width, rows.stop))) for plane in planes]
        if colour == 4:
            grey[rows] = parts[0].view(">u2")[..., 0]
        else:
            grey[rows] = luma((parts[0].astype(np.uint16) << 8) | parts[1])
    return grey


def _fills(stream: bytes, width: int, height: int, pixel: int, interlaced: bool) -> bool:
    """Whether a zlib stream holds all rows; Pillow leaves black what is missing.

    Args:
        stream: The IDAT chunks together.
        width: In pixels.
        height: In pixels.
        pixel: Bytes of a pixel.
        interlaced: Whether the rows are those of the passes of Adam7.
    """
    passes = _ADAM7 if interlaced else ((0, 0, 1, 1),)
    sizes = ((len(range(x, width, right)), len(range(y, height, down))) for x, y, right, down in passes)
    missing = sum(rows * (1 + columns * pixel) for columns, rows in sizes if columns)
    engine = zlib.decompressobj()
    try:
        while missing > 0 and not engine.eof:
            inflated = engine.decompress(stream, _INFLATED_AT_ONCE)
            stream = engine.unconsumed_tail
            if not inflated and not stream:
                break
            missing -= len(inflated)
    except zlib.error:
        return False
    return missing <= 0


def _image_data(data: bytes) -> bytes:
    """What a PNG's IDAT chunks hold together: the zlib stream of its pixels."""
    parts: list[Any] = []
    view = memoryview(data)
    place = len(PNG_MAGIC)
    while place + 8 <= len(data):
        length, name = struct.unpack(">I4s", view[place : place + 8])
        if name == b"IDAT":
            parts.append(view[place + 8 : place + 8 + length])
        place += length + 12  # length, name and checksum
    return b"".join(parts)
