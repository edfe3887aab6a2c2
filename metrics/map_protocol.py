"""What the published protocols that hold maps against boxes or masks have in common."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..core import Box, Grounding, Heatmap, MetricValue, Sample, Target
from .protocol import Protocol
from .region import Region

TARGET = "union of the boxes if there are any, else the mask; clipped to the image; a sample without either is skipped"


class MapProtocol(Protocol):
    """A protocol that knows maps; one that knows boxes too defines `score_boxes` as well."""

    def target(self, sample: Sample, grounding: Grounding | None) -> Target | None:
        """The sample's boxes, clipped to the image; its mask where it has no box.

        A sample without either is skipped, unless it is a negative: there is nothing to mark in it, by right.
        """
        boxes = tuple(box.clipped(sample.image_size) for box in sample.boxes)
        if not boxes and sample.mask is None and not sample.negative:
            return None
        return Target(boxes, sample.image_size, None if boxes else sample.mask)

    def score_boxes(self, boxes: Sequence[Box], region: Region) -> dict[str, MetricValue]:
        """The protocol has no metric for boxes."""
        return {}


def sampled(heatmap: Heatmap, rows: NDArray[np.float64], columns: NDArray[np.float64]) -> NDArray[np.float32]:
    """The scores at points of a raster, each that of the cell which the point lies in.

    A map over the whole of a square raster whose side is a multiple of the grid's is repeated, as the public codes do.

    Args:
        heatmap: The map.
        rows: Vertical positions in the image, `[h]`.
        columns: Horizontal positions in the image, `[w]`.

    Returns:
        `[h, w]`; minus infinity where the method has not looked.
    """
    x0, y0, x1, y1 = heatmap.extent.as_tuple()
    cells = [
        np.floor((points - start) * count / (stop - start)).astype(np.int64)
        for points, start, stop, count in zip((rows, columns), (y0, x0), (y1, x1), heatmap.values.shape, strict=True)
    ]
    seen = [(cell >= 0) & (cell < count) for cell, count in zip(cells, heatmap.values.shape, strict=True)]
    found = heatmap.values[np.ix_(*(np.clip(c, 0, n - 1) for c, n in zip(cells, heatmap.values.shape, strict=True)))]
    return np.where(np.logical_and.outer(*seen), found, np.float32(-np.inf))
