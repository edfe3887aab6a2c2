"""Which columns of a table hold boxes: corners and sizes have many names, and one taken for the other still scores."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..core import DatasetError
from ..core.doubts import Written
from ..core.names import listed

PLAIN = ("x", "y", "w", "h")
HOW = "x,y,w,h (top left corner and size) or x_min,y_min,x_max,y_max (two corners)"

# Compared without case, spaces, signs and a leading "bbox" or "box": "BBox X-Min" is "xmin".
_CORNERS = (
    ("xmin", "ymin", "xmax", "ymax"),
    ("x0", "y0", "x1", "y1"),
    ("x1", "y1", "x2", "y2"),
    ("left", "top", "right", "bottom"),
    ("xtl", "ytl", "xbr", "ybr"),
    ("minx", "miny", "maxx", "maxy"),
    ("xstart", "ystart", "xend", "yend"),
    ("startx", "starty", "endx", "endy"),
)
_STARTS = (("x", "y"), *((x, y) for x, y, _, _ in _CORNERS))
_SIZES = (("w", "h"), ("width", "height"))
_CENTRES = {"cx", "cy", "xc", "yc", "xcenter", "ycenter", "xcentre", "ycentre", "centerx", "centery"}
_NAMES = {*_CENTRES, *(name for names in (*_CORNERS, *_STARTS, *_SIZES) for name in names)}


@dataclass(frozen=True, slots=True)
class BoxColumns:
    """The four columns of boxes.

    Attributes:
        names: As in the header: x, y, and width, height or x, y of the other corner.
        written: Which of the two.
    """

    names: tuple[str, str, str, str]
    written: Written

    @property
    def said(self) -> str:
        """What was taken for what, in one sentence; "" for x, y, w, h, which need no word."""
        if self.names == PLAIN:
            return ""
        form = "corners (left, top, right, bottom)" if self.written == "corners" else "left, top, width, height"
        return f"boxes are taken from the columns {', '.join(self.names)} as {form}"


def is_box_column(name: str) -> bool:
    """Whether a column's name is one of those that boxes have."""
    return plain_name(name) in _NAMES


def find_box_columns(names: Sequence[str], path: Path) -> BoxColumns:
    """The columns of boxes among a header's.

    Raises:
        DatasetError: If there are none, or if they can be read in more than one way; says how to write them.
    """
    found: dict[str, str] = {}
    for name in names:
        plain = plain_name(name)
        if plain in _NAMES and plain in found:
            raise DatasetError(f"{path} has the columns {found[plain]!r} and {name!r}, which mean the same; keep one")
        if plain in _NAMES:
            found[plain] = name
    ways: list[tuple[tuple[str, ...], Written]] = [
        *((corners, "corners") for corners in _CORNERS),
        *((start + size, "sizes") for start in _STARTS for size in _SIZES),
    ]
    for way, written in ways:
        if found.keys() == set(way):
            x, y, right, bottom = (found[name] for name in way)
            return BoxColumns((x, y, right, bottom), written)
    columns = listed([*found.values()])
    if found.keys() & _CENTRES:
        raise DatasetError(
            f"{path} has boxes by their centre ({columns}), which are not read: "
            f"write {HOW}; x is the centre's less half the width"
        )
    if found.keys() <= set(PLAIN):
        missing = next(name for name in PLAIN if name not in found)
        raise DatasetError(f"{path} lacks the column {missing!r}; found {listed(names)}; boxes are written as {HOW}")
    if any(found.keys() == {*way, *size} for way, _ in ways for size in _SIZES):
        raise DatasetError(
            f"{path} has boxes and another width and height beside them ({columns}), which may be the box's or "
            "the image's: name the image's size image_width,image_height, and take out the box's"
        )
    raise DatasetError(f"{path} has the columns {columns}, which are boxes in no one way: write them as {HOW}")


def plain_name(name: str) -> str:
    """A column's name as it is compared with others."""
    return re.sub(r"^(bounding)?b?box(?=.)", "", re.sub(r"[^a-z0-9]", "", name.lower()))
