"""The size that a compressed picture of the JPEG family says of itself, read from its markers."""

from __future__ import annotations

from .box import ImageSize

_START = b"\xff\xd8"
# SOF0 to SOF15 but for those that are tables (ITU-T T.81, table B.1), and JPEG-LS's own (T.87, C.2.2).
_FRAMES = (*(code for code in range(0xC0, 0xD0) if code not in (0xC4, 0xC8, 0xCC)), 0xF7)
_BARE = (0x01, *range(0xD0, 0xD8))
# JPEG 2000's start and its sizes (T.800, A.4.1 and A.5.1), also within a JP2 file.
_SIZES = b"\xff\x4f\xff\x51"


def stream_size(stream: bytes) -> ImageSize | None:
    """(width, height) of a JPEG, JPEG-LS or JPEG 2000 stream; None where its markers do not say it."""
    if stream.startswith(_START):
        return _jpeg(stream)
    start = stream.find(_SIZES, 0, 4096)
    numbers = [int.from_bytes(stream[start + place : start + place + 4]) for place in (8, 12, 16, 20)]
    width, height = numbers[0] - numbers[2], numbers[1] - numbers[3]
    return (width, height) if start >= 0 and min(width, height) > 0 else None


def _jpeg(stream: bytes) -> ImageSize | None:
    place = len(_START)
    while place + 9 <= len(stream) and stream[place] == 0xFF:
        code = stream[place + 1]
        if code in _FRAMES:
            height, width = (int.from_bytes(stream[start : start + 2]) for start in (place + 5, place + 7))
            return (width, height) if height and width else None
        if code == 0xFF:  # fill
            place += 1
        elif code in _BARE:
            place += 2
        else:
            place += 2 + int.from_bytes(stream[place + 2 : place + 4])
    return None
