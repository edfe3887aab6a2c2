"""Protocol radfact2024: the box metrics of RadFact; its card is docs/protocols/radfact2024.md."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..core import BOX, Box, ImageSize, MetricValue, Status
from .box_geometry import corners, overlap, painted
from .box_protocol import NO_ANSWER, ONLY_BOXES, BoxProtocol
from .protocol import Metric, with_status
from .region import BoxRegion
from .registry import PROTOCOLS
from .statistics import statistics_constants

SIDE = 224
ENTAILED = 0.5


@PROTOCOLS.register("radfact2024")
class RadFact2024(BoxProtocol):
    """Precision and recall of painted boxes, and the shares of answers and truths that they call entailed."""

    name = "radfact2024"
    version = "1"
    title = "pixel precision, recall and IoU of boxes on 224x224, and entailment at .5, as RadFact (Bannur et al. 2024)"
    citation = (
        "@article{bannur2024maira2, title = {{MAIRA-2}: Grounded Radiology Report Generation}, author = {Bannur,"
        " Shruthi and Bouzid, Kenza and Castro, Daniel C. and Schwaighofer, Anton and Thieme, Anja and Bond-Taylor,"
        " Sam and Ilse, Maximilian and others}, journal = {arXiv:2406.04449}, year = {2024}}"
    )
    metrics = (
        Metric("precision", "Precision", BOX, 0, 1),
        Metric("recall", "Recall", BOX, 0, 1),
        Metric("iou", "IoU", BOX, 0, 1, headline=True),
        Metric("predicted_entailed", "Predicted entailed", BOX, 0, 1, headline=True),
        Metric("reference_entailed", "Reference entailed", BOX, 0, 1, headline=True),
    )

    def constants(self) -> dict[str, Any]:
        """All that defines the protocol beside its metrics' names."""
        return {
            "target": ONLY_BOXES,
            "frame": f"{SIDE}x{SIDE}, the image stretched onto it; edges truncated to whole pixels",
            "boxes": "clipped to the image; their union",
            "precision": "share of the predicted pixels that are true",
            "recall": "share of the true pixels that are predicted",
            "predicted_entailed": {"precision": ENTAILED, "comparison": ">"},
            "reference_entailed": {"recall": ENTAILED, "comparison": ">"},
            "undefined": {
                "no predicted pixel": {"precision": "left out", "entailed": 0.0},
                "no true pixel": {"recall": "left out", "entailed": 0.0},
                "neither": {"iou": "left out"},
                "failed": NO_ANSWER,
            },
            "statistics": statistics_constants(),
        }

    def compare(
        self, predicted: Sequence[Box], true: Sequence[Box], image_size: ImageSize, status: Status
    ) -> dict[str, MetricValue]:
        """See `BoxProtocol.compare`."""
        mine, theirs = _painted(predicted, image_size), _painted(true, image_size)
        both, either = overlap(mine, theirs)
        precision = both / mine.area if mine.area else None
        recall = both / theirs.area if theirs.area else None
        if status is Status.OK and not (mine.area and theirs.area):
            status = Status.EMPTY_PREDICTION if theirs.area else Status.EMPTY_TARGET
        values = {
            "precision": precision,
            "recall": recall,
            "iou": both / either if either else None,
            "predicted_entailed": float(precision is not None and precision > ENTAILED),
            "reference_entailed": float(recall is not None and recall > ENTAILED),
        }
        return with_status(values, status)


def _painted(boxes: Sequence[Box], image_size: ImageSize) -> BoxRegion:
    inside = [box.clipped(image_size) for box in boxes]
    return painted(corners(inside) / (image_size * 2) * SIDE, SIDE)
