"""What the decoders of image files give, and how they say why they give nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

MAX_PIXELS = 178_956_970
"""Pixels of all frames that an image may have: from here on Pillow takes a file for a decompression bomb."""

GET_AGAIN = "get the file again"


@dataclass(frozen=True)
class Decoded:
    """Grey pixels of an image file; see `Radiograph` for the meaning of each attribute."""

    pixels: NDArray[Any]
    windowed: bool
    bits: int
    padding: NDArray[np.bool_] | None = None
    notes: tuple[str, ...] = ()


class UnreadableError(Exception):
    """Why a file gives no picture, and what helps; `Radiograph.open` adds which file it is.

    Args:
        reason: What the file is or lacks: "it is empty".
        step: What to do: "convert it to PNG".
    """

    def __init__(self, reason: str, step: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.step = step


def check_size(width: int, height: int, cost: int = 1) -> None:
    """Refuse a picture that would fill the memory, before anything of it is decoded or inflated.

    Args:
        width: In pixels.
        height: In pixels.
        cost: How many times the memory of a grey pixel of 16 bits decoding takes for a pixel; divides the limit.

    Raises:
        UnreadableError: If it has more than `MAX_PIXELS` pixels.
    """
    if width * height > MAX_PIXELS // cost:
        raise too_large(f"{width}x{height} pixels, ", MAX_PIXELS // cost)


def too_large(size: str = "", limit: int = MAX_PIXELS) -> UnreadableError:
    """The error for a file of more pixels than are decoded."""
    reason = f"it holds {size}more than the {limit:,} pixels that are decoded"
    return UnreadableError(reason, "write a smaller copy of the image")


def luma(rgb: NDArray[Any]) -> NDArray[Any]:
    """Grey `[H, W]` of colours `[H, W, 3 or more]`, uint8 or uint16, in their own type.

    ITU-R BT.601 in the integer arithmetic of Pillow's `convert("L")`, so that the same colours become the same grey in
    every kind of file; equal channels give their own value exactly.
    """
    grey = rgb[..., 0] * np.uint32(19595)
    grey += rgb[..., 1] * np.uint32(38470)
    grey += rgb[..., 2] * np.uint32(7471)
    grey += np.uint32(0x8000)
    grey >>= np.uint32(16)
    return grey.astype(rgb.dtype)
