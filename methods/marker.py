"""The marker test: does a method read places in what its network gets as the right places on the image?

Perfect boxes that are read in a wrong frame (a crop or padding that is not undone, another unit) still overlap the true
ones by .65 to .98 on chest X-rays, and so look like a model that works. Here a black image with one white rectangle
goes through the method's own preprocessing, is found in what the network gets, and is mapped back as the method does.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from ..core import Box, ImageSize, MethodError, Radiograph
from ..core.input_frame import InputFrame, fit_frame

MARKER_SIZES: tuple[ImageSize, ...] = ((1237, 1651), (829, 613))
"""(width, height) of the marker images: portrait and landscape, no multiples of a patch; one of over a megapixel."""

_WITHIN = (0.3, 0.6, 0.52, 0.8)
"""The marker's x0, y0, x1, y1 as fractions: in no centre crop cut off, and not where it would be after a swap."""
_CONTEXT = 3
_LEAST_FILL = 0.9


@dataclass(frozen=True)
class NetworkInput:
    """What a network gets of an image, and where the method takes that to lie on the image.

    Attributes:
        pixels: The picture as the network gets it, `[h, w]` or `[channels, h, w]`, in any range of values; where it
            gets patches or tiles, put together again, of tiles with an overview the overview.
        to_image: Maps a box in pixels of that picture to the original image, by the very code that maps the method's
            answers.
    """

    pixels: NDArray[Any]
    to_image: Callable[[Box], Box]


@runtime_checkable
class ShowsInput(Protocol):
    """A method that takes part in the marker test."""

    def network_input(self, image: Radiograph) -> NetworkInput:
        """What the network gets of an image. The method has been set up as far as preprocessing needs it."""
        ...


def marker_image(size: ImageSize) -> tuple[Radiograph, Box]:
    """A black image with a white rectangle, and where that is.

    Args:
        size: (width, height) of the image.
    """
    width, height = size
    x0, y0, x1, y1 = (round(part * side) for part, side in zip(_WITHIN, (width, height, width, height), strict=True))
    pixels = np.zeros((height, width), dtype=np.uint8)
    pixels[y0:y1, x0:x1] = 255
    return Radiograph.from_array(pixels, "marker"), Box(x0, y0, x1, y1)


def require_frame(method: ShowsInput, name: str) -> None:
    """Raise unless a method reads a marker back to one pixel of its network's input; for the end of `setup`.

    Args:
        method: The method, set up.
        name: Its name, for the message.

    Raises:
        MethodError: Saying by how much it is off and what the frame seems to be.
    """
    problem = frame_problem(method)
    if problem is not None:
        raise MethodError(f"method {name} reads places in another frame than its network sees: {problem}")


def frame_problem(method: ShowsInput) -> str | None:
    """What is wrong with the frame that a method reads places in, None where nothing is."""
    for size in MARKER_SIZES:
        image, marker = marker_image(size)
        given = method.network_input(image)
        picture = given.pixels if given.pixels.ndim == 2 else given.pixels.mean(axis=0)
        input_size = (picture.shape[1], picture.shape[0])
        found = find_marker(picture)
        if found is None:
            return (
                f"the white rectangle of a black {size[0]}x{size[1]} image is not to be found as one rectangle in the "
                f"{input_size[0]}x{input_size[1]} pixels that the network gets"
            )
        read = given.to_image(found)
        # A pixel of the network's input, in the image's.
        unit = (marker.width / found.width, marker.height / found.height)
        off = _distance(read, marker, unit)
        if not off <= 1:
            return (
                f"a rectangle at {_corners(marker)} of a {size[0]}x{size[1]} image is read at {_corners(read)}, off by "
                f"{off:.3g} of the network's pixels (at most 1 is allowed); the network seems to get "
                f"{_frame_of(found, marker, size, input_size) or 'the image in a frame that is not known here'}, and "
                f"what it answers is read {_reading_of(read, found, marker, size, input_size)}"
            )
    return None


def find_marker(picture: NDArray[Any]) -> Box | None:
    """Where the white rectangle lies in a picture `[h, w]`, to a fraction of a pixel; None where there is no such.

    Black is the picture's median. Edges are those of a rectangle with the same sum and centre of brightness, which
    the smoothing of a resize does not move.
    """
    values = picture.astype(np.float64)
    low, high = float(np.median(values)), float(values.max())
    if not (math.isfinite(low) and math.isfinite(high)) or high <= low:
        return None
    bright = values > low + 0.6 * (high - low)
    rows, columns = np.flatnonzero(bright.any(axis=1)), np.flatnonzero(bright.any(axis=0))
    top, bottom, left, right = rows[0], rows[-1] + 1, columns[0], columns[-1] + 1
    if bright[top:bottom, left:right].mean() < _LEAST_FILL:
        return None
    white = float(np.median(values[top:bottom, left:right]))
    y0, x0 = max(top - _CONTEXT, 0), max(left - _CONTEXT, 0)
    near = np.clip((values[y0 : bottom + _CONTEXT, x0 : right + _CONTEXT] - low) / (white - low), 0, 1)
    first_x, last_x = _edges(near[top - y0 : bottom - y0].mean(axis=0))
    first_y, last_y = _edges(near[:, left - x0 : right - x0].mean(axis=1))
    return Box(x0 + first_x, y0 + first_y, x0 + last_x, y0 + last_y)


def _edges(profile: NDArray[np.float64]) -> tuple[float, float]:
    # It is a mean over lines of which the smoothing has dimmed the outermost.
    profile = profile / profile.max()
    width = float(profile.sum())
    centre = float(((np.arange(len(profile)) + 0.5) * profile).sum()) / width
    return centre - width / 2, centre + width / 2


def _distance(box: Box, other: Box, unit: tuple[float, float]) -> float:
    """The largest distance of two boxes' edges, in units of (x, y)."""
    steps = (*unit, *unit)
    return max(abs(a - b) / step for a, b, step in zip(box.as_tuple(), other.as_tuple(), steps, strict=True))


def _frames(image_size: ImageSize, input_size: ImageSize) -> dict[str, InputFrame]:
    """The frames that processors are known to make."""
    padded = fit_frame(image_size, input_size, "letterbox")
    return {
        "the whole image, resized": fit_frame(image_size, input_size, "squash"),
        "the image padded at both ends": padded,
        "the image padded on the right or at the bottom": InputFrame(image_size, input_size, padded.resized, (0, 0)),
        "the image's centre crop": fit_frame(image_size, input_size, "crop"),
        "the image in its own pixels": InputFrame(image_size, input_size, image_size, (0, 0)),
    }


def _frame_of(found: Box, marker: Box, image_size: ImageSize, input_size: ImageSize) -> str | None:
    """The known frame in which a rectangle found in the network's input lies where the marker is."""
    unit = (marker.width / found.width, marker.height / found.height)
    for turned, suffix in ((found, ""), (_transposed(found), ", with x and y swapped")):
        for name, frame in _frames(image_size, input_size).items():
            if _distance(frame.box(turned), marker, unit) <= 1:
                return name + suffix
    return None


def _reading_of(read: Box, found: Box, marker: Box, image_size: ImageSize, input_size: ImageSize) -> str:
    """How a method reads a box in the network's input, so far as that is one of the known mistakes."""
    unit = (marker.width / found.width, marker.height / found.height)
    for turned, suffix in ((found, ""), (_transposed(found), ", with x and y swapped")):
        for name, frame in _frames(image_size, input_size).items():
            mapped = frame.box(turned)
            if _distance(read, mapped, unit) <= 1:
                return f"as if that were {name}{suffix}"
            if _distance(read, Box(mapped.x0, mapped.y0, mapped.width, mapped.height), unit) <= 1:
                return f"as if that were {name}, and with its width and height as a corner{suffix}"
    if _distance(_transposed(read), marker, unit) <= 1:
        return "with x and y swapped"
    times = [a / b for a, b in zip(read.as_tuple(), marker.as_tuple(), strict=True)]
    if times[0] > 0 and times[1] > 0 and all(math.isclose(times[i], times[i + 2], rel_tol=0.01) for i in (0, 1)):
        return f"in another unit (x is {times[0]:.3g} times what it should be, y {times[1]:.3g} times)"
    return "in a way that is not known here"


def _transposed(box: Box) -> Box:
    return Box(box.y0, box.x0, box.y1, box.x1)


def _corners(box: Box) -> str:
    return f"({box.x0:.0f}, {box.y0:.0f}) to ({box.x1:.0f}, {box.y1:.0f})"
