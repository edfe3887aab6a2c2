"""Ground-truth masks that stay on disk, or as they were written, until they are needed."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .box import ImageSize
from .errors import ImageError

LARGEST_MASK = 2**28
"""Pixels of a mask beyond which its size is taken for a mistake: a file of a few bytes may claim any."""

FARTHEST = 100_000
"""Pixels beyond which a polygon's corner is taken for a mistake: no radiograph is so large."""

_FINE = 5  # steps to a pixel along a polygon's outline
_LONGEST_CODE = 7  # characters of one number: 35 bits


@dataclass(frozen=True, slots=True)
class Mask:
    """A ground-truth region of an image, loaded on demand.

    Attributes:
        key: What identifies the content in fingerprints; never a path.
        load: Returns the mask as bool `[H, W]` at the original image's size.
    """

    key: str
    load: Callable[[], NDArray[np.bool_]]

    @classmethod
    def of(cls, array: ArrayLike, key: str | None = None) -> Mask:
        """A mask in memory, `[H, W]`; non-zero is inside. Its key is the content's SHA-256 unless one is given."""
        fixed = np.asarray(array).astype(bool)
        content = repr(fixed.shape).encode() + np.packbits(fixed).tobytes()
        return cls(key or hashlib.sha256(content).hexdigest(), lambda: fixed)

    @classmethod
    def file(cls, path: Path, key: str) -> Mask:
        """A mask in an image file; non-zero is inside."""
        return cls(key, lambda: _read(path))


def _read(path: Path) -> NDArray[np.bool_]:
    from PIL import Image

    try:
        with Image.open(path) as image:
            return np.asarray(image) != 0
    except OSError as error:
        raise ImageError(f"cannot read the mask {path}: {error}; write or download the data set again") from error


def runs_of(text: str) -> NDArray[np.int64]:
    """The runs of a compressed COCO mask, as its `counts` list would have them.

    A number is written in characters of five bits each, the lowest first, from "0" on; 32 says that more follow, and
    the highest bit of the last one is the sign. From the fourth number on, each is the difference to the last but one.

    Raises:
        ValueError: If the text is not in this form.
    """
    codes = np.frombuffer(text.encode("utf-8", "surrogatepass"), dtype=np.uint8).astype(np.int64) - ord("0")
    if ((codes < 0) | (codes >= 64)).any() or (codes.size and codes[-1] & 32):
        raise ValueError("its text is no compressed run-length code")
    last = np.flatnonzero((codes & 32) == 0)
    first = np.concatenate([[0], last[:-1] + 1]).astype(np.int64)
    lengths = last - first + 1
    if not last.size:
        return np.zeros(0, dtype=np.int64)
    if lengths.max() > _LONGEST_CODE:
        raise ValueError("its text is no compressed run-length code")
    place = np.arange(codes.size) - np.repeat(first, lengths)
    runs = np.add.reduceat((codes & 31) << (5 * place), first)
    runs -= ((codes[last] & 16) != 0).astype(np.int64) << (5 * lengths)
    runs[1::2] = np.cumsum(runs[1::2])
    runs[2::2] = np.cumsum(runs[2::2])
    return runs


def fill_runs(runs: ArrayLike, image_size: ImageSize) -> NDArray[np.bool_]:
    """A mask from the lengths of its runs, column by column, outside and inside in turn, outside first.

    Args:
        runs: Whole numbers, none negative, which cover the image exactly.
        image_size: (width, height).

    Returns:
        The mask `[H, W]`.

    Raises:
        ValueError: If the runs do not cover the image exactly, or it is larger than `LARGEST_MASK`.
    """
    lengths = np.asarray(runs, dtype=np.int64)
    check_runs(lengths, image_size)
    width, height = image_size
    return np.repeat(np.arange(lengths.size) % 2 == 1, lengths).reshape(width, height).T


def check_runs(runs: NDArray[np.int64], image_size: ImageSize) -> None:
    """Refuse runs that are no mask of an image.

    Raises:
        ValueError: As `fill_runs` does.
    """
    width, height = _drawable(image_size)
    if runs.ndim != 1 or (runs < 0).any() or (runs > width * height).any():
        raise ValueError(f"its runs are not lengths within {width}x{height} pixels")
    if runs.sum() != width * height:
        raise ValueError(f"its runs cover {runs.sum():,} pixels, and {width}x{height} are {width * height:,}")


def fill_polygons(polygons: Iterable[Sequence[float]], image_size: ImageSize) -> NDArray[np.bool_]:
    """The union of polygons, pixel for pixel as COCO's own tools fill them (`rleFrPoly` of its mask API).

    The outline is walked in fifths of a pixel; where it passes from one column's middle to the next, the column's
    pixels from there down change sides.

    Args:
        polygons: Of each polygon its corners as x0, y0, x1, y1, ..., at least three, within `FARTHEST` pixels.
        image_size: (width, height); what lies outside is cut off.

    Returns:
        The mask `[H, W]`.

    Raises:
        ValueError: If a polygon is none, or the image is larger than `LARGEST_MASK`.
    """
    width, height = _drawable(image_size)
    mask = np.zeros((height, width), dtype=np.bool_)
    for polygon in polygons:
        corners = np.asarray(polygon, dtype=np.float64)
        if corners.ndim != 1 or corners.size < 6 or corners.size % 2:
            raise ValueError("a polygon is x0, y0, x1, y1, ... of at least three corners")
        if not (np.abs(corners) <= FARTHEST).all():
            raise ValueError(f"a polygon's corners must lie within {FARTHEST:,} pixels")
        columns, rows = _crossings(corners.reshape(-1, 2), width, height)
        # The crossings in the order of the pixels end the runs; one below the last row begins the next column.
        ends = np.sort(columns * height + rows)
        mask |= fill_runs(np.diff(ends, prepend=0, append=width * height), image_size)
    return mask


def _drawable(image_size: ImageSize) -> ImageSize:
    width, height = image_size
    if width < 1 or height < 1 or width * height > LARGEST_MASK:
        raise ValueError(f"it is of {width}x{height} pixels; 1 to {LARGEST_MASK:,} can be read")
    return width, height


def _crossings(corners: NDArray[np.float64], width: int, height: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Where a polygon's outline crosses the middle of a column: the columns, and the first row on the other side."""
    # A cast cuts off towards zero, which is what C's does.
    fine = (_FINE * corners + 0.5).astype(np.int64)
    walked = [_walk(start, end) for start, end in zip(fine, np.roll(fine, -1, axis=0), strict=True)]
    u, v = (np.concatenate(axis) for axis in zip(*walked, strict=True))
    steps = np.flatnonzero(u[1:] != u[:-1])
    left = np.minimum(u[1:], u[:-1])[steps]
    upper = np.minimum(v[1:], v[:-1])[steps]
    middle = (left % _FINE == _FINE // 2) & (left >= 0) & (left // _FINE < width)
    rows = np.ceil(np.clip((upper[middle] + 0.5) / _FINE - 0.5, 0, height))
    return left[middle] // _FINE, rows.astype(np.int64)


def _walk(start: NDArray[np.int64], end: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The points of a line on the fine grid, a step apart along its longer axis, reckoned from the lower end there."""
    span = np.abs(end - start)
    long = 0 if span[0] >= span[1] else 1
    reverse = start[long] > end[long]
    low, high = (end, start) if reverse else (start, end)
    step = np.arange(span[long] + 1)
    slope = float(high[1 - long] - low[1 - long]) / span[long] if span[long] else 0.0
    along = step + low[long]
    across = (low[1 - long] + slope * step + 0.5).astype(np.int64)
    if reverse:
        along, across = along[::-1], across[::-1]
    return (along, across) if long == 0 else (across, along)
