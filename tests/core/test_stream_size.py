"""Sizes of compressed pictures, against what Pillow says of the files that it writes."""

import io

import numpy as np
import pytest
from PIL import Image

from groundcxr.core.stream_size import stream_size

PICTURE = Image.fromarray(np.random.default_rng(2).integers(0, 256, (37, 53, 3)).astype(np.uint8))


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        ("JPEG", {}),
        ("JPEG", {"progressive": True, "comment": b"x" * 300}),
        ("JPEG", {"restart_marker_rows": 1}),
        ("JPEG2000", {"no_jp2": True}),
        ("JPEG2000", {}),
    ],
)
def test_the_size_is_that_of_the_picture(kind, settings):
    stream = io.BytesIO()
    PICTURE.save(stream, kind, **settings)
    assert stream_size(stream.getvalue()) == PICTURE.size
    for length in range(60):  # cut off
        assert stream_size(stream.getvalue()[:length]) in (None, PICTURE.size)


def test_a_jpeg_ls_stream_and_one_that_says_its_height_at_its_end():
    # T.87, C.2.2: precision, height, width, components; of a height of 0, DNL says it (T.81, B.2.5).
    head = b"\xff\xd8\xff\xff\xf7\0\x0b\x10\x00\x25\x00\x35\x01\x01\x11\0"
    assert stream_size(head) == (53, 37)
    assert stream_size(head.replace(b"\x25", b"\0")) is None


@pytest.mark.parametrize("stream", [b"", b"\xff\xd8", b"\xff\xd8\xff\xe0\0\0", b"GIF89a" * 20, b"\0" * 5000])
def test_what_is_no_such_stream_has_no_size(stream):
    assert stream_size(stream) is None
