"""Boxes as arrays: shares of an image as networks are given them, whole pixels of a frame, and IoU box by box."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..core import Box, ImageSize
from .region import BoxRegion

FAR = 1e6
"""In pixels: where a box that ends further out is cut, so that float32 holds its area; every frame cuts nearer."""


def corners(boxes: Sequence[Box]) -> NDArray[np.float64]:
    """x0, y0, x1, y1 of each box, `[n, 4]`."""
    return np.array([box.as_tuple() for box in boxes], dtype=np.float64).reshape(-1, 4)


def centred_shares(boxes: Sequence[Box], image_size: ImageSize) -> NDArray[np.float32]:
    """Centre and size of each box in shares of the image, as tensors hold them, `[n, 4]`: x, y, width, height."""
    cut = np.clip(corners(boxes), -FAR, FAR)
    low, high = cut[:, :2], cut[:, 2:]
    shares = np.concatenate([(low + high) / 2 / image_size, (high - low) / image_size], axis=1)
    return shares.astype(np.float32)


def edges(centred: NDArray[np.float32]) -> NDArray[np.float32]:
    """x0, y0, x1, y1 from centre and size, `[n, 4]`, in float32."""
    centre, half = centred[..., :2], np.multiply(centred[..., 2:], 0.5, dtype=np.float32)
    return np.concatenate([centre - half, centre + half], axis=-1)


def pairwise_iou(first: NDArray[np.float64], second: NDArray[np.float64]) -> NDArray[np.float64]:
    """IoU of every box of one list with every box of another, in float64.

    Args:
        first: x0, y0, x1, y1, `[n, 4]`.
        second: x0, y0, x1, y1, `[m, 4]`.

    Returns:
        `[n, m]`; 0 where neither has an area.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        sides = np.minimum(first[:, None, 2:], second[:, 2:]) - np.maximum(first[:, None, :2], second[:, :2])
        both = np.maximum(sides, 0).prod(axis=2)
        union = _areas(first)[:, None] + _areas(second) - both
        return np.divide(both, union, out=np.zeros(both.shape), where=union > 0)


def _areas(boxes: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.maximum(boxes[:, 2:] - boxes[:, :2], 0).prod(axis=1)


def painted(edges: NDArray[np.float32] | NDArray[np.float64], side: int) -> BoxRegion:
    """The pixels of a square frame that boxes cover whose edges are cut to whole pixels towards 0.

    Args:
        edges: x0, y0, x1, y1 in the frame's pixels, `[n, 4]`.
        side: Of the frame, in pixels.
    """
    whole = np.trunc(edges).tolist()
    return BoxRegion([Box(*one) for one in whole], (side, side))


def overlap(predicted: BoxRegion, true: BoxRegion) -> tuple[int, int]:
    """Number of pixels in both, and in either."""
    both = true.overlap(predicted)
    return both, true.area + predicted.area - both
