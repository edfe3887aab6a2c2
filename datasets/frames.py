"""From the frame in which boxes were drawn to the pixels of the image file."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from ..core import Box, ImageSize

ASPECT_TOLERANCE = 0.01
"""Relative difference of width/height beyond which a file is not just a resized copy of the annotated image."""

NEGATIVE = "boxes of negative width or height were dropped"
DEGENERATE = "boxes without width or height were dropped"
OUTSIDE = "boxes outside their image were dropped"
CLIPPED = "boxes partly outside their image were clipped"


def aspect_differs(frame: ImageSize, size: ImageSize) -> bool:
    """Whether the two sizes' width/height differ by more than `ASPECT_TOLERANCE`."""
    return abs(frame[0] * size[1] / (frame[1] * size[0]) - 1) > ASPECT_TOLERANCE


def other_frame(frames: Sequence[ImageSize], size: ImageSize) -> ImageSize | None:
    """What to say that an image was annotated at; None where there is nothing to say.

    Args:
        frames: Of the annotations on the image.
        size: (width, height) of the image file.

    Returns:
        The first frame of which the file is no resized copy; or else the first, if it is not the file's size.
    """
    frame = next((frame for frame in frames if aspect_differs(frame, size)), next(iter(frames), size))
    return None if frame == size else frame


def fit_box(box: Box, frame: ImageSize, size: ImageSize) -> tuple[Box | None, str | None]:
    """Bring a box into the image file's pixels.

    x and y are scaled independently, since copies are often squeezed to a square.

    Args:
        box: As annotated, in the pixels of `frame`.
        frame: (width, height) in which the box was drawn.
        size: (width, height) of the image file.

    Returns:
        The box clipped to the image, None if nothing is left of it; and the defect met: `NEGATIVE`, `DEGENERATE`,
        `OUTSIDE`, `CLIPPED`, or None.
    """
    if box.x1 < box.x0 or box.y1 < box.y0:
        return None, NEGATIVE
    if box.x1 == box.x0 or box.y1 == box.y0:
        return None, DEGENERATE
    # Clipped before scaling: rounding in the scaling must not make a box that ends at the image's edge stick out.
    clipped = box.clipped(frame)
    if clipped.area <= 0:
        return None, OUTSIDE
    defect = None if box.inside(frame) else CLIPPED
    if frame == size:
        return clipped, defect
    return clipped.scaled(size[0] / frame[0], size[1] / frame[1]).clipped(size), defect


def negative_sides(box: Box) -> str:
    """What is negative of a box that was written as x, y, w, h: "w is negative"; "" where nothing is."""
    wrong = [side for side, length in (("w", box.x1 - box.x0), ("h", box.y1 - box.y0)) if length < 0]
    return f"{' and '.join(wrong)} {'is' if len(wrong) == 1 else 'are'} negative" if wrong else ""


def holding_frame(boxes: Iterable[Box], smallest: ImageSize) -> ImageSize:
    """The smallest image of whole pixels that holds the boxes and is, on each axis, no smaller than `smallest`."""
    width, height = smallest
    for box in boxes:
        width, height = max(width, math.ceil(box.x1)), max(height, math.ceil(box.y1))
    return width, height
