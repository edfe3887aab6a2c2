"""Where the regions of phantoms' chests are: the table of places that comes with the package.

The regions are those of healthy anatomy, as a scene is drawn: no finding's box or mask has a part in them.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ...core import Box
from ...core.place_table import PlaceTable
from .parameters import DEFAULT
from .regions import LEFT, RIGHT, SIDES, ZONES
from .scene import Scene, plan_scene
from .shapes import tight_box
from .view import Frame

IMAGES = 1000
"""The train scenes that the shipped table is made of."""

_SIZE = 128
_LUNG_ENDS = 0.94
"""Share of the height from apex to angle that the thirds part, as findings have it."""

_APEX = 1 / 6
"""The apex is the upper half of the upper third."""

_ANGLE = 5 / 6
"""The angle is the outer part of the lower third's lower half."""


def phantom_places(images: int = IMAGES) -> PlaceTable:
    """The table of the first train scenes; about 3 s a thousand.

    Args:
        images: How many.
    """
    scenes = [plan_scene(DEFAULT, 0, "train", index) for index in range(images)]
    boxes = ((region, box, (_SIZE, _SIZE)) for scene in scenes for region, box in region_boxes(scene, _SIZE))
    return PlaceTable.of_boxes(boxes, "phantom train: lungs, their thirds, apices and angles, and hearts", images)


def region_boxes(scene: Scene, size: int) -> Iterator[tuple[str, Box]]:
    """The regions of a scene that are in the image, with the boxes around them.

    Args:
        scene: The scene.
        size: Pixels along a side.
    """
    frame, chest = Frame(scene.body, scene.view, size, DEFAULT.warp, scene.stream("warp")), scene.chest
    u, v, a = frame.u, frame.v, frame.a
    lungs = (chest.cage(a, v) < 1) & (chest.diaphragm(u, a) > v) & (a > chest.mediastinum(v))
    share = (v + chest.body.apex) / (chest.base + chest.body.apex) / _LUNG_ENDS
    zone = np.clip((3 * share).astype(int), 0, 2)
    parts = {
        "": np.ones_like(lungs),
        "apical": share < _APEX,
        **{{"mid": "middle"}.get(name, name): zone == third for third, name in enumerate(ZONES)},
        "costophrenic": (share > _ANGLE) & (a > chest.lung_centre),
    }
    regions = {
        f"{SIDES[side]} {name}".strip(): lungs & part & (u * side > 0)
        for side in (RIGHT, LEFT)
        for name, part in parts.items()
    }
    for region, inside in {**regions, "heart": chest.heart_level(u, v) > 0}.items():
        if inside.any():
            yield region, Box(*tight_box(inside))
