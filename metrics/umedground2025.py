"""Protocol umedground2025: the public evaluation code of uMedGround; its card is docs/protocols/umedground2025.md."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..core import BOX, Box, ImageSize
from .box_geometry import centred_shares
from .protocol import Metric
from .registry import PROTOCOLS
from .single_box import ONE_BOX, UNDEFINED, SingleBoxProtocol, iou_in_float32
from .statistics import statistics_constants

ACCURATE_IOU = {"acc10": 0.1, "acc30": 0.3, "acc50": 0.5}


@PROTOCOLS.register("umedground2025")
class UMedGround2025(SingleBoxProtocol):
    """IoU of the first box of an answer, cut to the image."""

    name = "umedground2025"
    version = "1"
    title = "box IoU and accuracy at .1, .3, .5 of the first box, as the public code of uMedGround (Zou et al. 2025)"
    citation = (
        "@article{zou2025umedground, title = {Uncertainty-aware Medical Diagnostic Phrase Identification and"
        " Grounding}, author = {Zou, Ke and Bai, Yang and Liu, Bo and Chen, Yidi and Chen, Zhihao and others},"
        " journal = {IEEE Transactions on Pattern Analysis and Machine Intelligence}, year = {2025}}"
    )
    printed_on = ("MRG-MS-CXR", "MRG-ChestX-ray8")
    metrics = (
        Metric("iou", "mIoU", BOX, 0, 1, headline=True),
        Metric("acc10", "AP10", BOX, 0, 1),
        Metric("acc30", "AP30", BOX, 0, 1),
        Metric("acc50", "AP50", BOX, 0, 1, headline=True),
    )

    def constants(self) -> dict[str, Any]:
        """All that defines the protocol beside its metrics' names."""
        return {
            "target": ONE_BOX,
            "prediction": "the first box",
            "iou": "of the true box and the predicted one cut to the image",
            "arithmetic": "float32, centre and size in shares of the image",
            "acc": {"iou": ACCURATE_IOU, "comparison": ">="},
            "undefined": UNDEFINED,
            "statistics": statistics_constants(),
        }

    def iou(self, predicted: Sequence[Box], true: Box, image_size: ImageSize) -> float:
        """See `SingleBoxProtocol.iou`."""
        return iou_in_float32(*centred_shares([predicted[0], true], image_size))

    def accurate(self, iou: float) -> dict[str, float]:
        """See `SingleBoxProtocol.accurate`."""
        return {key: float(iou >= least) for key, least in ACCURATE_IOU.items()}
