"""Lines on pictures: the borders of regions, drawn whole for the truth and dashed for a method."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from PIL.ImageDraw import ImageDraw

_DASH, _GAP = 4.0, 3.0
"""Lengths in widths of the line."""


def borders(inside: NDArray[np.bool_]) -> list[NDArray[np.float64]]:
    """The lines between a region and what is around it; the picture's edge is no border.

    Args:
        inside: The region, `[h, w]`.

    Returns:
        Points (x, y) `[n, 2]` of each line in pixels, where pixel 0 spans 0 to 1; a closed line ends where it starts.
    """
    from contourpy import LineType, contour_generator

    rows, columns = inside.shape
    if min(rows, columns) < 2 or not inside.any():
        return []
    generator = contour_generator(
        np.arange(columns) + 0.5, np.arange(rows) + 0.5, inside.astype(np.float32), line_type=LineType.Separate
    )
    found: Any = generator.lines(0.5)
    return found


def rectangle(x0: float, y0: float, x1: float, y1: float) -> NDArray[np.float64]:
    """A rectangle as a closed line."""
    return np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1), (x0, y0)], dtype=np.float64)


def draw_line(
    draw: ImageDraw, points: NDArray[np.float64], colour: tuple[int, int, int], width: int, *, dashed: bool
) -> None:
    """Draw a line with a dark rim, which keeps it apart from bright bone and from bright colours.

    Args:
        draw: Of the picture.
        points: (x, y) `[n, 2]`.
        colour: RGB.
        width: Of the line in pixels, without the rim.
        dashed: Whether it is a method's; in grey print colours alone would not tell.
    """
    draw.line(_flat(points), fill=(0, 0, 0), width=width + 2, joint="curve")
    for piece in _dashes(points, width) if dashed else [points]:
        draw.line(_flat(piece), fill=colour, width=width)


def _dashes(points: NDArray[np.float64], width: int) -> Iterator[NDArray[np.float64]]:
    along = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(points, axis=0).T))])
    dash, step = _DASH * width, (_DASH + _GAP) * width
    for start in np.arange(0.0, along[-1], step):
        end = min(start + dash, along[-1])
        between = points[(along > start) & (along < end)]
        ends = [[np.interp(place, along, points[:, axis]) for axis in (0, 1)] for place in (start, end)]
        yield np.vstack([ends[0], between, ends[1]])


def _flat(points: NDArray[np.float64]) -> Sequence[float]:
    # A pixel's middle is half a pixel from its edge, and Pillow counts in middles.
    return (points - 0.5).ravel().tolist()
