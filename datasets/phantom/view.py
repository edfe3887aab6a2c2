"""How an image was taken: where the body lies in it, and which pixel shows which part of the body."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from .anatomy import Body
from .draws import chance, uniform
from .parameters import Parameters
from .texture import WHOLE, Array, smooth_noise

_EDGE = 0.01
"""What is left between the lungs and the image's edge."""


@dataclass(frozen=True)
class View:
    """How one image was taken; `Parameters` describes the fields."""

    shift: tuple[float, float]
    scale: float
    stretch: float
    rotation: float
    turn: float
    breath: float
    exposure: float
    contrast: float
    curve: float
    noise: float
    blur: float
    gradient: tuple[float, float]
    leads: bool
    central_line: bool
    pacemaker: bool
    tube: bool
    side_marker: bool


def draw_view(rng: np.random.Generator, p: Parameters, body: Body) -> View:
    """An image of a patient, shifted no further than the lungs stay inside."""
    view = View(
        shift=(uniform(rng, p.shift), uniform(rng, p.shift)),
        scale=uniform(rng, p.scale),
        stretch=uniform(rng, p.stretch),
        rotation=uniform(rng, p.rotation),
        turn=uniform(rng, p.turn),
        breath=uniform(rng, p.breath),
        exposure=uniform(rng, p.exposure),
        contrast=uniform(rng, p.contrast),
        curve=uniform(rng, p.curve),
        noise=uniform(rng, p.noise),
        blur=uniform(rng, p.blur),
        gradient=(uniform(rng, p.gradient), uniform(rng, p.gradient)),
        leads=chance(rng, p.leads),
        central_line=chance(rng, p.central_line),
        pacemaker=chance(rng, p.pacemaker),
        tube=chance(rng, p.tube),
        side_marker=chance(rng, p.side_marker),
    )
    side, reach = body.half_width, np.array((-body.apex, -body.apex, 0, 0, body.base, body.base))
    edges = Pose(body, view).to_image(np.array((-0.6, 0.6, -1, 1, -1, 1)) * side, reach)
    across, down = (_move_inside(float(line.min()), float(line.max())) for line in edges)
    return replace(view, shift=(view.shift[0] + across, view.shift[1] + down))


def _move_inside(low: float, high: float) -> float:
    """How far to move what reaches from low to high to have it in the image, or in its middle if it is too large."""
    if high - low > 1 - 2 * _EDGE:
        return 0.5 - (low + high) / 2
    return max(_EDGE - low, 0.0) + min(1 - _EDGE - high, 0.0)


_RING = np.array([(-1, 0, 1, 1, 1, 0, -1, -1), (-1, -1, -1, 0, 1, 1, 1, 0)])
"""Corners and middles of a square's edges."""


class Pose:
    """Where points of a body are in an image.

    Args:
        body: The patient, whose spine may be bent.
        view: Shift, scale, rotation and turn.
    """

    def __init__(self, body: Body, view: View) -> None:
        angle = math.radians(view.rotation)
        self._cos, self._sin = math.cos(angle), math.sin(angle)
        self._width = view.scale * math.sqrt(view.stretch)
        self._height = view.scale / math.sqrt(view.stretch)
        self._origin = 0.5 + view.shift[0], 0.5 + view.shift[1]
        self._turn, self._bend = view.turn, body.spine_curve

    def to_image(self, u: Any, v: Any) -> tuple[Any, Any]:
        """Image coordinates in [0, 1] of points of the body, leaving out the warp."""
        turned = u - self._bend * v * v
        if abs(self._turn) > 1e-9:
            turned = (np.sqrt(np.maximum(1 + 4 * self._turn * turned, 0.01)) - 1) / (2 * self._turn)
        x, y = turned * self._width, v * self._height
        return (
            self._origin[0] + self._cos * x - self._sin * y,
            self._origin[1] + self._sin * x + self._cos * y,
        )

    def to_body(self, x: Any, y: Any) -> tuple[Any, Any]:
        """Body coordinates of points of the image in [0, 1], before turn and bend."""
        x, y = x - self._origin[0], y - self._origin[1]
        return (self._cos * x + self._sin * y) / self._width, (self._cos * y - self._sin * x) / self._height


class Grid(Pose):
    """The pixels of an image.

    Args:
        body: The patient.
        view: Shift, scale, rotation and turn.
        size: Pixels along a side.
        warp: Irregularity of all outlines, in shares of the side.

    Attributes:
        size: Pixels along a side.
    """

    def __init__(self, body: Body, view: View, size: int, warp: float) -> None:
        super().__init__(body, view)
        self.size = size
        self._warp = warp

    def window(self, centre: tuple[float, float], half: tuple[float, float]) -> tuple[slice, slice]:
        """Rows and columns that hold all pixels within half widths of a point of the body, and some around them."""
        u = centre[0] + half[0] * _RING[0]
        v = centre[1] + half[1] * _RING[1]
        margin = 3 * self._warp
        return tuple(  # pyright: ignore[reportReturnType]
            slice(
                min(max(int((line.min() - margin) * self.size), 0), self.size),
                min(max(int((line.max() + margin) * self.size) + 1, 0), self.size),
            )
            for line in reversed(self.to_image(u, v))
        )


class Frame(Grid):
    """The pixel grid of an image, or of a part of it, in body coordinates.

    Args:
        body: The patient.
        view: Shift, scale, rotation and turn.
        size: Pixels along a side of the whole image.
        warp: Irregularity of all outlines, in shares of the side.
        rng: For the irregularity.
        here: The rows and columns that it has; all by default.

    Attributes:
        u: Body coordinate across, float32 `[rows, columns]`.
        v: Body coordinate down.
        a: Distance from the midline, |u|.
    """

    def __init__(
        self,
        body: Body,
        view: View,
        size: int,
        warp: float,
        rng: np.random.Generator,
        here: tuple[slice, slice] = (WHOLE, WHOLE),
    ) -> None:
        super().__init__(body, view, size, warp)
        self._here = here
        line = (np.arange(size) + 0.5) / size
        u, v = self.to_body(line[None, here[1]], line[here[0], None])
        self.u, self.v = u.astype(np.float32), v.astype(np.float32)
        self.v += warp * smooth_noise(rng, 6, size, here)
        self.u += self._turn * self.u * self.u + self._bend * self.v * self.v
        self.u += warp * smooth_noise(rng, 6, size, here)
        self.a = np.abs(self.u)

    def window(self, centre: tuple[float, float], half: tuple[float, float]) -> tuple[slice, slice]:
        """As `Grid.window`, what of it the frame has, counted from its first row and column."""
        whole = super().window(centre, half)
        return tuple(  # pyright: ignore[reportReturnType]
            slice(*(min(max(end - (mine.start or 0), 0), there) for end in (one.start, one.stop)))
            for one, mine, there in zip(whole, self._here, self.u.shape, strict=True)
        )

    def at(self, here: tuple[slice, slice]) -> tuple[Array, Array]:
        """Body coordinates u and v of a window, float64."""
        return self.u[here].astype(np.float64), self.v[here].astype(np.float64)
