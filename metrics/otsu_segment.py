"""Segments of a map at original resolution, as cheXlocalize makes them: Otsu's threshold, then outlines filled."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import label

_EIGHT = np.ones((3, 3), dtype=bool)
_SMALLEST = float(np.finfo(np.float32).eps)


def otsu_segment(scaled: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Where a map exceeds Otsu's threshold, without holes and without lone pixels.

    The public code draws the outer outlines of the thresholded map again and fills them: what is inside an outline is
    marked, and an outline of a single pixel is none.

    Args:
        scaled: Scores scaled to [0, 1], `[h, w]`.
    """
    levels = (np.float32(255) * scaled).astype(np.uint8)
    return _without_lone_pixels(_filled(levels > otsu_threshold(np.bincount(levels.ravel(), minlength=256))))


def otsu_threshold(counts: NDArray[np.int64]) -> int:
    """Otsu's threshold of grey values, as OpenCV finds it: the first that separates two classes best.

    Args:
        counts: How many pixels have each grey value, `[256]`.
    """
    shares = counts / counts.sum()
    mean = float(np.arange(256) @ shares)
    below, first, best, chosen = 0.0, 0.0, 0.0, 0
    for value, share in enumerate(shares.tolist()):
        first *= below
        below += share
        above = 1 - below
        if min(below, above) < _SMALLEST or max(below, above) > 1 - _SMALLEST:
            continue
        first = (first + value * share) / below
        second = (mean - below * first) / above
        between = below * above * (first - second) ** 2
        if between > best:
            best, chosen = between, value
    return chosen


def _filled(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """With what no path of horizontal and vertical steps outside the mask joins to the border."""
    pieces = _pieces(~mask, None)
    border = np.concatenate([pieces[0], pieces[-1], pieces[:, 0], pieces[:, -1]])
    outside = np.zeros(pieces.max() + 1, dtype=bool)
    outside[border] = True
    outside[0] = False
    return ~outside[pieces]


def _without_lone_pixels(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    pieces = _pieces(mask, _EIGHT)
    large = np.bincount(pieces.ravel()) > 1
    large[0] = False
    return large[pieces]


def _pieces(mask: NDArray[np.bool_], structure: NDArray[np.bool_] | None) -> NDArray[np.int32]:
    """The number of the connected piece that each pixel is in, 0 outside the mask."""
    pieces = np.zeros(mask.shape, dtype=np.int32)
    label(mask, structure, output=pieces)
    return pieces
