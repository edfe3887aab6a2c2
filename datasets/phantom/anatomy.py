"""Whose chest it is: a patient's numbers, and the shapes they give.

Body coordinates: `u` across (positive to the right of the image, which is the patient's left), `v` down, in shares of
the image's side; (0, 0) is the middle of the chest at the height of the hila. Shapes take numbers as well as arrays.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .draws import chance, uniform
from .parameters import Parameters
from .texture import Array

LUNG_CENTRE = 0.43
"""Distance of a lung's apex from the midline, over the rib cage's half width."""

_WALL_POWER = 2.5
_SHOULDER = 0.02
"""Height, below the body's centre, down to which the rib cage still widens."""


@dataclass(frozen=True)
class Body:
    """What stays the same in all images of a patient; `Parameters` describes the fields."""

    half_width: float
    apex: float
    base: float
    fat: float
    heart_ratio: float
    heart_lean: float
    dome: float
    right_higher: float
    spine_curve: float
    rib_spacing: float
    rib_slope: float
    rib_contrast: float
    vessel_contrast: float
    breasts: float
    stomach_bubble: bool
    sternal_wires: bool


def draw_body(rng: np.random.Generator, p: Parameters) -> Body:
    """A patient."""
    return Body(
        half_width=uniform(rng, p.half_width),
        apex=uniform(rng, p.apex),
        base=uniform(rng, p.base),
        fat=uniform(rng, p.fat),
        heart_ratio=uniform(rng, p.heart_ratio),
        heart_lean=uniform(rng, p.heart_lean),
        dome=uniform(rng, p.dome),
        right_higher=uniform(rng, p.right_higher),
        spine_curve=uniform(rng, p.spine_curve),
        rib_spacing=uniform(rng, p.rib_spacing),
        rib_slope=uniform(rng, p.rib_slope),
        rib_contrast=uniform(rng, p.rib_contrast),
        vessel_contrast=uniform(rng, p.vessel_contrast),
        breasts=uniform(rng, p.breast_contrast) * chance(rng, p.breasts),
        stomach_bubble=chance(rng, p.stomach_bubble),
        sternal_wires=chance(rng, p.sternal_wires),
    )


@dataclass(frozen=True)
class Chest:
    """The shapes of a body in one image.

    Attributes:
        body: The patient.
        base: Depth of the costophrenic angles at this breath.
        heart_ratio: Width of the heart over the chest's, enlarged or not.
        heart_height: Height of the heart over its width.
    """

    body: Body
    base: float
    heart_ratio: float
    heart_height: float

    @property
    def lung_centre(self) -> float:
        """Distance of the lungs' apices from the midline."""
        return self.body.half_width * LUNG_CENTRE

    @property
    def heart(self) -> tuple[float, float, float, float]:
        """Centre (u, v), half width and half height of the heart."""
        half = self.heart_ratio * self.body.half_width
        height = half * self.heart_height
        # A large heart grows to the patient's left more than to the right, and down onto the diaphragm.
        centre = self.body.heart_lean * self.body.half_width + 0.25 * max(0.0, half - 0.17)
        return centre, self.base - 0.3 * self.body.dome - height, half, height

    def cage(self, a: Array, v: Array) -> Array:
        """How far out a point lies in its lung's half of the rib cage: 0 at its middle, 1 on the wall.

        Args:
            a: Distance from the midline.
            v: Height.
        """
        centre = self.lung_centre
        out = a - centre
        np.maximum(out * (1 / (self.body.half_width - centre)), out * (-1 / (centre + 0.03)), out=out)
        up = np.maximum(_SHOULDER - v, 0)
        up *= 1 / (_SHOULDER + self.body.apex)
        total = out * out * np.sqrt(out)  # power 2.5
        total += up * up * np.sqrt(up)
        return (total.astype(np.float64) ** (1 / _WALL_POWER)).astype(np.float32)

    def wall(self, v: float) -> float:
        """Distance of the side wall from the midline at a height; the lung's centre above the apex."""
        up = min(max(_SHOULDER - v, 0) / (_SHOULDER + self.body.apex), 1.0)
        return self.lung_centre + (self.body.half_width - self.lung_centre) * (1 - up**_WALL_POWER) ** (1 / _WALL_POWER)

    def diaphragm(self, u: Any, a: Any) -> Any:
        """Height of the diaphragm's dome where u is across and a is |u|."""
        off = (a - self.body.half_width * 0.42) / (self.body.half_width * 0.6)
        top = np.where(u < 0, self.base - self.body.dome - self.body.right_higher, self.base - self.body.dome)
        return top + self.body.dome * off * off

    def heart_level(self, u: Any, v: Any) -> Any:
        """1 in the middle of the heart, 0 on its border, negative outside."""
        centre_u, centre_v, half, height = self.heart
        u, v = np.asarray(u, dtype=np.float64), np.asarray(v, dtype=np.float64)
        x, y = (u - centre_u) / half, (v - centre_v) / height
        # The left border slopes outwards down to the heart's tip; the right one is a plain arc.
        lean = 0.05 + 0.32 * np.clip(x + 0.5, 0, 1)
        return 1 - (np.abs(x - lean * y) ** 2.2 + np.abs(y) ** 2.4)

    def heart_border(self, v: float, side: int) -> float:
        """Distance of the heart's border from the midline at a height; 0 where there is no heart."""
        reach = np.linspace(0, self.body.half_width, 40)
        inside = self.heart_level(side * reach, v) > 0
        return float(reach[inside].max()) if inside.any() else 0.0

    def mediastinum(self, v: Any) -> Any:
        """Half width of the vessels between the lungs, above the heart."""
        flare = np.clip((-0.16 - v) / 0.2, 0, 1)
        return (0.052 + 0.03 * flare * flare) * self.body.half_width / 0.37

    def height_share(self, v: float) -> float:
        """0 at the lungs' apices, 1 at the costophrenic angles."""
        return (v + self.body.apex) / (self.base + self.body.apex)
