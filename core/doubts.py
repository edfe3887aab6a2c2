"""What looks wrong without being certain: counted, with one example, and told in the same words wherever it enters.

Boxes and maps in another frame than the original image's pixels still score: they look like a working method. So
wherever boxes or maps come in (annotation files, imports, methods) they are held against the same few questions.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from .box import Box, ImageSize

FRACTIONS = "boxes lie within 0..1, so they look like fractions of the image; pixels of the original image are wanted"
CORNERS = (
    "boxes look like corners x0, y0, x1, y1 where x, y, width, height are meant: read as sizes some reach outside "
    "their image, read as corners they fit (width = x1 - x0, height = y1 - y0)"
)
SIZES = (
    "boxes end before they begin, so they look like x, y, width, height where corners x0, y0, x1, y1 are meant "
    "(x1 = x + width, y1 = y + height)"
)
LEAVES = (
    "boxes reach outside their image, which boxes in pixels of the original image cannot: they may be in pixels of "
    "another size of it"
)
SMALLER_FRAME = (
    "boxes all lie in the upper left quarter of their images, so they look drawn on smaller copies; pixels of the "
    "original image are wanted"
)
TRANSPOSED = "maps have the shape [width, height] of their image, so they look transposed; [height, width] is wanted"
ORIENTED = (
    "images have an EXIF orientation: boxes and maps here are of the stored pixels, while annotation tools and OpenCV "
    "show the image turned"
)

Written = Literal["sizes", "corners"]
"""Whether boxes were written as x, y, width, height or as x0, y0, x1, y1."""

_PIXEL = 1.0  # what rounding or inclusive corners may make a box stick out by
_MANY = 20  # different boxes from which on a place that all of them share is no chance
_FEW = 0.01  # a released file has a few boxes that stick out of their images, and those are no sign of another frame
_NEARLY_ALL = 0.95  # a file of corners may hold a few boxes that are broken themselves


@dataclass(frozen=True)
class Doubt:
    """Something that looks wrong.

    Attributes:
        kind: The sentence that says what it looks like; one of this module's, or a caller's.
        count: How often it was met.
        example: The first place; may name files and phrases, so it is never published.
    """

    kind: str
    count: int
    example: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.count}, for example {self.example}"


class Tally:
    """Counts kinds of defects and keeps the first example of each."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}
        self._examples: dict[str, str] = {}

    def add(self, kind: str, example: str) -> None:
        """Count one more of a kind."""
        self._counts[kind] = self._counts.get(kind, 0) + 1
        self._examples.setdefault(kind, example)

    def join(self, other: Tally) -> None:
        """Count what another has counted of what comes next."""
        for kind, count in other._counts.items():
            self._counts[kind] = self._counts.get(kind, 0) + count
            self._examples.setdefault(kind, other._examples[kind])

    def doubts(self) -> list[Doubt]:
        """Each kind with its count and first example, in the order in which they were met."""
        return [Doubt(kind, count, self._examples[kind]) for kind, count in self._counts.items()]

    def sentences(self) -> list[str]:
        """One sentence for each kind, in the order in which they were met."""
        return [str(doubt) for doubt in self.doubts()]


@dataclass(frozen=True, slots=True)
class Placed:
    """A box as it was written, before anything is clipped.

    Attributes:
        box: Its corners as read: x1 is x + width where sizes were written.
        image_size: (width, height) of the frame that it should be in.
        where: Its place, for messages: "row 12".
    """

    box: Box
    image_size: ImageSize
    where: str


def frame_doubts(boxes: Iterable[Placed], written: Written) -> list[Doubt]:
    """Whether boxes look like boxes in another frame or of another form than they were read as.

    Args:
        boxes: All boxes of a file or a run, as written.
        written: What their four numbers were read as.

    Returns:
        At most one doubt of each kind; none for boxes that could be right.
    """
    placed = list(boxes)
    tally = Tally()
    fractions: list[Placed] = []
    pixels: list[Placed] = []
    for one in placed:
        (fractions if _is_fraction(one, written) else pixels).append(one)
    _count_all(fractions, FRACTIONS, tally)
    if written == "corners":
        backwards = [one for one in pixels if _is_backwards(one)]
        if len(backwards) > _FEW * len(pixels):
            _count_all(backwards, SIZES, tally)
        pixels = [one for one in pixels if not _is_backwards(one)]
    if written == "sizes" and _look_like_corners(pixels):
        _count_all(pixels, CORNERS, tally)
        return tally.doubts()
    leaving = [one for one in pixels if _leaves(one)]
    if len(leaving) > _FEW * len(pixels):
        _count_all(leaving, LEAVES, tally)
    if _fill_the_upper_left(pixels):
        _count_all(pixels, SMALLER_FRAME, tally)
    return tally.doubts()


def is_transposed(shape: Sequence[int], image_size: ImageSize) -> bool:
    """Whether an array's shape is [width, height] of an image whose sides differ."""
    width, height = image_size
    return tuple(shape) == (width, height) != (height, width)


def _count_all(placed: Iterable[Placed], kind: str, tally: Tally) -> None:
    for one in placed:
        tally.add(kind, _example(one))


def _example(one: Placed) -> str:
    x0, y0, x1, y1 = one.box.as_tuple()
    return f"{one.where}: ({x0:g}, {y0:g}) to ({x1:g}, {y1:g}) in {one.image_size[0]}x{one.image_size[1]}"


def _is_fraction(one: Placed, written: Written) -> bool:
    # A box of true pixels whose four numbers lie within 0..1 would be one pixel at most.
    x0, y0, x1, y1 = one.box.as_tuple()
    numbers = (x0, y0, x1, y1) if written == "corners" else (x0, y0, x1 - x0, y1 - y0)
    return min(one.image_size) > 2 and all(0 <= number <= 1 for number in numbers) and max(numbers) > 0


def _is_backwards(one: Placed) -> bool:
    return one.box.x1 < one.box.x0 or one.box.y1 < one.box.y0


def _leaves(one: Placed) -> bool:
    (x0, y0, x1, y1), (width, height) = one.box.as_tuple(), one.image_size
    return x0 < -_PIXEL or y0 < -_PIXEL or x1 > width + _PIXEL or y1 > height + _PIXEL


def _look_like_corners(placed: Sequence[Placed]) -> bool:
    """Whether boxes, their width and height taken for their lower right corner, would be boxes inside their images."""
    # A box from the image's very corner is the same either way.
    telling = [one for one in placed if one.box.x0 > 0 or one.box.y0 > 0]
    if not telling or sum(map(_fits_as_corners, telling)) < _NEARLY_ALL * len(telling):
        return False
    return any(map(_leaves, telling))


def _fits_as_corners(one: Placed) -> bool:
    x, y = one.box.x0, one.box.y0
    right, bottom = one.box.x1 - x, one.box.y1 - y
    inside = right <= one.image_size[0] + _PIXEL and bottom <= one.image_size[1] + _PIXEL
    return x >= 0 and y >= 0 and right > x and bottom > y and inside


def _fill_the_upper_left(placed: Sequence[Placed]) -> bool:
    """Whether there are many different boxes, all in the upper left quarters of their images."""
    return len({one.box.as_tuple() for one in placed}) >= _MANY and all(map(_in_upper_left, placed))


def _in_upper_left(one: Placed) -> bool:
    return one.box.x1 <= one.image_size[0] / 2 and one.box.y1 <= one.image_size[1] / 2
