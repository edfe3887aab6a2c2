"""From a DICOM file's stored values to the grey values that are shown: padding, look-up tables, windows, inversion."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset

from .decoded import Decoded, UnreadableError
from .dicom_elements import EXPORT_AGAIN, number, numbers

INVALID_WINDOW = (
    "DICOM windows that are not valid (a width of 0, below 1 or not a number) are left out, as if the file had none"
)
INVALID_RESCALE = "DICOM files whose Rescale Slope is 0 or not a number are shown without it and without their window"
CONTRADICTION = (
    "DICOM files whose Presentation LUT Shape contradicts their Photometric Interpretation are shown by the latter"
)

_SHAPES = {"MONOCHROME1": "INVERSE", "MONOCHROME2": "IDENTITY"}  # PS3.3 C.8.11.3.1: what belongs together
_TABLE_BITS = 16  # up to here each value is worked out once and looked up

Range = tuple[float, float]


def grey_of_codes(words: NDArray[Any], header: Dataset) -> Decoded:
    """What a viewer shows of integer pixels.

    Args:
        words: The stored words `[H, W]`, unsigned; of them the lowest Bits Stored bits count (PS3.5 8.1.1).
        header: The data set.
    """
    bits, signed = int(header.BitsStored), bool(header.PixelRepresentation)
    codes = words & words.dtype.type(2**bits - 1)
    padding = _padding(words, codes, header)
    levels = np.arange(2**bits) if bits <= _TABLE_BITS else codes
    values = _signed(levels, bits) if signed else levels
    # Wider values seldom fill their range, so what they do fill is spread over the 16 bits that are kept.
    spread = None if bits <= _TABLE_BITS else padding
    pixels, windowed, kept, notes = _view(values, header, bits, spread)
    if bits <= _TABLE_BITS:
        pixels = pixels[codes]
    return _finished(pixels, windowed, kept, padding, notes)


def grey_of_floats(values: NDArray[Any], header: Dataset) -> Decoded:
    """What a viewer shows of floating-point pixels `[H, W]`; values that are not finite count as padding."""
    padding = ~np.isfinite(values)
    word = "FloatPixelPadding" if "FloatPixelData" in header else "DoubleFloatPixelPadding"
    first = number(header, f"{word}Value")
    if first is not None:
        last = number(header, f"{word}RangeLimit")
        last = first if last is None else last
        padding |= (values >= min(first, last)) & (values <= max(first, last))
    pixels, windowed, kept, notes = _view(np.where(np.isfinite(values), values, 0), header, None, padding)
    return _finished(pixels, windowed, kept, padding, notes)


def _finished(
    pixels: NDArray[Any], windowed: bool, bits: int, padding: NDArray[np.bool_] | None, notes: Sequence[str]
) -> Decoded:
    if padding is None or not padding.any():
        return Decoded(pixels, windowed, bits, None, tuple(notes))
    pixels[padding] = 0
    return Decoded(pixels, windowed, bits, padding, tuple(notes))


def _view(
    stored: NDArray[Any], header: Dataset, bits: int | None, padding: NDArray[np.bool_] | None
) -> tuple[NDArray[Any], bool, int, list[str]]:
    """Stored values to pixels: modality transform, VOI transform, inversion.

    Args:
        stored: Stored values of any shape.
        header: The data set.
        bits: Bits of an integer; None for floating-point numbers.
        padding: Which of the values do not count; used where the range is that of the values themselves.

    Returns:
        Pixels, uint8 up to 8 bits and else uint16; whether they are meant for display as they are; their bits, those
        stored or, if more, those of the modality table's entries; notes.
    """
    notes: list[str] = []
    values, full, bits = _modality(stored, header, bits, notes)
    has_units = INVALID_RESCALE not in notes
    item = header.VOILUTSequence[0] if has_units and header.get("VOILUTSequence") else None
    table = None if item is None else _table(item)
    window = _window(header, notes) if has_units and table is None else None
    low, high = full
    if table is not None:
        values = _look_up(values, *table[:2])
        low, high = 0.0, 2.0 ** table[2] - 1
    elif window is not None:
        values = _windowed(values, window, full)
    elif bits is None or bits > _TABLE_BITS:
        low, high = _filled(values, padding)
    else:
        low, high = sorted(full)
    unit = (values - low) / (high - low)
    photometric = str(header.PhotometricInterpretation)
    if photometric == "MONOCHROME1":
        unit = 1 - unit
    shape = str(header.get("PresentationLUTShape") or "")
    if shape in _SHAPES.values() and shape != _SHAPES[photometric]:
        notes.append(CONTRADICTION)
    kept = min(bits or _TABLE_BITS, _TABLE_BITS)
    top = 2**kept - 1
    pixels = np.clip(np.rint(unit * top), 0, top).astype(np.uint8 if kept <= 8 else np.uint16)
    return pixels, table is not None or window is not None or kept <= 8, kept, notes


def _signed(codes: NDArray[Any], bits: int) -> NDArray[Any]:
    """Two's complement of the given number of bits."""
    wide = codes.astype(np.int64)
    return np.where(wide >= 2 ** (bits - 1), wide - 2**bits, wide) if bits < 64 else wide


def _padding(words: NDArray[Any], codes: NDArray[Any], header: Dataset) -> NDArray[np.bool_] | None:
    """Which pixels are no part of the image: Pixel Padding Value (0028,0120) and Range Limit, PS3.3 C.7.5.1.1.2.

    They are stored values. Files whose value needs more than Bits Stored are meant by their whole words.
    """
    first = number(header, "PixelPaddingValue")
    if first is None:
        return None
    last = number(header, "PixelPaddingRangeLimit")
    ends = [int(first), int(first if last is None else last)]
    bits, signed, word_bits = int(header.BitsStored), bool(header.PixelRepresentation), 8 * words.dtype.itemsize
    # Written as SS where US is meant, or the other way round, they are the same bits.
    ends = [_as_stored(end, word_bits, signed) for end in ends]
    least = -(2 ** (bits - 1)) if signed else 0
    fits = all(least <= end < least + 2**bits for end in ends)
    used, used_bits = (codes, bits) if fits else (words, word_bits)
    low, high = min(ends), max(ends)
    if used_bits <= _TABLE_BITS:
        levels = np.arange(2**used_bits)
        values = _signed(levels, used_bits) if signed else levels
        return ((values >= low) & (values <= high))[used]
    values = _signed(used, used_bits) if signed else used
    return (values >= low) & (values <= high)


def _as_stored(value: int, bits: int, signed: bool) -> int:
    value %= 2**bits
    return value - 2**bits if signed and value >= 2 ** (bits - 1) else value


def _modality(
    stored: NDArray[Any], header: Dataset, bits: int | None, notes: list[str]
) -> tuple[NDArray[np.float64], Range, int | None]:
    """The modality transform (PS3.3 C.11.1), what the lowest and the highest stored value become, and its bits."""
    values = stored.astype(np.float64)
    low = -(2.0 ** (bits - 1)) if bits and header.PixelRepresentation else 0.0
    high = low + 2.0**bits - 1 if bits else 1.0
    if header.get("ModalityLUTSequence"):
        table = _table(header.ModalityLUTSequence[0])
        if table is None:
            raise UnreadableError(
                "its Modality LUT Sequence (0028,3000) has no valid table",
                EXPORT_AGAIN,
            )
        # Entries may have more bits than what is stored, and fill few of them.
        return _look_up(values, *table[:2]), (0.0, 2.0 ** table[2] - 1), max(bits or 0, table[2])
    slopes, intercepts = numbers(header, "RescaleSlope"), numbers(header, "RescaleIntercept")
    if not slopes or not intercepts:  # one alone is not applied
        return values, (low, high), bits
    slope, intercept = slopes[0], intercepts[0]
    if not slope or intercept is None:
        notes.append(INVALID_RESCALE)
        return values, (low, high), bits
    return values * slope + intercept, (low * slope + intercept, high * slope + intercept), bits


def _filled(values: NDArray[np.float64], padding: NDArray[np.bool_] | None) -> Range:
    """The lowest and the highest value that counts."""
    counted = values if padding is None else values[~padding]
    low, high = (float(counted.min()), float(counted.max())) if counted.size else (0.0, 1.0)
    return (low, high) if high > low else (low, low + 1)


Window = tuple[float, float, str]


def _window(header: Dataset, notes: list[str]) -> Window | None:
    """Centre, width and function of the first window that is valid by PS3.3 C.11.2.1.2 and C.11.2.1.3."""
    function = str(header.get("VOILUTFunction") or "LINEAR").upper()
    centres, widths = numbers(header, "WindowCenter"), numbers(header, "WindowWidth")
    for centre, width in zip(centres, widths, strict=False):
        if centre is None or width is None:
            continue
        if (function == "LINEAR" and width >= 1) or (function in ("LINEAR_EXACT", "SIGMOID") and width > 0):
            return centre, width, function
    if centres and widths:
        notes.append(INVALID_WINDOW)
    return None


def _windowed(values: NDArray[np.float64], window: Window, shown: Range) -> NDArray[np.float64]:
    """A window's view of values, which fills the range `shown` (PS3.3 C.11.2.1.2.1, C.11.2.1.3.1, C.11.2.1.3.2)."""
    centre, width, function = window
    low, high = shown
    if function == "SIGMOID":
        with np.errstate(over="ignore"):  # far below the centre, where 1 / (1 + inf) is the right 0
            return (high - low) / (1 + np.exp(-4 * (values - centre) / width)) + low
    if function == "LINEAR":
        centre, width = centre - 0.5, width - 1
    below, above = values <= centre - width / 2, values > centre + width / 2
    between = ~(below | above)
    result = np.where(below, low, high)
    if between.any():
        result[between] = ((values[between] - centre) / width + 0.5) * (high - low) + low
    return result


def _table(item: Dataset) -> tuple[NDArray[Any], int, int] | None:
    """A look-up table's entries, the value that the first belongs to, and the bits of an entry (PS3.3 C.11.1.1)."""
    try:
        length, first, bits = (int(value) for value in item.LUTDescriptor)
        data = item["LUTData"].value
        length = length or 2**16
        if isinstance(data, bytes):
            is_packed = len(data) < 2 * length
            order = "<" if item.is_little_endian is not False else ">"
            entries = np.frombuffer(data, "u1" if is_packed else f"{order}u2")
        else:
            entries = np.atleast_1d(np.asarray(data, dtype=np.float64))
    except Exception:  # elements that are absent, short or of another kind
        return None
    entries = entries[:length]
    return (entries, first, bits) if entries.size and 1 <= bits <= 16 else None


def _look_up(values: NDArray[np.float64], entries: NDArray[Any], first: int) -> NDArray[np.float64]:
    """Values by a table; pydicom's own wraps around where 8-bit entries exceed 256."""
    if first >= 2**15 and values.size and values.min() < 0:
        first -= 2**16  # a negative value that was written as US
    index = np.clip(np.rint(values).astype(np.int64) - first, 0, entries.size - 1)
    return entries[index].astype(np.float64)
