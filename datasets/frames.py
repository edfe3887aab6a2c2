"""From the frame in which boxes were drawn to the pixels of the image file."""

from __future__ import annotations

import math
from collections.abc import Iterable

from ..core import Box, ImageSize

ASPECT_TOLERANCE = 0.01
"""Relative difference of width/height beyond which a file is not just a resized copy of the annotated image."""

DEGENERATE = "boxes without width or height were dropped"
OUTSIDE = "boxes outside their image were dropped"
CLIPPED = "boxes partly outside their image were clipped"


def aspect_differs(frame: ImageSize, size: ImageSize) -> bool:
    """Whether the two sizes' width/height differ by more than `ASPECT_TOLERANCE`."""
    return abs(frame[0] * size[1] / (frame[1] * size[0]) - 1) > ASPECT_TOLERANCE


def fit_box(box: Box, frame: ImageSize, size: ImageSize) -> tuple[Box | None, str | None]:
    """Bring a box into the image file's pixels.

    x and y are scaled independently, since copies are often squeezed to a square.

    Args:
        box: As annotated, in the pixels of `frame`.
        frame: (width, height) in which the box was drawn.
        size: (width, height) of the image file.

    Returns:
        The box clipped to the image, None if nothing is left of it; and the defect met: `DEGENERATE`, `OUTSIDE`,
        `CLIPPED`, or None.
    """
    if box.width <= 0 or box.height <= 0:
        return None, DEGENERATE
    # Clipped before scaling: rounding in the scaling must not make a box that ends at the image's edge stick out.
    clipped = box.clipped(frame)
    if clipped.area <= 0:
        return None, OUTSIDE
    defect = None if box.inside(frame) else CLIPPED
    if frame == size:
        return clipped, defect
    return clipped.scaled(size[0] / frame[0], size[1] / frame[1]).clipped(size), defect


def holding_frame(boxes: Iterable[Box]) -> ImageSize:
    """The smallest image of whole pixels, at least 1x1, that holds the boxes: the size of an image that is missing."""
    width = height = 1
    for box in boxes:
        width, height = max(width, math.ceil(box.x1)), max(height, math.ceil(box.y1))
    return width, height
