"""Reading DICOM files: the data set in any transfer syntax, what it holds, and grey pixels from it.

Element numbers and rules are those of DICOM PS3.3 (C.7.6.3, Image Pixel) and PS3.5 (8, Encoding of Pixel Data).
"""

from __future__ import annotations

import io
import os
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

from pydicom import Dataset, dcmread
from pydicom.dataset import FileMetaDataset
from pydicom.filereader import read_dataset, read_preamble
from pydicom.uid import UID, DeflatedExplicitVRLittleEndian

from .box import ImageSize
from .decoded import GET_AGAIN, Decoded, UnreadableError, check_size
from .dicom_elements import EXPORT_AGAIN, count, element_name, needed
from .dicom_pixels import PIXEL_KEYWORDS, colour_grey, float_values, integer_codes, palette_grey
from .dicom_view import grey_of_codes, grey_of_floats

_GROUPS = (0x0008, 0x0010, 0x0020, 0x0028)  # one of these at least is in whatever is DICOM
_MAGIC = b"DICM"
_MAGIC_PLACE = 128
_HEADER_BYTES = 4 * 2**20  # what the elements before the pixels fit in, with room
_OTHER_BYTES = 64 * 2**20  # what the elements beside the pixels may take in a deflated file
_COST_OF_OTHERS = 8  # colours and wide or floating-point values are worked on as several numbers of 64 bits
_NO_PICTURE = "leave it out, or name the file of the radiograph itself"


class _Measured(io.BufferedReader):
    """A file that is never asked for more than it holds: Python sets aside all the memory that it is asked for."""

    def __init__(self, path: Path) -> None:
        super().__init__(io.FileIO(path))
        self._length = os.fstat(self.fileno()).st_size

    def read(self, size: int | None = -1, /) -> bytes:
        left = max(0, self._length - self.tell())
        return super().read(left if size is None or size < 0 else min(size, left))


def looks_like_dicom(head: bytes) -> bool:
    """Whether a file's first bytes are DICOM's, also without the preamble that some archives cut off."""
    if head[_MAGIC_PLACE : _MAGIC_PLACE + len(_MAGIC)] == _MAGIC:
        return True
    # The first element is (0002,00xx) or (0008,00xx): little or big endian, then a VR or an implicit length.
    little = head[:2] in (b"\x02\0", b"\x08\0") and head[3:4] == b"\0"
    big = head[:3] == b"\0\x08\0"
    has_vr = head[4:6].isalpha() and head[4:6].isupper()
    return (little and (has_vr or head[6:8] == b"\0\0")) or (big and has_vr)


def dicom_size(path: Path) -> ImageSize:
    """(width, height) from the elements before the pixels.

    Raises:
        UnreadableError: If it is no DICOM file, holds no picture, or one that is too large.
    """
    with _Measured(path) as file:
        return _size(_read(file, pixels=False))


def decode_dicom(data: bytes) -> Decoded:
    """Grey values as a viewer shows them, over the full range of the stored bits; high values are bright.

    The grey-scale pipeline of PS3.4 N.2: stored values, modality transform, VOI transform (a table counts before a
    window, and the first valid window of several), inversion of MONOCHROME1. Photometric Interpretation decides about
    the inversion; a Presentation LUT Shape that contradicts it is left aside. Colours become luma as in a PNG.

    Raises:
        UnreadableError: If it is no DICOM file or does not hold one picture that can be decoded here.
    """
    header = _read(io.BytesIO(data), pixels=True)
    _size(header)
    _check_pixels(header)
    photometric = str(needed(header, "PhotometricInterpretation"))
    samples = int(needed(header, "SamplesPerPixel"))
    syntax = _transfer_syntax(header)
    if photometric in ("MONOCHROME1", "MONOCHROME2") and samples == 1:
        if "PixelData" not in header:
            return grey_of_floats(float_values(header, syntax), header)
        _check_bits(header)
        return grey_of_codes(integer_codes(header, syntax), header)
    _check_bits(header)
    if photometric == "PALETTE COLOR" and samples == 1:
        return palette_grey(header, syntax)
    if (photometric == "RGB" or photometric.startswith("YBR")) and samples == 3:
        needed(header, "PlanarConfiguration")
        return colour_grey(header, syntax)
    raise UnreadableError(
        f"its pixels are {photometric} with {samples} samples each, which is neither grey nor RGB, YBR or PALETTE "
        "COLOR",
        "convert it to one grey channel",
    )


def _read(file: BinaryIO, pixels: bool) -> Dataset:
    """The data set of a file; without preamble, meta elements or transfer syntax what the first bytes say."""
    try:
        meta = _meta(file)
        if meta.get("TransferSyntaxUID") == DeflatedExplicitVRLittleEndian:
            header = _inflated(meta, file.read(), pixels)
        else:
            file.seek(0)
            header = dcmread(file, stop_before_pixels=not pixels, force=True)
    except (UnreadableError, MemoryError):
        raise
    except Exception as error:  # pydicom raises many types for damaged elements
        raise UnreadableError(f"its DICOM elements are damaged ({error!s})", GET_AGAIN) from error
    if not header.file_meta and not any(header.group_dataset(group) for group in _GROUPS):
        raise UnreadableError("it is not a PNG, JPEG or DICOM image", "name the image itself, or convert it to PNG")
    return header


def _meta(file: BinaryIO) -> FileMetaDataset:
    """The elements (0002,xxxx); the file is left at the first one after them."""

    def is_past(tag: Any, vr: str | None, length: int) -> bool:
        return tag >> 16 != 2

    read_preamble(file, force=True)
    # Meta elements are always explicit, little endian (PS3.10, 7.1).
    return FileMetaDataset(read_dataset(file, is_implicit_VR=False, is_little_endian=True, stop_when=is_past))


def _inflated(meta: FileMetaDataset, deflated: bytes, pixels: bool) -> Dataset:
    """A deflated data set (PS3.5 A.5), which is not inflated beyond what its own elements say of the pixels."""

    def is_pixels(tag: Any, vr: str | None, length: int) -> bool:
        return tag >> 16 == 0x7FE0

    def parsed(inflated: bytes, stop: Callable[[Any, str | None, int], bool] | None) -> Dataset:
        header = read_dataset(io.BytesIO(inflated), is_implicit_VR=False, is_little_endian=True, stop_when=stop)
        header.file_meta = meta
        return header

    engine = zlib.decompressobj(-zlib.MAX_WBITS)
    inflated = engine.decompress(deflated, _HEADER_BYTES)
    header = parsed(inflated, is_pixels)
    if not pixels:
        return header
    width, height = _size(header)
    samples, bits = count(header, "SamplesPerPixel"), count(header, "BitsAllocated")
    limit = width * height * min(samples, 4) * min(bits, 64) // 8 + _OTHER_BYTES
    inflated += engine.decompress(engine.unconsumed_tail, limit)
    if engine.unconsumed_tail:
        raise UnreadableError("its deflated elements are larger than its picture", "export it again, or as PNG")
    return parsed(inflated, None)


def _size(header: Dataset) -> ImageSize:
    """(width, height), once it is sure that the file holds one picture that is not too large."""
    if "Rows" not in header and "Columns" not in header and not any(word in header for word in PIXEL_KEYWORDS):
        kind = UID(str(header.get("SOPClassUID") or header.file_meta.get("MediaStorageSOPClassUID") or ""))
        told = f"a DICOM file of the kind {kind.name}" if kind else "a DICOM file"
        raise UnreadableError(f"it is {told} and holds no picture", _NO_PICTURE)
    width, height = (count(header, word) for word in ("Columns", "Rows"))
    frames = count(header, "NumberOfFrames") if header.get("NumberOfFrames") else 1
    if frames > 1:
        raise UnreadableError(
            f"it holds {frames} frames, and a radiograph is one",
            "save the frame that was annotated as a file of its own, such as a PNG",
        )
    photometric, bits = str(header.get("PhotometricInterpretation") or ""), header.get("BitsAllocated")
    is_grey = photometric.startswith("MONOCHROME") and (not isinstance(bits, int) or bits <= 16)
    check_size(width, height, 1 if is_grey else _COST_OF_OTHERS)
    return width, height


def _check_pixels(header: Dataset) -> None:
    found = [word for word in PIXEL_KEYWORDS if word in header]
    if not found:
        raise UnreadableError(f"it lacks the element {element_name('PixelData')}", "export it again with its pixels")
    if len(found) > 1:
        told = " and ".join(element_name(word) for word in found)
        raise UnreadableError(f"it has {told}, of which one only may be there", "convert it to PNG")
    if not header[found[0]].value:
        raise UnreadableError(f"its element {element_name(found[0])} is empty", GET_AGAIN)


def _check_bits(header: Dataset) -> None:
    allocated, stored = count(header, "BitsAllocated"), count(header, "BitsStored")
    if stored > allocated:
        reason = f"its element {element_name('BitsStored')} is {stored}, more than Bits Allocated, {allocated}"
        raise UnreadableError(reason, "correct these elements, or export it again as PNG")
    if needed(header, "PixelRepresentation") not in (0, 1):
        raise UnreadableError(f"its element {element_name('PixelRepresentation')} is neither 0 nor 1", EXPORT_AGAIN)


def _transfer_syntax(header: Dataset) -> UID:
    """How the pixels are written; where no element says it, as the elements themselves were found to be written."""
    pixels = header[next(word for word in PIXEL_KEYWORDS if word in header)]
    named = header.file_meta.get("TransferSyntaxUID")
    if not named:
        if pixels.is_undefined_length:
            reason = f"its pixels are compressed, but it lacks the element {element_name('TransferSyntaxUID')}"
            raise UnreadableError(f"{reason} that says how", EXPORT_AGAIN)
        implicit, little = header.original_encoding
        named = "1.2.840.10008.1.2" if implicit else "1.2.840.10008.1.2.1" if little else "1.2.840.10008.1.2.2"
    syntax = UID(str(named))
    if pixels.is_undefined_length and syntax.is_transfer_syntax and not syntax.is_compressed:
        reason = (
            f"its element {element_name('TransferSyntaxUID')} says that its pixels are not compressed, but they are"
        )
        raise UnreadableError(reason, EXPORT_AGAIN)
    return syntax
