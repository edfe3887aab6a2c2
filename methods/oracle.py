"""The control that knows the answer: the upper end of every metric's scale."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..core import BOX, HEATMAP, Grounding, Heatmap, Sample
from .base import ControlMethod
from .registry import register_method


@register_method("oracle")
class Oracle(ControlMethod):
    """Answers with the ground truth itself, as a 0/1 map of every pixel and as boxes."""

    emits = frozenset({HEATMAP, BOX})
    licence = "Apache-2.0"
    note = "answers with the ground truth"

    def ground_samples(self, samples: Sequence[Sample]) -> list[Grounding]:
        """The boxes and their union; the mask, where a sample has no boxes."""
        return [Grounding(Heatmap.whole(target_pixels(sample), sample.image_size), sample.boxes) for sample in samples]


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
