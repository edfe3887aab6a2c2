"""The control that knows the answer: the upper end of every metric's scale."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...core import BOX, HEATMAP, Box, Grounding, Heatmap, Sample
from ..base import ControlMethod
from ..registry import register_method


@register_method("oracle")
class Oracle(ControlMethod):
    """Answers with the ground truth itself, as a 0/1 map of every pixel and as boxes."""

    emits = frozenset({HEATMAP, BOX})
    licence = "Apache-2.0"
    note = "answers with the ground truth"

    def ground_samples(self, samples: Sequence[Sample]) -> list[Grounding]:
        """The boxes and their union; where a sample has none, the mask and the box of each of its connected regions."""
        answers: list[Grounding] = []
        for sample in samples:
            pixels = target_pixels(sample)
            boxes = sample.boxes or _boxes_around(pixels)
            answers.append(Grounding(Heatmap.whole(pixels, sample.image_size), boxes))
        return answers


def _boxes_around(pixels: NDArray[np.float32]) -> list[Box]:
    """The bounding box of each connected region of pixels `[H, W]` that are not 0; corners do not connect."""
    from scipy import ndimage

    labels: Any = ndimage.label(pixels)
    return [Box(x.start, y.start, x.stop, y.stop) for y, x in ndimage.find_objects(labels[0])]


def target_pixels(sample: Sample) -> NDArray[np.float32]:
    """The ground truth as 0/1 pixels `[H, W]`: the union of the boxes, or the mask where there are none."""
    width, height = sample.image_size
    if not sample.boxes and sample.mask is not None:
        return sample.mask.load().astype(np.float32)
    pixels = np.zeros((height, width), dtype=np.float32)
    for box in sample.boxes:
        (x0, x1), (y0, y1) = box.columns(width), box.rows(height)
        pixels[y0:y1, x0:x1] = 1
    return pixels
