"""A sample's ground truth in the forms in which controls answer with it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core import Box, Sample


def true_boxes(sample: Sample) -> tuple[Box, ...]:
    """The boxes; where there are none, the box of each connected region of the mask, where corners do not connect."""
    if sample.boxes or sample.mask is None:
        return tuple(sample.boxes)
    from scipy import ndimage

    labels: Any = ndimage.label(sample.mask.load())
    return tuple(Box(x.start, y.start, x.stop, y.stop) for y, x in ndimage.find_objects(labels[0]))


def true_pixels(sample: Sample) -> NDArray[np.float32]:
    """0/1 pixels `[H, W]`: the union of the boxes, or the mask where there are none."""
    width, height = sample.image_size
    if not sample.boxes and sample.mask is not None:
        return sample.mask.load().astype(np.float32)
    pixels = np.zeros((height, width), dtype=np.float32)
    for box in sample.boxes:
        (x0, x1), (y0, y1) = box.columns(width), box.rows(height)
        pixels[y0:y1, x0:x1] = 1
    return pixels
