"""Which boxes the public loader of the diffusion paper keeps.

It paints the boxes in order, each with its own grey value, onto a canvas of the image's size, resizes the canvas to a
short side of 512 pixels, crops its centre, and drops every box whose grey value is no longer there. The boxes that are
left are scored as they were annotated. Here only those pixels of the canvas are painted that the resize reads.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..core import Box, ImageSize
from .bilinear import Taps, taps

SHORT_SIDE = 512
_STEP = 5
"""Box ``i`` (from 1) is painted with ``5 * i``."""

Span = tuple[int, int]
"""First and last-plus-one pixel of a box along one axis."""


def kept_boxes(boxes: Sequence[Box], image_size: ImageSize, crop: Box) -> tuple[Box, ...]:
    """The boxes that leave a trace in the crop, unchanged and in order.

    A box that a later one overwrites entirely is dropped, and so is one outside the crop, or with so thin a part inside
    it that no pixel of the smaller frame is read from there. The resize interpolates between grey values, so that an
    edge of box 2 against the background can pass for a trace of box 1; this happens here as it does there.

    Args:
        boxes: Boxes in the image's pixels; on whole pixels, one pixel belongs to a box when its centre does.
        image_size: (width, height) of the image.
        crop: What the method sees of the image, centred or not. The public code crops the centre only.
    """
    (width, height), short = image_size, min(image_size)
    across, down = [box.columns(width) for box in boxes], [box.rows(height) for box in boxes]
    columns = _distinct(_axis(width, _resized(width, short), crop.x0, crop.x1, short), across)
    rows = _distinct(_axis(height, _resized(height, short), crop.y0, crop.y1, short), down)
    corners = [[_paint(down, across, row, column) for column in columns[:2]] for row in rows[:2]]
    weight = columns[2]
    upper, lower = ((1 - weight) * left + weight * right for left, right in corners)
    canvas = np.rint((1 - rows[2][:, None]) * upper + rows[2][:, None] * lower)
    return tuple(box for i, box in enumerate(boxes, start=1) if (canvas == _STEP * i).any())


def _paint(
    down: Sequence[Span], across: Sequence[Span], rows: NDArray[np.int64], columns: NDArray[np.int64]
) -> NDArray[np.float32]:
    """The canvas at some rows and columns, both in increasing order."""
    canvas = np.zeros((rows.size, columns.size), dtype=np.float32)
    for i, (y, x) in enumerate(zip(down, across, strict=True), start=1):
        canvas[slice(*np.searchsorted(rows, y)), slice(*np.searchsorted(columns, x))] = _STEP * i
    return canvas


def _distinct(axis: Taps, spans: Sequence[Span]) -> Taps:
    """One of each run of resized pixels that are read from between the same edges, and all that straddle an edge."""
    edges = sorted({edge for span in spans for edge in span})
    low, high = (np.searchsorted(edges, read, side="right") for read in axis[:2])
    keep = (low != high) | (np.diff(low + high, prepend=-1) != 0)
    return axis[0][keep], axis[1][keep], axis[2][keep]


def _resized(side: int, short: int) -> int:
    return SHORT_SIDE if side == short else SHORT_SIDE * side // short


def _axis(pixels: int, resized: int, start: float, stop: float, short: int) -> Taps:
    """Where the cropped pixels of a resized axis are read from; see `taps`.

    Args:
        pixels: Length of the axis in the image.
        resized: Length of the axis after the resize.
        start: Where the crop starts in the image.
        stop: Where the crop ends in the image.
        short: The image's short side.
    """
    first = _crop_start(pixels, resized, start, stop, short)
    crop = slice(first, first + _crop_size(resized, start, stop, short))
    low, high, weight = taps(pixels, resized)
    return low[crop], high[crop], weight[crop]


def _crop_size(resized: int, start: float, stop: float, short: int) -> int:
    # Upwards: a map's extent is the crop of the resized frame, such as 448 of 512, cut down to whole image pixels.
    return min(int(np.ceil((stop - start) * SHORT_SIDE / short)), resized)


def _crop_start(pixels: int, resized: int, start: float, stop: float, short: int) -> int:
    size = _crop_size(resized, start, stop, short)
    margin = resized - size
    # The diffusion model's crop is MONAI's, which rounds down; BioViL's is torchvision's, which rounds half to even.
    centred = margin // 2 if size >= SHORT_SIDE else round(margin / 2)
    # A centred extent is half a pixel off where the margin is odd; only an extent that is further off is not centred.
    shift = int((start + stop - pixels) / 2) * resized / pixels
    return min(max(centred + round(shift), 0), margin)
