"""PNG files for the README and docs/."""

from __future__ import annotations

import io

from PIL import Image


def smaller(content: bytes) -> bytes:
    """A PNG in 256 colours, as README pictures should stay below 500 KB."""
    image = Image.open(io.BytesIO(content)).convert("RGB").quantize(256, dither=Image.Dither.NONE)
    buffer = io.BytesIO()
    image.save(buffer, "PNG", optimize=True)
    return buffer.getvalue()
