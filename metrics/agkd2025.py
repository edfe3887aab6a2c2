"""Protocol agkd2025: the public evaluation code of AG-KD and K2Sight; its card is docs/protocols/agkd2025.md."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core import BOX, Box, ImageSize, MetricValue, Status
from .box_geometry import corners, pairwise_iou
from .box_protocol import NO_ANSWER, ONLY_BOXES, REDUCED, BoxProtocol, pooled
from .protocol import Metric, with_status
from .ranking import Ranking
from .registry import PROTOCOLS
from .statistics import statistics_constants

HIT_IOU = tuple(np.linspace(0.5, 0.95, 10).tolist())


@PROTOCOLS.register("agkd2025")
class AGKD2025(BoxProtocol):
    """One ranking of all predicted boxes of a class, by `MeanAveragePrecision` of supervision 0.25.1."""

    name = "agkd2025"
    version = "1"
    title = "pooled AP of boxes that all count alike, as the public code of AG-KD and K2Sight (Li et al. 2025)"
    citation = (
        "@article{li2025agkd, title = {Enhancing Abnormality Grounding for Vision Language Models with Knowledge"
        " Descriptions}, author = {Li, Jun and Liu, Che and Bai, Wenjia and Arcucci, Rossella and Bercea, Cosmin I."
        " and Schnabel, Julia A.}, journal = {arXiv:2503.03278}, year = {2025}}"
    )
    printed_on = ("VinDr-CXR", "PadChest-GR")
    metrics = (
        Metric("map50", "mAP50", BOX, 0, 1, headline=True, reducer=Ranking("supervision 101", HIT_IOU[:1])),
        Metric("map75", "mAP75", BOX, 0, 1, reducer=Ranking("supervision 101", HIT_IOU[5:6])),
        Metric("map50_95", "mAP50-95", BOX, 0, 1, headline=True, reducer=Ranking("supervision 101", HIT_IOU)),
    )

    def constants(self) -> dict[str, Any]:
        """All that defines the protocol beside its metrics' names."""
        return {
            "target": ONLY_BOXES,
            "confidence": "1 for every box; the ranking is the order of the data set's samples and of the answers",
            "match": "each with its best true box alone (the last of equals); of those that share one, the first",
            "iou": {"thresholds": list(HIT_IOU), "comparison": ">="},
            "undefined": {"no true box": "left out, with what was predicted", "failed, empty_prediction": NO_ANSWER},
            "statistics": statistics_constants() | REDUCED,
        }

    def compare(
        self, predicted: Sequence[Box], true: Sequence[Box], image_size: ImageSize, status: Status
    ) -> dict[str, MetricValue]:
        """See `BoxProtocol.compare`."""
        if not true:
            return with_status(dict.fromkeys(metric.key for metric in self.metrics), status)
        hits = _hits(pairwise_iou(corners(predicted), corners(true)))
        return pooled(self.metrics, HIT_IOU, hits, [1.0] * len(predicted), len(true), status)


def _hits(iou: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which boxes hit, as supervision's `_match_detection_batch` finds them.

    It keeps the best true box of each predicted one, then of those that share a true box the first, not the best.

    Args:
        iou: `[predicted, true]`; at least one is true.

    Returns:
        For each box and each of `HIT_IOU`, `[predicted, thresholds]`.
    """
    last = iou.shape[1] - 1
    best = last - iou[:, ::-1].argmax(axis=1)
    hits = np.zeros((len(iou), len(HIT_IOU)), dtype=bool)
    for column, least in enumerate(HIT_IOU):
        near = np.flatnonzero(iou.max(axis=1) >= least)
        hits[near[np.unique(best[near], return_index=True)[1]], column] = True
    return hits
