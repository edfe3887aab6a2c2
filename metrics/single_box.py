"""Protocols of phrases with one box each: an IoU, and the shares of samples whose IoU is high enough."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..core import Box, Grounding, ImageSize, MetricValue, ProtocolError, Sample, Status, Target
from .box_geometry import edges
from .box_protocol import BoxProtocol
from .protocol import with_status
from .region import Region

ONE_BOX = "samples with exactly one box; others are skipped"
UNDEFINED = {"failed, empty_prediction": 0.0, "empty_target": "left out"}


class SingleBoxProtocol(BoxProtocol):
    """What `iou` and `accurate` say of one predicted and one true box; without a predicted one the IoU is 0."""

    @abstractmethod
    def iou(self, predicted: Sequence[Box], true: Box, image_size: ImageSize) -> float:
        """IoU of the box that counts among those of an answer, of which there is at least one, and the true box."""

    @abstractmethod
    def accurate(self, iou: float) -> dict[str, float]:
        """Every metric but the IoU itself."""

    def target(self, sample: Sample, grounding: Grounding | None) -> Target | None:
        """The sample's box; a sample with none or several is skipped."""
        return super().target(sample, grounding) if len(sample.boxes) == 1 else None

    def compare(
        self, predicted: Sequence[Box], true: Sequence[Box], image_size: ImageSize, status: Status
    ) -> dict[str, MetricValue]:
        """See `BoxProtocol.compare`."""
        if not true:
            return with_status(dict.fromkeys(metric.key for metric in self.metrics), status)
        iou = self.iou(predicted, true[0], image_size) if predicted else 0.0
        return with_status({"iou": iou, **self.accurate(iou)}, status)

    def _true(self, region: Region) -> Sequence[Box]:
        true = super()._true(region)
        if len(true) > 1:
            raise ProtocolError(
                f"the protocol {self.name!r} scores phrases with one box and this ground truth has {len(true)};"
                " use v1, radfact2024 or radvlm2025"
            )
        return true


def iou_in_float32(predicted: NDArray[np.float32], true: NDArray[np.float32]) -> float:
    """IoU of two boxes as `trans_vg_eval_test` and `bbox_iou` of TransVG's code and its heirs compute it, in float32.

    Args:
        predicted: Centre x and y, width and height in shares of a frame, `[4]`; cut to the frame.
        true: As `predicted`; not cut.

    Returns:
        In [0, 1]; 0 where one of them has no area.
    """
    cut, whole = np.clip(edges(predicted), np.float32(0), np.float32(1)), edges(true)
    wide, high = np.maximum(np.minimum(cut[2:], whole[2:]) - np.maximum(cut[:2], whole[:2]), np.float32(0))
    both = wide * high
    if not both:
        return 0.0
    areas = [(x1 - x0) * (y1 - y0) for x0, y0, x1, y1 in (cut, whole)]
    return min(float(both / (areas[0] + areas[1] - both + np.float32(1e-16))), 1.0)
