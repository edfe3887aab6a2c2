"""Frames: what is sent comes back, and what is none is refused before it costs anything."""

import json
import struct

import numpy as np
import pytest

from groundcxr.methods.isolated import frames
from groundcxr.methods.isolated.frames import Frame, FrameError, decode, encode
from groundcxr.methods.isolated.travel import packed, unpacked


def reader(content):
    left = memoryview(content)

    def read(size):
        nonlocal left
        assert size <= len(left), "more is read than came"
        taken, left = left[:size], left[size:]
        return bytearray(taken)

    return read


def through(frame):
    return decode(reader(b"".join(encode(frame))))


def test_a_frame_comes_back():
    arrays = [
        np.arange(6, dtype=np.uint8).reshape(2, 3),
        np.arange(6, dtype=">u2").reshape(3, 2).T,
        np.array([[0.1, -1e30]], dtype=np.float32),
        np.eye(3, dtype=bool),
        np.zeros((0, 4), dtype=np.float32),
    ]
    fields = {"text": "Ergüsse \ud800 \U0001f600", "numbers": [0.1, 1e300, -0.0, None, True], "nested": {"a": []}}
    back = through(Frame("answer", fields, [packed(array) for array in arrays]))
    assert (back.kind, back.fields) == ("answer", fields)
    for sent, came in zip(arrays, map(unpacked, back.arrays), strict=True):
        np.testing.assert_array_equal(sent, came)
        assert came.dtype.itemsize == sent.dtype.itemsize
        assert not came.flags.writeable


def framed(header, body=b"", version=1, magic=b"gcxr", claim=None):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<4sIQQ", magic, version, len(text), len(body) if claim is None else claim) + text + body


FINE = {"kind": "answer", "arrays": [], "fields": {}}


@pytest.mark.parametrize(
    "content",
    [
        b"GET / HTTP/1.1\r\nHost: somewhere.else\r\n",
        framed(FINE, magic=b"nope"),
        framed(FINE, version=2),
        framed({**FINE, "kind": "pickle"}),
        framed({**FINE, "kind": ["answer"]}),
        framed({**FINE, "fields": []}),
        framed({**FINE, "arrays": [["|O8", [1]]]}, b"12345678"),
        framed({**FINE, "arrays": [["<f4", [1, 1, 1]]]}, b"1234"),
        framed({**FINE, "arrays": [["<f4", [-1, -1]]]}, b"1234"),
        framed({**FINE, "arrays": [["<f4", [1.0]]]}, b"1234"),
        framed({**FINE, "arrays": [["<f4", [True]]]}, b"1234"),
        framed({**FINE, "arrays": [["<f4", [2**40, 2**40]]]}, b"1234"),
        framed({**FINE, "arrays": [["<f4", [2]]]}, b"1234"),
        framed({**FINE, "arrays": 3}),
        framed([]),
        framed(b"\xff\xfe"),
        framed(b"[" * 100_000),
        framed(FINE, claim=2**31),
        framed(FINE, claim=2**63),
        struct.pack("<4sIQQ", b"gcxr", 1, 2**40, 0),
    ],
)
def test_what_is_no_frame_is_refused(content):
    with pytest.raises(FrameError):
        decode(reader(content))


def test_what_is_too_large_is_not_sent(monkeypatch):
    monkeypatch.setattr(frames, "LARGEST", 2**20)
    with pytest.raises(FrameError, match="too large"):
        encode(Frame("answer", {}, [packed(np.zeros((1024, 1024), dtype=np.uint8))]))
    encode(Frame("answer", {}, [packed(np.zeros((1000, 1000), dtype=np.uint8))]))
