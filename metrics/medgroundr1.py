"""Protocol medgroundr1: the public evaluation script of MedGround-R1; its card is docs/protocols/medgroundr1.md."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..core import BOX, Box, ImageSize
from .protocol import Metric
from .registry import PROTOCOLS
from .single_box import ONE_BOX, UNDEFINED, SingleBoxProtocol
from .statistics import statistics_constants

ACCURATE_IOU = 0.5
NOTHING = (0.0, 0.0, 0.0, 0.0)


@PROTOCOLS.register("medgroundr1")
class MedGroundR1(SingleBoxProtocol):
    """IoU of whole pixels, of the last box of an answer in words."""

    name = "medgroundr1"
    version = "1"
    title = "box IoU and accuracy above .5 of the last box, whole pixels, as the public script of MedGround-R1 (2025)"
    citation = (
        "@inproceedings{xu2025medgroundr1, title = {{MedGround-R1}: Advancing Medical Image Grounding via"
        " Spatial-Semantic Rewarded Group Relative Policy Optimization}, author = {Xu, Huihui and Nie, Yuanpeng and"
        " Wang, Hualiang and Chen, Ying and Li, Wei and Ning, Junzhi and Liu, Lihao and Wang, Hongqiu and Zhu, Lei and"
        " Liu, Jiyao and others}, booktitle = {MICCAI}, year = {2025}, note = {arXiv:2507.02994}}"
    )
    printed_on = ("MS-CXR", "ChestX-ray8")
    metrics = (
        Metric("iou", "mIoU", BOX, 0, 1, headline=True),
        Metric("acc50", "Acc", BOX, 0, 1, headline=True),
    )

    def constants(self) -> dict[str, Any]:
        """All that defines the protocol beside its metrics' names."""
        return {
            "target": ONE_BOX,
            "prediction": "the last box without a negative number, rounded to whole pixels (half to even)",
            "iou": "an overlap counts if it is more than one pixel wide and high",
            "acc50": {"iou": ACCURATE_IOU, "comparison": ">"},
            "undefined": {**UNDEFINED, "only boxes with a negative number": 0.0},
            "statistics": statistics_constants(),
        }

    def iou(self, predicted: Sequence[Box], true: Box, image_size: ImageSize) -> float:
        """See `SingleBoxProtocol.iou`."""
        whole = [tuple(map(round, box.as_tuple())) for box in predicted]
        return _iou(next((box for box in reversed(whole) if min(box) >= 0), NOTHING), true.as_tuple())

    def accurate(self, iou: float) -> dict[str, float]:
        """See `SingleBoxProtocol.accurate`."""
        return {"acc50": float(iou > ACCURATE_IOU)}


def _iou(predicted: Sequence[float], true: Sequence[float]) -> float:
    """IoU by the script's rule: last pixels are counted in, and two that only share a row or column do not overlap."""
    wide, high = (min(predicted[axis + 2], true[axis + 2]) - max(predicted[axis], true[axis]) for axis in (0, 1))
    if wide <= 1 or high <= 1:
        return 0.0
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (predicted, true)]
    return wide * high / (areas[0] + areas[1] - wide * high)
