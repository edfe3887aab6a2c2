"""Lines, tubes and wires: bright things on many radiographs that no phrase is about."""

from __future__ import annotations

import numpy as np

from .anatomy import Chest
from .strokes import Strokes
from .texture import Array
from .view import Frame, View


def draw_devices(frame: Frame, view: View, chest: Chest, rng: np.random.Generator) -> Array | None:
    """The devices of an image as densities `[size, size]` in [0, 1]; None where there is none."""
    strokes = Strokes(frame)
    along = np.linspace(0, 1, 12)
    if view.leads:
        for _ in range(rng.integers(2, 5)):
            u, v = rng.uniform((-0.33, -0.3), (0.33, 0.25))
            end_u, end_v, bend = rng.uniform((-0.5, 0.3, -0.15), (0.5, 0.6, 0.15))
            strokes.line(u + (end_u - u) * along + bend * np.sin(np.pi * along), v + (end_v - v) * along, 0.004, 0.4)
            strokes.disc(u, v, 0.013, 0.45)
            strokes.disc(u, v, 0.005, 0.9)
    if view.central_line:
        strokes.line(-0.11 + 0.065 * along**0.6, -0.5 + rng.uniform(0.4, 0.5) * along, 0.005, 0.55)
    if view.pacemaker:
        side = rng.choice((-1, 1))
        u, v = side * rng.uniform(0.22, 0.28), rng.uniform(-0.24, -0.17)
        strokes.line(u + np.array([-0.03, 0.03]), (v, v + 0.008), 0.075, 0.75)
        strokes.line(u + np.array([-0.018, 0.018]), (v - 0.004, v + 0.004), 0.045, 0.95)
        tip = chest.heart[0] + 0.5 * chest.heart[2], chest.heart[1] + 0.6 * chest.heart[3]
        path_u = np.interp(along, (0, 0.35, 0.7, 1), (u, side * 0.02, -0.04, tip[0]))
        path_v = np.interp(along, (0, 0.35, 0.7, 1), (v, v - 0.04, chest.heart[1], tip[1]))
        strokes.line(path_u, path_v, 0.005, 0.7)
    if view.tube:
        strokes.line(0.002 + 0 * along, -0.5 + rng.uniform(0.28, 0.36) * along, 0.012, 0.3)
        strokes.line(0.02 + 0.1 * along**4, -0.5 + (0.5 + chest.base) * along, 0.005, 0.4)
    if chest.body.sternal_wires:
        turn = np.linspace(0, 2 * np.pi, 12)
        for level in np.linspace(-0.17, 0.14, 5):
            strokes.line(0.02 * np.cos(turn), level + 0.009 * np.sin(turn), 0.004, 0.8)
    if view.side_marker:
        u, v = rng.uniform((0.36, -0.36), (0.42, -0.28))
        strokes.line((u, u, u + 0.03), (v, v + 0.05, v + 0.05), 0.009, 0.9)
    return strokes.field() if strokes else None
