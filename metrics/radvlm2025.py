"""Protocol radvlm2025: the public evaluation code of RadVLM; its card is docs/protocols/radvlm2025.md."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core import BOX, Box, Grounding, ImageSize, MetricValue, Sample, Status, Target
from .box_geometry import corners, pairwise_iou
from .box_protocol import NO_ANSWER, REDUCED, BoxProtocol, with_parts
from .protocol import Metric
from .reducers import Sums
from .registry import PROTOCOLS
from .statistics import statistics_constants

HIT_IOU = 0.5
DECIMALS = 4
PAIRS = Sums("ratio")


@PROTOCOLS.register("radvlm2025")
class RadVLM2025(BoxProtocol):
    """Average precision of each sample in the order of its text, and one mean over all pairs of boxes."""

    name = "radvlm2025"
    version = "1"
    title = "AP at .5 of each answer in its own order, and IoU of all pairs, as the public code of RadVLM (2025)"
    citation = (
        "@article{deperrois2025radvlm, title = {{RadVLM}: A Multitask Conversational Vision-Language Model for"
        " Radiology}, author = {Deperrois, Nicolas and Matsuo, Hidetoshi and Ruip{\\'e}rez-Campillo, Samuel and"
        " others}, journal = {arXiv:2502.03333}, year = {2025}}"
    )
    printed_on = ("MS-CXR", "VinDr-CXR", "Chest ImaGenome")
    metrics = (
        Metric("ap50", "mAP", BOX, 0, 1, headline=True),
        Metric("avg_iou", "Mean IoU of pairs", BOX, 0, 1, headline=True, reducer=PAIRS),
    )

    def constants(self) -> dict[str, Any]:
        """All that defines the protocol beside its metrics' names."""
        return {
            "target": "the boxes as annotated, none included; a sample with a mask alone is skipped",
            "prediction": f"clipped to the image, in shares of it with {DECIMALS} decimals, in the method's order",
            "ap50": {
                "match": "each in turn with its best true box alone (the first of equals), which counts once",
                "iou": HIT_IOU,
                "comparison": ">=",
                "area": "all points under the envelope of precision",
                "confidence": "not used",
            },
            "avg_iou": "sum of IoU over all pairs of a predicted and a true box of the set / number of pairs",
            "undefined": {
                "no predicted box": {"ap50": 0.0, "avg_iou": "left out"},
                "no true box": {"ap50": 0.0, "avg_iou": "left out"},
                "failed": NO_ANSWER,
            },
            "statistics": statistics_constants() | REDUCED,
        }

    def target(self, sample: Sample, grounding: Grounding | None) -> Target | None:
        """The sample's boxes, none included; a sample with a mask alone is skipped, since the code knows no masks."""
        masked = not sample.boxes and sample.mask is not None
        return None if masked else Target(sample.boxes, sample.image_size)

    def compare(
        self, predicted: Sequence[Box], true: Sequence[Box], image_size: ImageSize, status: Status
    ) -> dict[str, MetricValue]:
        """See `BoxProtocol.compare`."""
        if not predicted or not true:
            return {"ap50": MetricValue(0.0, status), "avg_iou": with_parts(PAIRS, status, None)}
        shares = corners([box.clipped(image_size) for box in predicted]) / (image_size * 2)
        written = np.array([[round(share, DECIMALS) for share in row] for row in shares.tolist()])
        iou = pairwise_iou(written, corners(true) / (image_size * 2))
        parts = ([float(iou.sum())], [float(iou.size)])
        return {"ap50": MetricValue(_average_precision(iou), status), "avg_iou": with_parts(PAIRS, status, parts)}


def _average_precision(iou: NDArray[np.float64]) -> float:
    """Area under the envelope of precision over recall, for boxes in the order of their text.

    Args:
        iou: Of each predicted with each true box, `[predicted, true]`.
    """
    found: set[int] = set()
    precisions: list[float] = []
    for number, row in enumerate(iou, start=1):
        best = int(row.argmax())
        if row[best] >= HIT_IOU and best not in found:
            found.add(best)
            precisions.append(len(found) / number)
    envelope = np.maximum.accumulate(precisions[::-1])
    return float(envelope.sum()) / iou.shape[1]
