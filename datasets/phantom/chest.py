"""The healthy chest as an image of densities: 0 is air, about 1 the densest bone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .anatomy import Body, Chest
from .strokes import Strokes
from .texture import Array, ramp, smooth_noise
from .view import Frame

Window = tuple[slice, slice]


@dataclass
class Lungs:
    """Where the lungs are seen in an image.

    Attributes:
        frame: The pixel grid.
        chest: The body's shapes.
        cage: `Chest.cage` of every pixel.
        lung: Share of a pixel's lung that is seen, `[size, size]` in [0, 1]: 0 outside and behind the mediastinum,
            little behind the heart.
        floor: Height of every pixel above the diaphragm.
        above: 1 above the diaphragm, 0 below.
        centre: The window of what lies between the lungs.
        middle: 1 in the mediastinum, 0 outside, in that window.
        around: The window of the heart.
        heart: 1 in the heart, 0 outside, in that window.
    """

    frame: Frame
    chest: Chest
    cage: Array
    lung: Array
    floor: Array
    above: Array
    centre: Window
    middle: Array
    around: Window
    heart: Array


@dataclass
class Canvas(Lungs):
    """An image while it is drawn.

    Attributes:
        density: The drawn densities, `[size, size]`.
        vessels: Densities of the lung vessels, added last; a finding may remove or cover them.
    """

    density: Array
    vessels: Array


def see_lungs(frame: Frame, chest: Chest) -> Lungs:
    """Find the lungs; nothing is drawn.

    Args:
        frame: The pixel grid.
        chest: The body's shapes.
    """
    u, v, a = frame.u, frame.v, frame.a
    cage = chest.cage(a, v)
    floor = chest.diaphragm(u, a).astype(np.float32)
    floor -= v
    above = ramp(floor, 0.006)
    lung = ramp(1 - cage, 0.035)
    lung *= above

    centre = frame.window((0, 0), (0.13, 1))
    middle = ramp(_mediastinum(chest, *frame.at(centre)), 0.01)
    lung[centre] *= 1 - middle
    heart_u, heart_v, half, height = chest.heart
    around = frame.window((heart_u, heart_v), (1.2 * half, 1.2 * height))
    heart = ramp(chest.heart_level(u[around], v[around]), 0.1)
    lung[around] *= 1 - 0.94 * heart
    return Lungs(frame, chest, cage, lung, floor, above, centre, middle, around, heart)


def draw_chest(lungs: Lungs, rng: np.random.Generator) -> Canvas:
    """Draw the healthy chest.

    Args:
        lungs: Where its lungs are.
        rng: For the vessels and the texture.
    """
    frame, chest, body = lungs.frame, lungs.chest, lungs.chest.body
    v, a, cage, lung = frame.v, frame.a, lungs.cage, lungs.lung
    centre_u, centre_v = frame.at(lungs.centre)
    torso = _torso(chest, a, v)
    density = 0.69 - 0.2 * a
    density -= 0.08 * lungs.above
    density += 0.025 * smooth_noise(rng, 4, frame.size)
    ribs = frame.window((0, 0), (body.half_width + 0.02, body.apex + 0.02))
    density[ribs] += _ribs(body, a[ribs], v[ribs], cage[ribs]) * ramp(chest.base - 0.03 - v[ribs], 0.05)
    density *= torso
    density -= 0.36 * lung
    density += lung * (0.022 * smooth_noise(rng, 56, frame.size))
    density[lungs.centre] += 0.05 * lungs.middle + _spine(centre_u, centre_v) - _windpipe(centre_u, centre_v)
    density[lungs.around] += 0.09 * lungs.heart * ramp(lungs.floor[lungs.around] + 0.02, 0.05)
    density += 0.09 * _collar_bones(frame, chest)
    _breasts(frame, chest, density)
    if body.stomach_bubble:
        _stomach_bubble(frame, chest, density)
    vessels = _vessels(frame, rng)
    vessels *= body.vessel_contrast
    return Canvas(**vars(lungs), density=density, vessels=vessels)


def _vessels(frame: Frame, rng: np.random.Generator) -> Array:
    """The vessels of both lungs, from the hila outwards, `[size, size]` in [0, 1]."""
    strokes = Strokes(frame)
    steps = np.linspace(0, 1, 5)
    for side in (-1, 1):
        root_u, root_v = 0.075, -0.035 + 0.02 * (side < 0)
        start = np.linspace(-1.45, 1.75, 9) + rng.uniform(-0.15, 0.15, 9)
        reach, bend = rng.uniform(0.14, 0.3, 9), rng.uniform(-0.5, 0.5, 9)
        angle = start[:, None] + bend[:, None] * steps
        u = side * (root_u + reach[:, None] * steps * np.cos(angle))
        v = root_v + 1.1 * reach[:, None] * steps * np.sin(angle)
        twig = angle[:, 1:4] + rng.uniform(0.35, 0.7, (9, 3)) * (1, -1, 1)
        length = reach[:, None] * rng.uniform(0.3, 0.5, (9, 3))
        twig_u = u[:, 1:4] + side * length * np.cos(twig)
        twig_v = v[:, 1:4] + length * np.sin(twig)
        for k in range(9):
            for fork in range(3):
                strokes.line((u[k, fork + 1], twig_u[k, fork]), (v[k, fork + 1], twig_v[k, fork]), 0.003, 0.38)
            strokes.line(u[k], v[k], 0.0042, 0.5)
            strokes.line(u[k, :3], v[k, :3], 0.008, 0.7)
            strokes.line(u[k, :2], v[k, :2], 0.014, 0.85)
        for off_u, off_v, radius in rng.uniform((-0.012, -0.05, 0.01), (0.03, 0.06, 0.02), (6, 3)):
            strokes.disc(side * (root_u + off_u), root_v + off_v, radius, 0.8)  # vessels seen end on
    return strokes.field(blur=0.0035)


def _mediastinum(chest: Chest, u: Array, v: Array) -> Array:
    """Positive between the lungs: aortic arch and pulmonary trunk bulge to the patient's left."""
    arch = 0.027 * np.exp(-(((v + 0.165) / 0.034) ** 2)) + 0.022 * np.exp(-(((v + 0.07) / 0.036) ** 2))
    return chest.mediastinum(v) + np.where(u > 0, arch, 0.006) - np.abs(u)


def _torso(chest: Chest, a: Array, v: Array) -> Array:
    """The trunk, the shoulders above it, the neck between them; 0 in the air around."""
    shoulder = np.clip(0.3 - 2.5 * v, 0, 1)
    shoulder *= 0.3 * shoulder
    shoulder += chest.body.half_width + chest.body.fat
    shoulder -= a
    slope = v + (chest.body.apex + 0.1)
    slope -= 0.45 * np.maximum(a - 0.13, 0)
    # The neck rises out of the shoulders.
    np.maximum(slope, 0.4 * (0.13 - a), out=slope)
    return ramp(np.minimum(shoulder, slope, out=shoulder), 0.022)


def _spine(u: Array, v: Array) -> Array:
    column = ramp(0.042 - np.abs(u), 0.008)
    discs = 0.5 + 0.5 * np.cos(v * (2 * np.pi / 0.058))
    processes = ramp(0.011 - np.abs(u), 0.006) * discs
    return column * (0.06 + 0.03 * discs) + 0.05 * processes


def _ribs(body: Body, a: Array, v: Array, cage: Array) -> Array:
    """Posterior ribs slope down outwards, anterior ones inwards and only before the lungs' outer part."""
    outer = np.maximum(a - 0.2, 0)
    posterior = _bars((v - body.rib_slope * a + 2.4 * outer * outer) / body.rib_spacing)
    posterior *= ramp(a - 0.045, 0.02)
    anterior = _bars((v + a * (0.75 - 0.6 * a)) / (1.25 * body.rib_spacing) + 0.3)
    anterior *= ramp(a - 0.15, 0.06)
    anterior *= 0.6
    posterior += anterior
    posterior *= ramp(1.07 - cage, 0.04)
    posterior *= body.rib_contrast
    return posterior


def _bars(phase: Array) -> Array:
    """A bar with brighter edges in each unit of the phase."""
    across = phase - np.floor(phase)
    across -= 0.5
    np.abs(across, out=across)
    edge = across * across
    edge *= edge
    bar = ramp(0.26 - across, 0.05)
    edge *= 100
    edge += 0.75
    bar *= edge
    return bar


def _collar_bones(frame: Frame, chest: Chest) -> Array:
    strokes = Strokes(frame)
    top = -chest.body.apex
    along = np.linspace(0, 1, 9)
    for side in (-1, 1):
        shoulder = np.array([0.31, 0.36, 0.4, 0.39])
        strokes.line(side * shoulder, top + np.array([0.05, 0.15, 0.28, 0.36]), 0.012, 0.35)
        u = side * (0.035 + 0.37 * along)
        v = top + 0.105 - 0.085 * along + 0.025 * np.sin(2 * np.pi * along)
        strokes.line(u, v, 0.028, 1.0)
        strokes.line(u, v, 0.018, 0.7)
    return strokes.field()


def _breasts(frame: Frame, chest: Chest, density: Array) -> None:
    if chest.body.breasts:
        for side in (-1, 1):
            here = frame.window((side * 0.23, 0.15), (0.19, 0.18))
            u, v = frame.at(here)
            level = 1 - np.sqrt(((u - side * 0.23) / 0.17) ** 2 + ((v - 0.15) / 0.16) ** 2)
            density[here] += chest.body.breasts * ramp(level, 0.05) * np.clip(0.4 + (v - 0.07) * 4, 0.0, 1)


def _windpipe(u: Array, v: Array) -> Array:
    tube = ramp(0.017 - np.abs(u - 0.004), 0.006) * ramp(-0.115 - v, 0.015)
    bronchi = ramp(0.011 - np.abs(v + 0.12 - 0.75 * np.abs(u)), 0.006) * ramp(0.055 - np.abs(u), 0.01)
    return 0.09 * tube + 0.05 * bronchi


def _stomach_bubble(frame: Frame, chest: Chest, density: Array) -> None:
    centre = 0.17, float(chest.diaphragm(0.17, 0.17)) + 0.055
    here = frame.window(centre, (0.09, 0.06))
    u, v = frame.at(here)
    level = 1 - np.sqrt(((u - centre[0]) / 0.075) ** 2 + ((v - centre[1]) / 0.04) ** 2)
    density[here] -= 0.17 * ramp(level, 0.15)
