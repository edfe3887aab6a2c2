"""Which pixels the regions of findings cover; nothing is drawn."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from .chest import Lungs, Window
from .regions import Region
from .texture import Array
from .view import Frame, Grid

Mask = NDArray[np.bool_]

_VISIBLE = 0.3
"""Share of the lung that must be seen for a pixel to count as part of a region."""

_MARGINS = {"Atelectasis": 1.25, "Consolidation": 1.4, "Edema": 1.5, "Lung Opacity": 1.5, "Pneumonia": 1.4}
"""How far the windows of regions reach that lie in the lung, in half widths."""

_ROUGHNESS = {"Consolidation": 0.35, "Edema": 0.15, "Lung Opacity": 0.2, "Pneumonia": 0.25}
"""Of the outlines of irregular ellipses."""


@dataclass(frozen=True)
class Shape:
    """Where a region is.

    Attributes:
        here: A window that holds all of it.
        level: Positive inside, in that window.
        mask: Its pixels there.
        across: Coordinates across the region, from -1 to 1 in it; empty where it is not drawn by them.
        down: The same down the region.
    """

    here: Window
    level: Array
    mask: Mask
    across: Array = field(default_factory=lambda: np.zeros(0))
    down: Array = field(default_factory=lambda: np.zeros(0))

    def whole(self, frame: Frame) -> Mask:
        """Its pixels in all of a frame, bool `[rows, columns]`, one connected piece."""
        whole = np.zeros(frame.u.shape, dtype=bool)
        whole[self.here] = _largest_piece(self.mask)
        return whole


def find_shape(lungs: Lungs, region: Region, rng: np.random.Generator) -> Shape:
    """The shape of a region.

    Args:
        lungs: Where the lungs are.
        region: The region.
        rng: The region's own; what draws it goes on with it.
    """
    name, here = region.pathology, window_of(lungs.frame, region)
    if name in _ROUGHNESS or name == "Atelectasis":
        across, down = _local(lungs, region, here)
        rough = _ROUGHNESS.get(name)
        flat = 1 - np.sqrt(np.sqrt(across**4 + down**4)) if rough is None else _outline(across, down, rng, rough)
        return Shape(here, flat, _seen(lungs, here, flat), across, down)
    if name == "Cardiomegaly":
        level = lungs.chest.heart_level(*lungs.frame.at(here))
        return Shape(here, level, (level > 0) & (lungs.floor[here] > -0.02))
    along_wall = region.lateral or name == "Pneumothorax"
    level = _crescent(lungs, here, region) if along_wall else _meniscus(lungs, here, region)
    return Shape(here, level, _seen(lungs, here, level))


def window_of(grid: Grid, region: Region) -> Window:
    """Rows and columns that hold all of a region.

    Args:
        grid: The image.
        region: The region.
    """
    name, (half_u, half_v) = region.pathology, region.half
    if name == "Cardiomegaly":
        return grid.window(region.centre, (1.3 * half_u, 1.3 * half_v))
    if name == "Pleural Effusion":
        return grid.window((region.side * 0.25, region.centre[1]), (0.26, half_v + 0.1))
    if name == "Pneumothorax":
        return grid.window((region.side * 0.2, region.centre[1]), (0.24, half_v + 0.1))
    margin = _MARGINS[name]
    reach = margin * max(half_u, half_v) if region.tilt else 0.0
    return grid.window(region.centre, (max(margin * half_u, reach), max(margin * half_v, reach)))


def tight_box(mask: Mask) -> list[int]:
    """Edges x0, y0, x1, y1 of the smallest box around a mask's pixels."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return [int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1]


def _seen(lungs: Lungs, here: Window, level: Array) -> Mask:
    """What is inside a region and where lung is seen."""
    return (level > 0) & (lungs.lung[here] > _VISIBLE)


def _largest_piece(mask: Mask) -> Mask:
    from scipy.ndimage import label

    pieces, count = label(mask, structure=np.ones((3, 3)))  # pyright: ignore[reportGeneralTypeIssues]
    if count <= 1:
        return mask
    return pieces == np.bincount(pieces.ravel())[1:].argmax() + 1


def _local(lungs: Lungs, region: Region, here: Window) -> tuple[Array, Array]:
    """A window's coordinates, -1 to 1 across and down the region."""
    (centre_u, centre_v), (half_u, half_v) = region.centre, region.half
    u, v = lungs.frame.at(here)
    u, v = u - centre_u, v - centre_v
    cos, sin = np.cos(region.tilt), np.sin(region.tilt)
    return (cos * u + sin * v) / half_u, (cos * v - sin * u) / half_v


def _outline(p: Array, q: Array, rng: np.random.Generator, roughness: float) -> Array:
    """Positive inside an irregular ellipse, 1 in its middle."""
    distance = np.sqrt(p * p + q * q) + 1e-9
    direction = (p + 1j * q) / distance
    radius = np.ones_like(p)
    turned = direction
    for k in range(2, 7):  # harmonics of the outline
        turned = turned * direction
        phase = rng.uniform(0, 2 * np.pi)
        radius += roughness * rng.uniform(-1, 1) / k * (turned * complex(np.cos(phase), np.sin(phase))).real
    return radius - distance


def _meniscus(lungs: Lungs, here: Window, region: Region) -> Array:
    """Positive below the surface of fluid at the base, which climbs the side wall."""
    u, v = lungs.frame.at(here)
    height = 2 * region.half[1]
    top, lift = region.centre[1] - region.half[1], min(0.02 + 0.45 * height, 0.13)
    reach = max(lungs.chest.wall(top + lift / 2) - 0.05, 0.1)
    across = np.clip((np.abs(u) - 0.05) / reach, 0, 1)
    return np.where(region.side * u > 0, v - top - lift * (1 - across * across * across), -1.0)


def _crescent(lungs: Lungs, here: Window, region: Region) -> Array:
    """Positive between the chest wall and an arc along it; about the distance from the arc."""
    u, v = lungs.frame.at(here)
    depth, half_v = region.half
    off = (v - region.centre[1]) / half_v
    thickness = lungs.chest.body.half_width - lungs.chest.lung_centre
    return np.where(region.side * u > 0, (lungs.cage[here] - 1 + depth * (1 - off * off)) * thickness, -1.0)
