"""The frames that two processes send each other over a socket pair. Python 3.8, and nothing else.

A frame is a fixed head (magic, version, the lengths of what follows), a header in JSON, and the bytes of the arrays
that the header lists, raw and little-endian, one after another. Nothing is ever unpickled: what comes in is text,
numbers and bytes, of a length that is known before they are read.
"""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass, field
from typing import Any, Callable, Tuple, Union

KINDS = ("versions", "load", "hello", "build", "describe", "gpus", "setup", "ground", "answer", "error", "bye")
"""What a frame may be.

The host sends versions, load, build, describe, gpus, setup, ground and bye; the method's process answers load with
hello, the others but bye with answer, and any of them with error.
"""

LARGEST = 2**31
"""Bytes of a whole frame."""

LARGEST_HEADER = 2**26
"""Bytes of its header: phrases, boxes, options."""

ITEM_SIZES = {"|b1": 1, "|u1": 1, "<u2": 2, "<f4": 4}
"""The dtypes that travel, as NumPy writes them, and the bytes of one item."""

_MAGIC = b"gcxr"
_VERSION = 1
_HEAD = struct.Struct("<4sIQQ")

Buffer = Union[bytes, bytearray, memoryview]
Array = Tuple[str, Tuple[int, ...], Buffer]
"""dtype, shape and the items in C order."""


class FrameError(Exception):
    """What came in is no frame of this protocol, or what is to be sent would be none."""


@dataclass
class Frame:
    """One message.

    Attributes:
        kind: One of `KINDS`.
        fields: Its header's other fields, of JSON's types.
        arrays: Arrays in the order in which they were sent.
    """

    kind: str
    fields: dict[str, Any] = field(default_factory=dict)
    arrays: list[Array] = field(default_factory=list)


def encode(frame: Frame) -> list[Buffer]:
    """The pieces of a frame, to be sent one after another.

    Raises:
        FrameError: If it is too large.
    """
    listed = [[dtype, list(shape)] for dtype, shape, _ in frame.arrays]
    header = json.dumps({"kind": frame.kind, "arrays": listed, "fields": frame.fields}).encode()
    body = sum(memoryview(items).nbytes for _, _, items in frame.arrays)
    if len(header) > LARGEST_HEADER or _HEAD.size + len(header) + body > LARGEST:
        raise FrameError(
            f"a message of {(len(header) + body) / 2**20:,.0f} MiB is too large: at most {LARGEST / 2**20:,.0f} "
            f"travel, and {LARGEST_HEADER / 2**20:,.0f} of text and boxes"
        )
    pieces: list[Buffer] = [_HEAD.pack(_MAGIC, _VERSION, len(header), body) + header]
    return pieces + [memoryview(items).cast("B") for _, _, items in frame.arrays if memoryview(items).nbytes]


def decode(read: Callable[[int], Buffer]) -> Frame:
    """Read one frame.

    Args:
        read: Returns exactly so many bytes.

    Raises:
        FrameError: If what comes is no frame.
    """
    magic, version, header_size, body_size = _HEAD.unpack(read(_HEAD.size))
    if magic != _MAGIC:
        raise FrameError("it is no message of this protocol")
    if version != _VERSION:
        raise FrameError(f"it is of version {version} of the protocol, not of {_VERSION}")
    if header_size > LARGEST_HEADER or _HEAD.size + header_size + body_size > LARGEST:
        raise FrameError(f"it claims {(header_size + body_size) / 2**20:,.0f} MiB")
    kind, listed, fields = _header(bytes(read(header_size)))
    sizes = [_size(dtype, shape) for dtype, shape in listed]
    if sum(sizes) != body_size:
        raise FrameError(f"its arrays have {sum(sizes)} bytes, and {body_size} come")
    arrays = [(dtype, shape, read(size) if size else b"") for (dtype, shape), size in zip(listed, sizes)]
    return Frame(kind, fields, arrays)


def _header(content: bytes) -> tuple[str, list[tuple[str, tuple[int, ...]]], dict[str, Any]]:
    try:
        header = json.loads(content)
        kind, listed, fields = header["kind"], header["arrays"], header["fields"]
        arrays = [(str(dtype), tuple(shape)) for dtype, shape in listed]
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise FrameError("its header cannot be read") from error
    if kind not in KINDS or not isinstance(fields, dict):
        raise FrameError(f"its kind is {str(kind)[:40]!r}")
    return kind, arrays, fields


def _size(dtype: str, shape: tuple[Any, ...]) -> int:
    if dtype not in ITEM_SIZES or len(shape) > 2:
        raise FrameError(f"it holds an array of {dtype[:40]!r} with {len(shape)} dimensions")
    size = ITEM_SIZES[dtype]
    for side in shape:
        if type(side) is not int or side < 0:
            raise FrameError(f"it holds an array with a side of {str(side)[:40]}")
        size *= side
    return size
