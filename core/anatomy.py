"""Where places of the chest usually are: regions with Gaussians, and the locations that prompts name.

After "Anatomy-Grounded Weakly Supervised Prompt Tuning for Chest X-ray Latent Diffusion Models" (Vilouras et al., MIDL
2026, arXiv:2506.10633): 13 Gaussians, each of the mean centre of a region's boxes and of a sixth of their mean sides,
and 27 locations, each of one Gaussian or two. Lengths are in shares of the image's width and height.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .box import Box, ImageSize
from .heatmap import Heatmap
from .map_cells import grid_edges
from .place_words import HEART, LUNGS, PLEURAL, SIDES, spots_of

_ZONES = ("apical", "upper", "middle", "lower", "costophrenic")

REGIONS: tuple[str, ...] = (*(f"{side} {zone}".strip() for side in SIDES for zone in ("", *_ZONES)), HEART)
"""The 13 regions that have a Gaussian: of each side the lung, its apex, its thirds and its angle; and the heart."""

_REGION_OF_ZONE = {PLEURAL: "lower", "base": "lower", "lingular": "middle"}
"""The region of a zone that has no Gaussian of its own."""

_BOTH = "bilateral"


def _side_regions(side: str, zone: str) -> tuple[str, ...]:
    return tuple(f"{one} {_REGION_OF_ZONE.get(zone, zone)}".strip() for one in (SIDES if side == _BOTH else (side,)))


LOCATIONS: dict[str, tuple[str, ...]] = {
    **{
        f"{side} {zone}".strip(): _side_regions(side, zone)
        for side in (*SIDES, _BOTH)
        for zone in ("", *_ZONES, PLEURAL, "base")
    },
    "lingular": ("left middle",),
    "cardiomegaly": (HEART,),
    "pulmonary": ("right", "left"),
}
"""The 27 locations that a prompt may begin with, and their regions."""


@dataclass(frozen=True)
class Gaussian:
    """Where a region usually is, in shares of the image's width (x) and height (y).

    Attributes:
        x: Mean of the centre.
        y: Mean of the centre.
        sigma_x: A sixth of the mean width.
        sigma_y: A sixth of the mean height.
    """

    x: float
    y: float
    sigma_x: float
    sigma_y: float

    @classmethod
    def of_box(cls, box: Box, image_size: ImageSize) -> Self:
        """The Gaussian of one box in an image's pixels."""
        unit = box.scaled(1 / image_size[0], 1 / image_size[1])
        return cls((unit.x0 + unit.x1) / 2, (unit.y0 + unit.y1) / 2, unit.width / 6, unit.height / 6)

    def far_from(self, other: Gaussian) -> float:
        """The sum of squared differences of means and deviations."""
        return float(sum((a - b) ** 2 for a, b in zip(self.as_tuple(), other.as_tuple(), strict=True)))

    def as_tuple(self) -> tuple[float, float, float, float]:
        """``(x, y, sigma_x, sigma_y)``."""
        return self.x, self.y, self.sigma_x, self.sigma_y


@cache
def regions_of(phrase: str) -> tuple[str, ...]:
    """The regions of `REGIONS` that a phrase names, in their order; none for a phrase without a place.

    A zone without a side is that of both sides, since it may be on either.
    """
    found: set[str] = set()
    for spot in spots_of(phrase):
        if spot.zone == HEART:
            found.add(HEART)
        else:
            found.update(_side_regions(spot.side or _BOTH, "" if spot.zone == LUNGS else spot.zone))
    return tuple(region for region in REGIONS if region in found)


@cache
def locations_of(phrase: str) -> tuple[str, ...]:
    """The locations of `LOCATIONS` that a phrase names, in their order.

    A zone of both sides is "bilateral"; one whose side the phrase does not say is none of them.
    """
    sides_of: dict[str, list[str]] = {}
    for spot in spots_of(phrase):
        sides_of.setdefault(spot.zone, []).append(spot.side)
    alone = {LUNGS: "pulmonary", HEART: "cardiomegaly", "lingular": "lingular"}
    named = {
        alone.get(zone) or f"{sides[0] if len(sides) == 1 else _BOTH} {zone}".strip()
        for zone, sides in sides_of.items()
        if zone in alone or sides != [""]
    }
    return tuple(location for location in LOCATIONS if location in named)


def place_values(gaussians: Sequence[Gaussian], x: ArrayLike, y: ArrayLike, width: float = 1.0) -> NDArray[np.float64]:
    """Gaussians on a grid, each with a peak of 1; of several the highest value counts.

    Args:
        gaussians: At least one.
        x: Places of the columns `[w]`, in shares of the image's width.
        y: Places of the rows `[h]`, in shares of its height.
        width: What the deviations are multiplied by.

    Returns:
        Values `[h, w]` in [0, 1].
    """
    across, down = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    return np.max(
        [
            np.outer(
                np.exp(-0.5 * ((down - one.y) / (width * one.sigma_y)) ** 2),
                np.exp(-0.5 * ((across - one.x) / (width * one.sigma_x)) ** 2),
            )
            for one in gaussians
        ],
        axis=0,
    )


def values_on(gaussians: Sequence[Gaussian], heatmap: Heatmap, width: float = 1.0) -> NDArray[np.float64]:
    """Gaussians at the centres of a map's cells, `[h, w]`; see `place_values`."""
    sx, sy = heatmap.image_size
    y, x = grid_edges(heatmap.extent, heatmap.values.shape)
    return place_values(gaussians, (x[:-1] + x[1:]) / (2 * sx), (y[:-1] + y[1:]) / (2 * sy), width)
