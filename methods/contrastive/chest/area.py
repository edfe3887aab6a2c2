"""Grey images resized as OpenCV's `cv2.resize(..., interpolation=cv2.INTER_AREA)` does, without OpenCV.

The arithmetic is that of OpenCV's `modules/imgproc/src/resize.cpp` for one channel of uint8, in the same precision and
order, so that sums which end at a half are rounded to the same side.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ....core import ImageSize

# Fixed-point fractions of its bilinear interpolation.
_ONE = 2048
# Shares of a pixel below this are left out.
_LEAST = 1e-3

_Taps = list[tuple[NDArray[np.intp], NDArray[np.float32]]]


def resize_area(pixels: NDArray[np.uint8], size: ImageSize) -> NDArray[np.uint8]:
    """Each new pixel as the mean of the area that it covers; where a side grows, OpenCV's bilinear stand-in for it.

    Args:
        pixels: Grey values `[H, W]`.
        size: (width, height) of the result, at least one pixel each.
    """
    height, width = pixels.shape
    if size == (width, height):
        return pixels.copy()
    scale_x, scale_y = 1 / (size[0] / width), 1 / (size[1] / height)
    if scale_x < 1 or scale_y < 1:
        return _bilinear(pixels, size, scale_x, scale_y)
    whole_x, whole_y = round(scale_x), round(scale_y)
    if max(abs(scale_x - whole_x), abs(scale_y - whole_y)) < np.finfo(np.float64).eps:
        return _block_means(pixels, size, whole_x, whole_y)
    rows = _weighted(pixels.astype(np.float32), _taps(width, size[0], scale_x), axis=1)
    return _rounded(_weighted(rows, _taps(height, size[1], scale_y), axis=0))


def _block_means(pixels: NDArray[np.uint8], size: ImageSize, whole_x: int, whole_y: int) -> NDArray[np.uint8]:
    width, height = size
    kept = pixels[: height * whole_y, : width * whole_x].astype(np.int32)
    sums = kept.reshape(height, whole_y, width, whole_x).sum(axis=(1, 3))
    if whole_x == whole_y == 2:
        return ((sums + 2) >> 2).astype(np.uint8)
    return _rounded(sums.astype(np.float32) * np.float32(1 / (whole_x * whole_y)))


def _taps(old: int, new: int, scale: float) -> _Taps:
    """Of the first, second, ... old pixel under each new one: its index and its share; 0 where there is none."""
    start = np.arange(new, dtype=np.float64) * scale
    stop = start + scale
    covered = np.minimum(scale, old - start)
    last = np.minimum(np.floor(stop).astype(np.intp), old - 1)
    first = np.minimum(np.ceil(start).astype(np.intp), last)
    taps: _Taps = []

    def add(index: NDArray[np.intp], share: NDArray[np.float64], there: NDArray[np.bool_]) -> None:
        taps.append((np.where(there, index, 0), np.where(there, share, 0).astype(np.float32)))

    add(first - 1, (first - start) / covered, first - start > _LEAST)
    for step in range(int((last - first).max(initial=0))):
        add(first + step, 1 / covered, first + step < last)
    add(last, np.minimum(np.minimum(stop - last, 1), covered) / covered, stop - last > _LEAST)
    return taps


def _weighted(values: NDArray[np.float32], taps: _Taps, axis: int) -> NDArray[np.float32]:
    shape = (values.shape[0], len(taps[0][0])) if axis == 1 else (len(taps[0][0]), values.shape[1])
    total = np.zeros(shape, dtype=np.float32)
    for index, share in taps:
        total += values.take(index, axis=axis) * (share if axis == 1 else share[:, None])
    return total


def _rounded(values: NDArray[np.float32]) -> NDArray[np.uint8]:
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


def _bilinear(pixels: NDArray[np.uint8], size: ImageSize, scale_x: float, scale_y: float) -> NDArray[np.uint8]:
    height, width = pixels.shape
    left, right, share_x = _neighbours(width, size[0], scale_x, ends=True)
    top, bottom, share_y = _neighbours(height, size[1], scale_y, ends=False)
    values = pixels.astype(np.int32)
    rows = (values[:, left] * share_x[0] + values[:, right] * share_x[1]) >> 4
    upper = (rows[top] * share_y[0][:, None]) >> 16
    lower = (rows[bottom] * share_y[1][:, None]) >> 16
    return ((upper + lower + 2) >> 2).astype(np.uint8)


def _neighbours(
    old: int, new: int, scale: float, *, ends: bool
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.int32]]:
    """Between which two old pixels each new one lies, and both shares `[2, new]` in fixed point."""
    place = np.arange(new, dtype=np.float64)
    low = np.floor(place * scale).astype(np.intp)
    share = ((place + 1) - (low + 1) * (new / old)).astype(np.float32)
    share = np.where(share <= 0, np.float32(0), share - np.floor(share))
    if ends:
        share = np.where(low >= old - 1, np.float32(0), share)
    shares = np.rint(np.stack([np.float32(1) - share, share]) * np.float32(_ONE)).astype(np.int32)
    return np.minimum(low, old - 1), np.minimum(low + 1, old - 1), shares
