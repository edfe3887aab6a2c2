"""The findings, drawn over the healthy chest."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .chest import Canvas, Window
from .parameters import Range
from .regions import Region
from .shapes import Mask, Shape, find_shape
from .texture import Array, ramp, smooth_noise


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
    shape = find_shape(canvas, region, rng)
    _DRAWN[region.pathology](canvas, region, shape, density, rng)
    return shape.whole(canvas.frame)


def _add(canvas: Canvas, here: Window, amount: Array, hidden_vessels: float) -> None:
    """Add density where lung is seen and cover the vessels there."""
    canvas.density[here] += amount * canvas.lung[here]
    canvas.vessels[here] *= 1 - hidden_vessels * np.clip(amount * 5, 0, 1)


def _consolidation(canvas: Canvas, region: Region, shape: Shape, density: float, rng: np.random.Generator) -> None:
    here, level, p, q = shape.here, shape.level, shape.across, shape.down
    body = ramp(level, 0.16)
    amount = body * (1 + 0.12 * smooth_noise(rng, 30, canvas.frame.size, here))
    # Air bronchograms: dark branches that fan out from the side of the hilum.
    for slope in rng.uniform(-0.9, 0.9, 4):
        along = 0.9 + region.side * p * np.cos(region.tilt)
        off = (q - slope * along * 0.75) / 0.075
        amount -= 0.42 * body * np.exp(-off * off) * ramp(0.95 - np.abs(p), 0.3)
    _add(canvas, here, density * amount, 0.9)


def _opacity(canvas: Canvas, region: Region, shape: Shape, density: float, rng: np.random.Generator) -> None:
    haze = ramp(shape.level, 0.34) * (1 + 0.25 * smooth_noise(rng, 36, canvas.frame.size, shape.here))
    _add(canvas, shape.here, density * haze, 0.2)


def _pneumonia(canvas: Canvas, region: Region, shape: Shape, density: float, rng: np.random.Generator) -> None:
    here, level, p, q = shape.here, shape.level, shape.across, shape.down
    patches = np.zeros_like(p)
    for angle, radius, width in rng.uniform((0, 0.1, 0.13), (2 * np.pi, 0.85, 0.24), (22, 3)):
        off_p, off_q = p - np.sqrt(radius) * 0.9 * np.cos(angle), q - np.sqrt(radius) * 0.9 * np.sin(angle)
        patches += np.exp(-(off_p * off_p + off_q * off_q) / (width * width))
    amount = (0.28 + 0.85 * np.clip(patches, 0, 1.1)) * ramp(level, 0.2)
    _add(canvas, here, density * amount, 0.6)


def _atelectasis(canvas: Canvas, region: Region, shape: Shape, density: float, rng: np.random.Generator) -> None:
    here, level, p, q = shape.here, shape.level, shape.across, shape.down
    count = 2 + int(region.half[1] > 0.04) + int(region.half[1] > 0.08)
    bend, amount = rng.uniform(-0.25, 0.25), 0.22 * ramp(level, 0.2)
    width = 0.011 / region.half[1]
    for k in range(count):
        off = (q - bend * p * p - (2 * k + 1 - count) / count - rng.uniform(-0.12, 0.12)) / min(width, 0.32)
        length = 1 - np.abs(p - rng.uniform(-0.15, 0.15))
        amount += rng.uniform(0.8, 1.15) * np.exp(-off * off) * ramp(length, 0.18)
    _add(canvas, here, density * np.minimum(amount, 1.2), 0.5)


def _edema(canvas: Canvas, region: Region, shape: Shape, density: float, rng: np.random.Generator) -> None:
    here, level, p, q = shape.here, shape.level, shape.across, shape.down
    haze = ramp(level, 0.34)
    mesh = smooth_noise(rng, 70, canvas.frame.size, here)
    # Septal lines: short and level, in the outer half.
    phase = q * region.half[1] / 0.02
    lines = ramp(0.16 - np.abs(phase - np.floor(phase) - 0.5), 0.12) * ramp(region.side * p - 0.1, 0.35)
    _add(canvas, here, density * haze * (0.9 + 0.3 * mesh + 0.3 * lines), 0.0)
    canvas.vessels[here] *= 1 + 0.5 * haze


def _effusion(canvas: Canvas, region: Region, shape: Shape, density: float, rng: np.random.Generator) -> None:
    _add(canvas, shape.here, density * ramp(shape.level, 0.012), 1.0)


def _pneumothorax(canvas: Canvas, region: Region, shape: Shape, density: float, rng: np.random.Generator) -> None:
    here, level = shape.here, shape.level
    air, lung = ramp(level, 0.006), canvas.lung[here]
    edge = level / 0.0045
    line = np.exp(-edge * edge)
    away = np.abs(canvas.frame.at(here)[1] - region.centre[1])
    collapsed = (level > -1) * ramp(-level, 0.06) * ramp(region.half[1] + 0.05 - away, 0.05)
    canvas.density[here] += lung * (0.1 * line - density * air + 0.04 * collapsed)
    canvas.vessels[here] *= 1 - air


def _cardiomegaly(canvas: Canvas, region: Region, shape: Shape, density: float, rng: np.random.Generator) -> None:
    # The heart itself was drawn with the chest, at its size.
    canvas.density[shape.here] += density * ramp(shape.level, 0.1) * ramp(canvas.floor[shape.here] + 0.02, 0.05)


_Drawing = Callable[[Canvas, Region, Shape, float, np.random.Generator], None]

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
