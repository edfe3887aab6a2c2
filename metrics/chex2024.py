"""Protocol chex2024: the public code of ChEX's sentence grounding; its card is docs/protocols/chex2024.md."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core import BOX, Box, ImageSize, MetricValue, Status
from .box_geometry import centred_shares, edges, overlap, painted, pairwise_iou
from .box_protocol import NO_ANSWER, ONLY_BOXES, REDUCED, BoxProtocol, pooled, with_parts
from .protocol import Metric
from .ranking import Ranking
from .reducers import Sums
from .registry import PROTOCOLS
from .statistics import statistics_constants

SIDE = 1024
SCORES = (0.1, 0.2, 0.3, 0.4, 0.5)
SCORE = 0.3
HIT_IOU = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7)


@PROTOCOLS.register("chex2024")
class ChEX2024(BoxProtocol):
    """Pixels summed over the set at thresholds of the score, and one ranking of all predicted boxes."""

    name = "chex2024"
    version = "1"
    title = "pooled AP of scored boxes, and IoU of pixels summed over the set, as the public code of ChEX (2024)"
    citation = (
        "@inproceedings{mueller2024chex, title = {{ChEX}: Interactive Localization and Region Description in Chest"
        ' X-rays}, author = {M{\\"u}ller, Philip and Kaissis, Georgios and Rueckert, Daniel}, booktitle = {ECCV},'
        " year = {2024}, note = {arXiv:2404.15770}}"
    )
    printed_on = ("MS-CXR",)
    unit_scores = True
    metrics = (
        Metric("map", "mAP", BOX, 0, 1, headline=True, reducer=Ranking("coco 101", HIT_IOU)),
        Metric("ap10", "AP@0.1", BOX, 0, 1, reducer=Ranking("coco 101", (0.1,))),
        Metric("ap30", "AP@0.3", BOX, 0, 1, reducer=Ranking("coco 101", (0.3,))),
        Metric("ap50", "AP@0.5", BOX, 0, 1, reducer=Ranking("coco 101", (0.5,))),
        Metric("iou", "IoU", BOX, 0, 1, reducer=Sums("ratio")),
        Metric("miou", "mIoU", BOX, 0, 1, headline=True, reducer=Sums("mean", SCORES)),
        Metric("biou", "bIoU", BOX, 0, 1, reducer=Sums("best", SCORES)),
    )

    def constants(self) -> dict[str, Any]:
        """All that defines the protocol beside its metrics' names."""
        return {
            "target": ONLY_BOXES,
            "boxes": "clipped to the image; centre and size in shares of it, float32; no non-maximum suppression",
            "score": "float32; 1 where a box has none",
            "pixels": f"{SIDE}x{SIDE}, the image stretched onto it; edges truncated to whole pixels; the union",
            "iou": {"score": SCORE, "comparison": ">"},
            "miou, biou": {"scores": list(SCORES), "comparison": ">", "reduced": "after pixels are summed"},
            "ap": {
                "match": "best score first, each with the free true box of the highest IoU; the last of equals",
                "iou": list(HIT_IOU),
                "comparison": ">",
                "order": "by score; equal scores in the order of the samples and of the answer",
            },
            "undefined": {
                "no true pixel": "counts by its predicted pixels",
                "failed, empty_prediction": NO_ANSWER,
            },
            "statistics": statistics_constants() | REDUCED,
        }

    def compare(
        self, predicted: Sequence[Box], true: Sequence[Box], image_size: ImageSize, status: Status
    ) -> dict[str, MetricValue]:
        """See `BoxProtocol.compare`."""
        mine, theirs = _edges(predicted, image_size), _edges(true, image_size)
        scores = np.array([1.0 if box.score is None else box.score for box in predicted], dtype=np.float32)
        target = painted(theirs * SIDE, SIDE)
        pixels = [overlap(painted(mine[scores > np.float32(least)] * SIDE, SIDE), target) for least in SCORES]
        both, either = ([float(pair[which]) for pair in pixels] for which in (0, 1))
        at = SCORES.index(SCORE)
        hits = _hits(mine.astype(np.float64), theirs.astype(np.float64), scores)
        parts = {"iou": ([both[at]], [either[at]]), "miou": (both, either), "biou": (both, either)}
        unseen = status is Status.OK and target.area == 0
        summed = {
            metric.key: with_parts(metric.reducer, Status.EMPTY_TARGET if unseen else status, parts[metric.key])
            for metric in self.metrics
            if isinstance(metric.reducer, Sums)
        }
        return summed | pooled(self.metrics, HIT_IOU, hits, scores.tolist(), len(true), status)


def _edges(boxes: Sequence[Box], image_size: ImageSize) -> NDArray[np.float32]:
    return edges(centred_shares([box.clipped(image_size) for box in boxes], image_size))


def _hits(predicted: NDArray[np.float64], true: NDArray[np.float64], scores: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Which boxes hit, as the package `mean_average_precision` matches them with its policy "soft".

    Returns:
        For each box and each of `HIT_IOU`, `[predicted, thresholds]`.
    """
    iou = pairwise_iou(predicted, true)
    hits = np.zeros((len(predicted), len(HIT_IOU)), dtype=bool)
    for column, least in enumerate(HIT_IOU):
        free = set(range(len(true)))
        for one in np.argsort(-scores, kind="stable").tolist():
            best = max(free, key=lambda other, row=iou[one]: (row[other], other), default=None)
            if best is not None and iou[one, best] > least:
                free.remove(best)
                hits[one, column] = True
    return hits
