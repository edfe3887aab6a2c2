"""The findings, drawn over the healthy chest; each region answers with the pixels it covers."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from .chest import Canvas, Window
from .parameters import Range
from .regions import Region
from .texture import Array, ramp, smooth_noise

Mask = NDArray[np.bool_]

_VISIBLE = 0.3
"""Share of the lung that must be seen for a pixel to count as part of a region."""


def draw_region(canvas: Canvas, region: Region, contrast: Range, rng: np.random.Generator) -> Mask:
    """Draw a region of a finding.

    Args:
        canvas: Changed in place.
        region: What to draw.
        contrast: Change of density from the least to the most severe.
        rng: For shapes and textures.

    Returns:
        The region's pixels, `[size, size]`, one connected piece.
    """
    density = contrast[0] + (contrast[1] - contrast[0]) * region.severity
    here, mask = _DRAWN[region.pathology](canvas, region, density, rng)
    whole = np.zeros((canvas.frame.size, canvas.frame.size), dtype=bool)
    whole[here] = _largest_piece(mask)
    return whole


def _largest_piece(mask: Mask) -> Mask:
    from scipy.ndimage import label

    pieces, count = label(mask, structure=np.ones((3, 3)))  # pyright: ignore[reportGeneralTypeIssues]
    if count <= 1:
        return mask
    return pieces == np.bincount(pieces.ravel())[1:].argmax() + 1


def _local(canvas: Canvas, region: Region, margin: float) -> tuple[Window, Array, Array]:
    """A window around a region and its coordinates, -1 to 1 across and down the region."""
    (centre_u, centre_v), (half_u, half_v) = region.centre, region.half
    reach = margin * max(half_u, half_v) if region.tilt else 0.0
    here = canvas.frame.window(region.centre, (max(margin * half_u, reach), max(margin * half_v, reach)))
    u, v = canvas.frame.at(here)
    u, v = u - centre_u, v - centre_v
    cos, sin = np.cos(region.tilt), np.sin(region.tilt)
    return here, (cos * u + sin * v) / half_u, (cos * v - sin * u) / half_v


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


def _add(canvas: Canvas, here: Window, amount: Array, hidden_vessels: float) -> None:
    """Add density where lung is seen and cover the vessels there."""
    canvas.density[here] += amount * canvas.lung[here]
    canvas.vessels[here] *= 1 - hidden_vessels * np.clip(amount * 5, 0, 1)


def _consolidation(canvas: Canvas, region: Region, density: float, rng: np.random.Generator) -> tuple[Window, Mask]:
    here, p, q = _local(canvas, region, 1.4)
    level = _outline(p, q, rng, 0.35)
    body = ramp(level, 0.16)
    amount = body * (1 + 0.12 * smooth_noise(rng, 30, canvas.frame.size, here))
    # Air bronchograms: dark branches that fan out from the side of the hilum.
    for slope in rng.uniform(-0.9, 0.9, 4):
        along = 0.9 + region.side * p * np.cos(region.tilt)
        off = (q - slope * along * 0.75) / 0.075
        amount -= 0.42 * body * np.exp(-off * off) * ramp(0.95 - np.abs(p), 0.3)
    _add(canvas, here, density * amount, 0.9)
    return here, (level > 0) & (canvas.lung[here] > _VISIBLE)


def _opacity(canvas: Canvas, region: Region, density: float, rng: np.random.Generator) -> tuple[Window, Mask]:
    here, p, q = _local(canvas, region, 1.5)
    level = _outline(p, q, rng, 0.2)
    haze = ramp(level, 0.34) * (1 + 0.25 * smooth_noise(rng, 36, canvas.frame.size, here))
    _add(canvas, here, density * haze, 0.2)
    return here, (level > 0) & (canvas.lung[here] > _VISIBLE)


def _pneumonia(canvas: Canvas, region: Region, density: float, rng: np.random.Generator) -> tuple[Window, Mask]:
    here, p, q = _local(canvas, region, 1.4)
    level = _outline(p, q, rng, 0.25)
    patches = np.zeros_like(p)
    for angle, radius, width in rng.uniform((0, 0.1, 0.13), (2 * np.pi, 0.85, 0.24), (22, 3)):
        off_p, off_q = p - np.sqrt(radius) * 0.9 * np.cos(angle), q - np.sqrt(radius) * 0.9 * np.sin(angle)
        patches += np.exp(-(off_p * off_p + off_q * off_q) / (width * width))
    amount = (0.28 + 0.85 * np.clip(patches, 0, 1.1)) * ramp(level, 0.2)
    _add(canvas, here, density * amount, 0.6)
    return here, (level > 0) & (canvas.lung[here] > _VISIBLE)


def _atelectasis(canvas: Canvas, region: Region, density: float, rng: np.random.Generator) -> tuple[Window, Mask]:
    here, p, q = _local(canvas, region, 1.25)
    level = 1 - np.sqrt(np.sqrt(p**4 + q**4))
    count = 2 + int(region.half[1] > 0.04) + int(region.half[1] > 0.08)
    bend, amount = rng.uniform(-0.25, 0.25), 0.22 * ramp(level, 0.2)
    width = 0.011 / region.half[1]
    for k in range(count):
        off = (q - bend * p * p - (2 * k + 1 - count) / count - rng.uniform(-0.12, 0.12)) / min(width, 0.32)
        length = 1 - np.abs(p - rng.uniform(-0.15, 0.15))
        amount += rng.uniform(0.8, 1.15) * np.exp(-off * off) * ramp(length, 0.18)
    _add(canvas, here, density * np.minimum(amount, 1.2), 0.5)
    return here, (level > 0) & (canvas.lung[here] > _VISIBLE)


def _edema(canvas: Canvas, region: Region, density: float, rng: np.random.Generator) -> tuple[Window, Mask]:
    here, p, q = _local(canvas, region, 1.5)
    level = _outline(p, q, rng, 0.15)
    haze = ramp(level, 0.34)
    mesh = smooth_noise(rng, 70, canvas.frame.size, here)
    # Septal lines: short and level, in the outer half.
    phase = q * region.half[1] / 0.02
    lines = ramp(0.16 - np.abs(phase - np.floor(phase) - 0.5), 0.12) * ramp(region.side * p - 0.1, 0.35)
    _add(canvas, here, density * haze * (0.9 + 0.3 * mesh + 0.3 * lines), 0.0)
    canvas.vessels[here] *= 1 + 0.5 * haze
    return here, (level > 0) & (canvas.lung[here] > _VISIBLE)


def _effusion(canvas: Canvas, region: Region, density: float, rng: np.random.Generator) -> tuple[Window, Mask]:
    here = canvas.frame.window((region.side * 0.25, region.centre[1]), (0.26, region.half[1] + 0.1))
    level = _crescent(canvas, here, region) if region.lateral else _meniscus(canvas, here, region)
    mask = (level > 0) & (canvas.lung[here] > _VISIBLE)
    _add(canvas, here, density * ramp(level, 0.012), 1.0)
    return here, mask


def _meniscus(canvas: Canvas, here: Window, region: Region) -> Array:
    """Positive below the surface of fluid at the base, which climbs the side wall."""
    u, v = canvas.frame.at(here)
    height = 2 * region.half[1]
    top, lift = region.centre[1] - region.half[1], min(0.02 + 0.45 * height, 0.13)
    reach = max(canvas.chest.wall(top + lift / 2) - 0.05, 0.1)
    across = np.clip((np.abs(u) - 0.05) / reach, 0, 1)
    return np.where(region.side * u > 0, v - top - lift * (1 - across * across * across), -1.0)


def _crescent(canvas: Canvas, here: Window, region: Region) -> Array:
    """Positive between the chest wall and an arc along it; about the distance from the arc."""
    u, v = canvas.frame.at(here)
    depth, half_v = region.half
    off = (v - region.centre[1]) / half_v
    thickness = canvas.chest.body.half_width - canvas.chest.lung_centre
    return np.where(region.side * u > 0, (canvas.cage[here] - 1 + depth * (1 - off * off)) * thickness, -1.0)


def _pneumothorax(canvas: Canvas, region: Region, density: float, rng: np.random.Generator) -> tuple[Window, Mask]:
    here = canvas.frame.window((region.side * 0.2, region.centre[1]), (0.24, region.half[1] + 0.1))
    level = _crescent(canvas, here, region)
    air, lung = ramp(level, 0.006), canvas.lung[here]
    edge = level / 0.0045
    line = np.exp(-edge * edge)
    away = np.abs(canvas.frame.at(here)[1] - region.centre[1])
    collapsed = (level > -1) * ramp(-level, 0.06) * ramp(region.half[1] + 0.05 - away, 0.05)
    canvas.density[here] += lung * (0.1 * line - density * air + 0.04 * collapsed)
    canvas.vessels[here] *= 1 - air
    return here, (level > 0) & (lung > _VISIBLE)


def _cardiomegaly(canvas: Canvas, region: Region, density: float, rng: np.random.Generator) -> tuple[Window, Mask]:
    # The heart itself was drawn with the chest, at its size.
    here = canvas.frame.window(region.centre, (1.3 * region.half[0], 1.3 * region.half[1]))
    level = canvas.chest.heart_level(*canvas.frame.at(here))
    canvas.density[here] += density * ramp(level, 0.1) * ramp(canvas.floor[here] + 0.02, 0.05)
    return here, (level > 0) & (canvas.floor[here] > -0.02)


_Drawing = Callable[[Canvas, Region, float, np.random.Generator], tuple[Window, Mask]]

_DRAWN: dict[str, _Drawing] = {
    "Atelectasis": _atelectasis,
    "Cardiomegaly": _cardiomegaly,
    "Consolidation": _consolidation,
    "Edema": _edema,
    "Lung Opacity": _opacity,
    "Pleural Effusion": _effusion,
    "Pneumonia": _pneumonia,
    "Pneumothorax": _pneumothorax,
}
