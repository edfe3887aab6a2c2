"""Regions as COCO files write them: polygons, or the runs of a mask, plain or compressed."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core import Box, DatasetError, ImageSize
from ..core.fingerprint import digest
from ..core.mask import check_runs, fill_polygons, fill_runs, runs_of
from .annotations import frame_size, number, shown
from .masks import Segmentation

Fill = Callable[[Sequence[Sequence[float]], ImageSize], NDArray[np.bool_]]


def read_segmentation(value: Any, place: str) -> Segmentation | None:
    """An annotation's `segmentation`; None where there is none, or where it marks no pixel.

    Args:
        value: A list of polygons `[x0, y0, x1, y1, ...]`, or one of them, in pixels; or an object with `size`
            `[height, width]` and `counts`, the runs as a list or a compressed text.
        place: The annotation, for messages.

    Raises:
        DatasetError: If it is neither.
    """
    if not value:
        return None
    if isinstance(value, dict):
        return _runs(value, place)
    if isinstance(value, list):
        polygons = [polygon for polygon in (value if isinstance(value[0], list) else [value]) if polygon != []]
        return _polygons(polygons, place) if polygons else None
    raise unreadable(place, f"it is {shown(value)}")


def region_of_runs(runs: NDArray[np.int64], frame: ImageSize) -> Segmentation | None:
    """The region of runs that cover a frame exactly, as `fill_runs` takes them; None where it marks no pixel.

    Raises:
        ValueError: If they do not cover it exactly.
    """
    check_runs(runs, frame)
    if not runs[1::2].any():
        return None
    return Segmentation(digest(hashlib.sha256(runs.tobytes()).hexdigest(), frame), frame, partial(fill_runs, runs))


def region_of_points(value: object, place: str, fill: Fill = fill_polygons) -> Segmentation | None:
    """The region of polygons of which each is a list of points; None where there are none.

    Args:
        value: Polygons `[[[x, y], ...], ...]` in pixels.
        place: The annotation, for messages.
        fill: Draws polygons of three or more corners, each as x0, y0, x1, y1, ..., in an image of (width, height).

    Raises:
        DatasetError: If it is anything else.
    """
    if not isinstance(value, list):
        raise unreadable(place, f"polygons are lists of points [x, y], got {shown(value)}")
    return _polygons([_flat(polygon, place) for polygon in value], place, fill) if value else None


def _flat(polygon: object, place: str) -> list[Any]:
    if not isinstance(polygon, list) or not all(isinstance(point, list) and len(point) == 2 for point in polygon):
        raise unreadable(place, f"a polygon is a list of points [x, y], got {shown(polygon)}")
    return [value for point in polygon for value in point]


def _polygons(polygons: list[Any], place: str, fill: Fill = fill_polygons) -> Segmentation:
    corners: list[tuple[float, ...]] = []
    for polygon in polygons:
        if not isinstance(polygon, list) or len(polygon) < 6 or len(polygon) % 2:
            raise unreadable(
                place, f"a polygon is [x0, y0, x1, y1, ...] of three corners or more, got {shown(polygon)}"
            )
        corners.append(tuple(number(value, "every corner of a polygon", place) for value in polygon))
    x, y = ([value for polygon in corners for value in polygon[axis::2]] for axis in (0, 1))
    bounds = Box(min(x), min(y), max(x), max(y))
    return Segmentation(digest(corners), None, partial(fill, corners), bounds)


def _runs(value: dict[str, Any], place: str) -> Segmentation | None:
    size, counts = value.get("size"), value.get("counts")
    if not isinstance(size, list) or len(size) != 2:
        raise unreadable(place, f"its size must be [height, width], got {shown(size)}")
    height, width = (number(side, "the size of a segmentation", place) for side in size)
    frame = frame_size(width, height, place)
    try:
        if isinstance(counts, str):
            runs = runs_of(counts)
        elif isinstance(counts, list):
            runs = np.array([_length(run) for run in counts], dtype=np.int64)
        else:
            raise ValueError(f"its counts must be a list or a text, got {shown(counts)}")
        return region_of_runs(runs, frame)
    except (ValueError, OverflowError) as error:
        raise unreadable(place, str(error)) from error


def _length(run: object) -> int:
    if isinstance(run, bool) or not isinstance(run, int | float) or run != int(run):
        raise ValueError(f"its counts must be whole numbers, got {shown(run)}")
    return int(run)


def unreadable(place: str, reason: str) -> DatasetError:
    """The error for a segmentation that is in none of the known forms."""
    return DatasetError(
        f"{place}: its segmentation cannot be read: {reason}; polygons and run-length codes of COCO's mask API can be"
    )
