"""WebP files for the README and docs/, which every clone has to fetch."""

from __future__ import annotations

import io

from PIL import Image


def smaller(content: bytes, *, lossless: bool) -> bytes:
    """A picture as WebP.

    Args:
        content: A PNG.
        lossless: For pages of text; what is mostly photographs is a fifth of the size without.
    """
    image = Image.open(io.BytesIO(content)).convert("RGB")
    buffer = io.BytesIO()
    image.save(buffer, "WEBP", lossless=lossless, quality=100 if lossless else 80, method=6)
    return buffer.getvalue()
