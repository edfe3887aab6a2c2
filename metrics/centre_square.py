"""The frame of chest-distillation and generate_to_ground: the short side resized to 512, the centre cropped square.

A map is 64x64 over that square; the ground truth is a boolean mask that torchvision resizes with antialiasing, where
whatever has any weight stays true, so that it grows.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..core import Heatmap
from .bilinear import reached
from .map_protocol import sampled
from .region import BoxRegion, Region

SIDE = 512
GRID = 64


def square_map(heatmap: Heatmap) -> NDArray[np.float32]:
    """The scores at the centres of the 64x64 cells of the square, `[64, 64]`; those not looked at are the lowest."""
    width, height = heatmap.image_size
    short = min(width, height)
    centres = (np.arange(GRID) + 0.5) * short / GRID
    scores = sampled(heatmap, (height - short) / 2 + centres, (width - short) / 2 + centres)
    return np.maximum(scores, heatmap.values.min())


def square_target(region: Region) -> NDArray[np.bool_]:
    """The ground truth in the square, `[512, 512]`: the pixels that are read from any true pixel of the image."""
    width, height = region.image_size
    rows, columns = _window(height, min(width, height)), _window(width, min(width, height))
    if not isinstance(region, BoxRegion):
        return _any(_any(region.paint(), *rows).T, *columns).T
    mask = np.zeros((SIDE, SIDE), dtype=bool)
    for box in region.boxes:
        down, across = _touched(box.rows(height), *rows), _touched(box.columns(width), *columns)
        mask |= np.logical_and.outer(down, across)
    return mask


def _window(pixels: int, short: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The image's pixels that those of the square are read from along one axis: the first, and the last plus one."""
    length = SIDE if pixels == short else SIDE * pixels // short
    # torchvision's CenterCrop rounds half to even.
    first = round((length - SIDE) / 2)
    start, stop = reached(pixels, length)
    return start[first : first + SIDE], stop[first : first + SIDE]


def _touched(span: tuple[int, int], start: NDArray[np.int64], stop: NDArray[np.int64]) -> NDArray[np.bool_]:
    return (start < span[1]) & (stop > span[0]) & (span[0] < span[1])


def _any(mask: NDArray[np.bool_], start: NDArray[np.int64], stop: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether any row of each window is true, for every column: `[windows, w]`."""
    upto = np.zeros((len(mask) + 1, mask.shape[1]), dtype=np.int32)
    np.cumsum(mask, axis=0, out=upto[1:])
    return upto[stop] > upto[start]
