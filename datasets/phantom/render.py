"""A planned scene as an image and the masks of its regions, at any size."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .chest import draw_chest, see_lungs
from .devices import draw_devices
from .film import develop
from .findings import draw_region
from .parameters import Parameters
from .scene import Scene
from .shapes import find_shape, tight_box, window_of
from .view import Frame, Grid

# What lies deeper is drawn first: fluid and air at the chest wall cover what the lung holds.
_ORDER = (
    "Cardiomegaly",
    "Edema",
    "Lung Opacity",
    "Consolidation",
    "Pneumonia",
    "Atelectasis",
    "Pleural Effusion",
    "Pneumothorax",
)


def render(scene: Scene, size: int, p: Parameters) -> tuple[NDArray[np.uint8], list[NDArray[np.bool_]]]:
    """Draw a scene.

    Args:
        scene: What to draw.
        size: Pixels along a side.
        p: The generator's parameters.

    Returns:
        Grey values `[size, size]`, and for each of the scene's regions its pixels, bool `[size, size]`.
    """
    frame = Frame(scene.body, scene.view, size, p.warp, scene.stream("warp"))
    canvas = draw_chest(see_lungs(frame, scene.chest), scene.stream("chest"))
    masks: list[NDArray[np.bool_]] = [np.zeros(0, dtype=bool)] * len(scene.regions)
    for number in sorted(range(len(scene.regions)), key=lambda i: _ORDER.index(scene.regions[i].pathology)):
        region = scene.regions[number]
        contrast = p.findings[region.pathology].contrast
        masks[number] = draw_region(canvas, region, contrast, scene.stream(f"region {number}"))
    density = canvas.density
    density += canvas.vessels * canvas.lung
    devices = draw_devices(frame, scene.view, scene.chest, scene.stream("devices"))
    if devices is not None:
        density += 0.45 * devices
    return develop(density, scene.view, scene.stream("noise")), masks


def region_boxes(scene: Scene, size: int, p: Parameters) -> list[list[int]]:
    """The boxes around the regions that `render` draws, without drawing the image.

    Args:
        scene: What is in the image.
        size: Pixels along a side.
        p: The generator's parameters.

    Returns:
        Of each region x0, y0, x1, y1.
    """
    grid = Grid(scene.body, scene.view, size, p.warp)
    windows = [window_of(grid, region) for region in scene.regions]
    top, left = (min(window[axis].start for window in windows) for axis in (0, 1))
    bottom, right = (max(window[axis].stop for window in windows) for axis in (0, 1))
    here = slice(top, bottom), slice(left, right)
    lungs = see_lungs(Frame(scene.body, scene.view, size, p.warp, scene.stream("warp"), here), scene.chest)
    boxes = []
    for number, region in enumerate(scene.regions):
        x0, y0, x1, y1 = tight_box(find_shape(lungs, region, scene.stream(f"region {number}")).whole(lungs.frame))
        boxes.append([left + x0, top + y0, left + x1, top + y1])
    return boxes
