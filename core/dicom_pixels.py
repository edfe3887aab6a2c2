"""Decoding the pixels of a DICOM data set: stored codes of grey files, grey of colour files, and what decoders lack."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset
from pydicom.encaps import get_frame
from pydicom.pixels.decoders.base import Decoder, get_decoder
from pydicom.pixels.processing import apply_color_lut
from pydicom.pixels.utils import get_j2k_parameters
from pydicom.uid import UID, JPEG2000TransferSyntaxes, RLELossless

from .decoded import GET_AGAIN, Decoded, UnreadableError, luma
from .install import install_step
from .stream_size import stream_size

PIXEL_KEYWORDS = ("PixelData", "FloatPixelData", "DoubleFloatPixelData")

_CONVERT = "convert it to PNG or to uncompressed DICOM, or get it again if no program shows it"
_END_OF_IMAGE = b"\xff\xd9"  # the last marker of every JPEG, JPEG-LS and JPEG 2000 stream


def integer_codes(header: Dataset, syntax: UID) -> NDArray[Any]:
    """The words `[H, W]` of Bits Allocated bits as they are stored, unsigned, with all that lies beside Bits Stored.

    High Bit above Bits Stored - 1 is undone by a shift (PS3.5 8.1.1); what lies above Bits Stored, overlays or
    sign bits, is left in for `grey_of_codes`, which masks it.
    """
    words = _unsigned(_decoded(header, syntax, raw=True, correct_unused_bits=False))
    width = 8 * words.dtype.itemsize
    high = int(header.get("HighBit") or 0)
    shift = high - (int(header.BitsStored) - 1)
    if shift > 0 and high < width and _holds_whole_words(header, syntax, high):
        words = words >> words.dtype.type(shift)
    return words


def float_values(header: Dataset, syntax: UID) -> NDArray[Any]:
    """The values `[H, W]` of Float or Double Float Pixel Data (PS3.3 C.7.6.24 and C.7.6.25)."""
    return _decoded(header, syntax, raw=True)


def colour_grey(header: Dataset, syntax: UID) -> Decoded:
    """Luma of RGB and YBR pixels of either planar configuration, exactly as a PNG of the same colours becomes grey."""
    colours = _unsigned(_decoded(header, syntax, raw=False))
    bits = int(header.BitsStored)
    if bits > 16:
        colours, bits = colours >> colours.dtype.type(bits - 16), 16
    colours = colours.astype(np.uint8 if bits <= 8 else np.uint16)
    return Decoded(luma(colours), windowed=bits <= 8, bits=bits)


def palette_grey(header: Dataset, syntax: UID) -> Decoded:
    """Luma of the colours that a palette gives the pixels (PS3.3 C.7.6.3.1.5); a palette is meant for display."""
    codes = integer_codes(header, syntax)
    codes = codes & codes.dtype.type(2 ** int(header.BitsStored) - 1)
    try:
        colours = apply_color_lut(codes, header)
    except Exception as error:  # pydicom raises many types for tables that do not fit their description
        reason = " ".join(str(error).split())
        raise UnreadableError(f"its palette cannot be applied ({reason})", "convert it to one grey channel") from error
    return Decoded(luma(colours), windowed=True, bits=8 * colours.dtype.itemsize)


def _unsigned(array: NDArray[Any]) -> NDArray[Any]:
    """The same bits as unsigned numbers in the machine's byte order."""
    return array.astype(array.dtype.newbyteorder("="), copy=False).view(f"u{array.dtype.itemsize}")


def _decoded(header: Dataset, syntax: UID, *, raw: bool, **options: Any) -> NDArray[Any]:
    """The decoded frame. Pillow comes first, so that what else is installed does not change what it can read."""
    try:
        decoder = get_decoder(syntax)
    except NotImplementedError as error:
        raise UnreadableError(f"its transfer syntax {syntax.name} cannot be decoded", _CONVERT) from error

    def decoded(plugin: str) -> NDArray[Any]:
        return decoder.as_array(header, index=0, raw=raw, decoding_plugin=plugin, **options)[0]

    _refuse_other_size(header, syntax)
    try:
        if "pillow" in decoder.available_plugins:
            with suppress(Exception):  # it says again why when all are asked
                return decoded("pillow")
        if _is_cut_off(header, syntax):  # which some decoders fill with grey
            raise UnreadableError("its compressed pixels are cut off", GET_AGAIN)
        return decoded("")
    except (MemoryError, UnreadableError):
        raise
    except Exception as error:  # decoders raise many types
        # The first line says that all plugins failed, and each that follows why one did.
        summary, *plugins = [line.strip() for line in str(error).splitlines() if line.strip()] or [type(error).__name__]
        reason = " ".join([summary, "; ".join(plugins)]).strip()
        raise UnreadableError(reason, _step(syntax, decoder, reason)) from error


def _step(syntax: UID, decoder: Decoder, reason: str) -> str:
    """What helps where decoding failed."""
    if not syntax.is_encapsulated or syntax == RLELossless:
        return GET_AGAIN if "less than expected" in reason else _CONVERT
    if not any("pylibjpeg" in missing for missing in decoder.missing_dependencies):
        return _CONVERT
    install = f"install a decoder with `{install_step('pylibjpeg[all]')}`"
    if "does not support" in reason or "missing dependencies" in reason:
        return install
    return f"{install}, and if that does not read it either, {GET_AGAIN}"


def _refuse_other_size(header: Dataset, syntax: UID) -> None:
    """Raise where a stream is of another size than Rows and Columns: decoders give its pixels in these lines."""
    frame = _first_frame(header) if syntax.is_encapsulated and syntax != RLELossless else None
    size, said = stream_size(frame or b""), (int(header.Columns), int(header.Rows))
    # No picture in DICOM is larger than Columns and Rows can say; such a stream is damaged.
    if size is not None and size != said and max(size) < 2**16:
        raise UnreadableError(
            f"its compressed picture is of {size[0]}x{size[1]} pixels, and its elements Columns and Rows say "
            f"{said[0]}x{said[1]}",
            "correct these elements, or export it again",
        )


def _is_cut_off(header: Dataset, syntax: UID) -> bool:
    """Whether a stream of the JPEG family ends before its last marker, zeros after it left aside."""
    if not syntax.is_encapsulated or syntax == RLELossless:
        return False
    frame = _first_frame(header)
    return frame is not None and not frame.rstrip(b"\0").endswith(_END_OF_IMAGE)


def _holds_whole_words(header: Dataset, syntax: UID, high_bit: int) -> bool:
    """Whether decoded values have the bits up to High Bit; JPEG streams may hold the stored bits alone."""
    if not syntax.is_encapsulated or syntax == RLELossless:
        return True
    if syntax not in JPEG2000TransferSyntaxes:
        return False
    frame = _first_frame(header)
    return frame is not None and get_j2k_parameters(frame).get("precision", 0) > high_bit


def _first_frame(header: Dataset) -> bytes | None:
    try:
        return get_frame(header.PixelData, 0, number_of_frames=1)
    except Exception:  # what encloses the stream is damaged; the decoder has said so
        return None
