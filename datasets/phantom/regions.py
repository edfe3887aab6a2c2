"""The regions of findings: where they lie in the lungs, how large and how severe they are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .anatomy import Chest
from .draws import chance, normal_share, quantile, quantile_share, related, uniform
from .parameters import FindingParameters, Parameters

RIGHT, LEFT = -1, 1
"""The patient's sides, by the sign of their `u`: the patient's left is on the right of the image."""

SIDES = {RIGHT: "right", LEFT: "left", 0: None}
ZONES = ("upper", "mid", "lower")

_FILLING = frozenset({"Atelectasis", "Consolidation", "Lung Opacity", "Pneumonia"})
_TRIES = 30
_OVERLAP = 0.3
"""Largest share of the smaller of two regions that the larger one may cover."""


@dataclass(frozen=True)
class Region:
    """One connected region of a finding.

    Attributes:
        pathology: The finding.
        side: RIGHT, LEFT, or 0 for the heart.
        zone: "upper", "mid" or "lower"; None where it has none or spans them all.
        severity: From 0 to 1.
        centre: (u, v) of the body.
        half: Half width and half height.
        tilt: Of the region's long axis, radians.
        lateral: Whether fluid or air lies along the side wall; `half` is then its depth over the lung's half width,
            and half its height.
    """

    pathology: str
    side: int
    zone: str | None
    severity: float
    centre: tuple[float, float]
    half: tuple[float, float]
    tilt: float = 0.0
    lateral: bool = False


def place_findings(p: Parameters, chest: Chest, names: list[str], rng: np.random.Generator) -> list[Region]:
    """The regions of the named findings, where there is room; the first finding always has at least one.

    Args:
        p: The generator's parameters.
        chest: Where the lungs and the heart are.
        names: The findings, each once.
        rng: For places, sizes and severities.
    """
    regions: list[Region] = []
    taken: set[tuple[int, str]] = set()
    for name in names:
        parameters = p.findings[name]
        count = 2 if chance(rng, parameters.twice) else 1
        found: list[Region] = []
        for _ in range(_TRIES):
            side = LEFT if chance(rng, 0.5) else RIGHT
            if found:
                side = found[0].side if chance(rng, p.same_side_twice) else -found[0].side
            region = _place(p, chest, name, parameters, side, found, rng)
            cells = _cells(region)
            if not cells & taken and not any(_collide(region, other) for other in [*regions, *found]):
                found.append(region)
                taken |= cells
            if len(found) == count:
                break
        regions.extend(found)
    return regions


def _cells(region: Region) -> set[tuple[int, str]]:
    """The lung zones that a region fills, so that nothing else is put there."""
    if region.zone is None and region.side == 0:
        return set()
    if region.zone is None:
        return {(region.side, zone) for zone in ZONES}
    cells = {(region.side, region.zone)}
    if region.pathology == "Pleural Effusion" and region.half[1] > 0.15:
        cells.add((region.side, "mid"))
    return cells


def _collide(region: Region, other: Region) -> bool:
    """Whether two regions of one lung cover each other too much to be told apart."""
    if region.side != other.side or region.side == 0:
        return False
    if region.pathology == other.pathology and region.zone == other.zone:
        return True
    shares = [
        max(0.0, min(a + p, b + q) - max(a - p, b - q)) / (2 * min(p, q))
        for a, p, b, q in zip(region.centre, region.half, other.centre, other.half, strict=True)
    ]
    return shares[0] * shares[1] > _OVERLAP


def _place(
    p: Parameters,
    chest: Chest,
    name: str,
    parameters: FindingParameters,
    side: int,
    found: list[Region],
    rng: np.random.Generator,
) -> Region:
    z = float(rng.standard_normal())
    severity = normal_share(z)
    if name == "Cardiomegaly":
        centre_u, centre_v, half, height = chest.heart
        width = quantile_share(2 * half, parameters.widths)
        return Region(name, 0, None, width, (centre_u, centre_v), (half, height))
    if name == "Pleural Effusion":
        return _effusion(p, chest, side, severity, p.enlarge * quantile(z, parameters.heights), rng)
    if name == "Pneumothorax":
        return _pneumothorax(p, chest, side, severity, p.enlarge * quantile(z, parameters.heights), rng)
    width = p.enlarge * quantile(related(rng, z, 0.75), parameters.widths)
    height = p.enlarge * quantile(related(rng, z, 0.75), parameters.heights)
    level = quantile(related(rng, z, 0.0), parameters.centres) - 0.5
    if name == "Edema" and found:  # the other lung's region mirrors the first
        level = found[0].centre[1] + uniform(rng, (-0.03, 0.03))
        severity = min(max(found[0].severity + uniform(rng, (-0.2, 0.2)), 0.0), 1.0)
    depth = chest.base + chest.body.apex
    half_v = min(height / 2, 0.3 * depth)
    top = -chest.body.apex + 0.02 + 0.8 * half_v
    floor = float(chest.diaphragm(side * 0.2, 0.2)) - 0.8 * half_v
    level = min(max(level, top), floor)
    inner, outer = _span(chest, level, side)
    while outer - inner < min(0.8 * width, 0.16) and level > top:  # rather above a large heart than squeezed beside it
        level -= 0.02
        inner, outer = _span(chest, level, side)
    half_u = min(width / 2, 0.48 * (outer - inner))
    place = rng.beta(0.8, 1.1) * (0.5 if name == "Edema" else 1)
    centre = inner + half_u + place * max(outer - inner - 1.9 * half_u, 0.0)
    tilt = uniform(rng, (-0.35, 0.35)) if name in _FILLING else 0.0
    return Region(name, side, _zone(chest, level), severity, (side * float(centre), level), (half_u, half_v), tilt)


def _span(chest: Chest, level: float, side: int) -> tuple[float, float]:
    """From the mediastinum or the heart to the chest wall."""
    return max(chest.mediastinum(level), chest.heart_border(level, side)) + 0.005, chest.wall(level)


def _zone(chest: Chest, v: float) -> str:
    return ZONES[min(int(3 * chest.height_share(v) / 0.94), 2)]


def _effusion(
    p: Parameters, chest: Chest, side: int, severity: float, height: float, rng: np.random.Generator
) -> Region:
    if chance(rng, p.loculated):
        level, half = uniform(rng, (-0.08, 0.1)), min(max(height, 0.16), 0.36) / 2
        depth = 0.1 + 0.1 * severity
        centre = side * chest.wall(level), level
        return Region("Pleural Effusion", side, _zone(chest, level), severity, centre, (depth, half), lateral=True)
    angle = float(chest.diaphragm(side * chest.body.half_width, chest.body.half_width))
    half = min(height + 0.03, 0.8 * (angle + chest.body.apex)) / 2
    return Region("Pleural Effusion", side, "lower", severity, (side * 0.25, angle - half), (0.12, half))


def _pneumothorax(
    p: Parameters, chest: Chest, side: int, severity: float, height: float, rng: np.random.Generator
) -> Region:
    lung = chest.base + chest.body.apex
    height = min(max(height, 0.09), 0.85 * lung)
    if chance(rng, p.apical):
        zone = "upper" if height < 0.55 * lung else None
        centre, half = (side * chest.lung_centre, -chest.body.apex), (0.3 + 0.3 * severity, height)
        return Region("Pneumothorax", side, zone, severity, centre, half, lateral=True)
    length = min(max(height, 0.14), 0.4) / 2
    level = uniform(rng, (-0.1, 0.06)) if chance(rng, 1 / 3) else chest.base - 1.1 * length
    centre, half = (side * chest.wall(level), level), (0.2 + 0.2 * severity, length)
    return Region("Pneumothorax", side, _zone(chest, level), severity, centre, half, lateral=True)
