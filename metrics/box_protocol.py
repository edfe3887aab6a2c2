"""What the published protocols that hold boxes against boxes have in common."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..core import Box, Grounding, Heatmap, ImageSize, MetricValue, PartsValue, ProtocolError, Sample, Status, Target
from .protocol import Metric, Protocol
from .ranking import Ranking
from .reduced_cells import Reduced, point_values
from .reducers import Reducer
from .region import BoxRegion, Region

ONLY_BOXES = "the boxes as annotated; a sample without one, or with a mask alone, is skipped"
NO_ANSWER = "as an answer without boxes"
REDUCED = {"reduced": "a metric with a reducer has its cells from it, in every draw anew, and no mean over samples"}


class BoxProtocol(Protocol):
    """A protocol that knows neither maps nor masks: `compare` is all that a new one has to define, with `constants`.

    A method that failed counts as one that answered without boxes; the status tells them apart.
    """

    @abstractmethod
    def compare(
        self, predicted: Sequence[Box], true: Sequence[Box], image_size: ImageSize, status: Status
    ) -> dict[str, MetricValue]:
        """Every metric of one sample.

        Args:
            predicted: The answer in the method's order; may be empty.
            true: The ground truth in the data set's order; empty only where somebody asks about such a one.
            image_size: (width, height) of the image.
            status: Of the sample, from what is given and lacking.
        """

    def target(self, sample: Sample, grounding: Grounding | None) -> Target | None:
        """The sample's boxes; a sample without any is skipped, since the public code knows no masks."""
        return Target(sample.boxes, sample.image_size) if sample.boxes else None

    def score_heatmap(self, heatmap: Heatmap, region: Region) -> dict[str, MetricValue]:
        """The protocol has no metric for heatmaps."""
        return {}

    def score_boxes(self, boxes: Sequence[Box], region: Region) -> dict[str, MetricValue]:
        """See `Protocol.score_boxes`.

        Raises:
            ProtocolError: If the ground truth is not what the protocol is about, such as a mask.
        """
        true = self._true(region)
        return self.compare(boxes, true, region.image_size, Status.OK if true else Status.EMPTY_TARGET)

    def absent(self, region: Region, status: Status) -> dict[str, MetricValue]:
        """See `Protocol.absent`."""
        return self.compare((), self._true(region), region.image_size, status)

    def _true(self, region: Region) -> Sequence[Box]:
        if not isinstance(region, BoxRegion):
            raise ProtocolError(f"the protocol {self.name!r} scores boxes and this ground truth is a mask; use v1")
        return region.boxes


def with_parts(reducer: Reducer, status: Status, parts: tuple[Sequence[float], ...] | None) -> PartsValue:
    """A sample of a cell that is no mean; its own number is the cell that it would make alone.

    Args:
        reducer: Of the metric.
        status: Of the sample.
        parts: What it adds; None where it is left out.
    """
    if parts is None:
        return PartsValue(None, status)
    alone = point_values(Reduced.of(reducer, [parts]), [""], [""], [""])[1]
    return PartsValue(None if alone != alone else alone, status, parts)


def pooled(
    metrics: Sequence[Metric],
    thresholds: Sequence[float],
    hits: NDArray[np.bool_],
    scores: Sequence[float],
    true: int,
    status: Status,
) -> dict[str, MetricValue]:
    """What a sample adds to those of some metrics that are pooled rankings.

    Args:
        metrics: Of the protocol.
        thresholds: Of the IoU, among which are those of the rankings.
        hits: Whether each predicted box is a hit at each threshold, `[predicted, thresholds]`.
        scores: Of the predicted boxes, `[predicted]`.
        true: Number of true boxes.
        status: Of the sample.
    """
    values: dict[str, MetricValue] = {}
    for metric in metrics:
        if isinstance(metric.reducer, Ranking):
            asked = hits[:, [thresholds.index(least) for least in metric.reducer.thresholds]]
            bits = (asked.astype(np.int64) << np.arange(asked.shape[1])).sum(axis=1)
            values[metric.key] = with_parts(metric.reducer, status, (list(scores), bits.tolist(), [true]))
    return values
