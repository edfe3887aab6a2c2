"""Protocol medrpg2023: the public evaluation code of MedRPG; its card is docs/protocols/medrpg2023.md."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core import BOX, Box, ImageSize
from .box_geometry import FAR
from .protocol import Metric
from .registry import PROTOCOLS
from .single_box import ONE_BOX, UNDEFINED, SingleBoxProtocol, iou_in_float32
from .statistics import statistics_constants

SIDE = 640
ACCURATE_IOU = 0.5


@PROTOCOLS.register("medrpg2023")
class MedRPG2023(SingleBoxProtocol):
    """IoU of one box against one, in the padded square that the network sees."""

    name = "medrpg2023"
    version = "1"
    title = "box IoU and accuracy at .5 of one box a phrase, as the public code of MedRPG (Chen et al. 2023)"
    citation = (
        "@inproceedings{chen2023medrpg, title = {Medical Phrase Grounding with Region-Phrase Context Contrastive"
        " Alignment}, author = {Chen, Zhihao and Zhou, Yang and Tran, Anh and Zhao, Junting and Wan, Liang and Ooi,"
        " Gideon and Cheng, Lionel and Thng, Choon Hua and Xu, Xinxing and Liu, Yong and Fu, Huazhu},"
        " booktitle = {MICCAI}, year = {2023}, note = {arXiv:2303.07618}}"
    )
    printed_on = ("MS-CXR", "ChestX-ray8", "a private set")
    metrics = (
        Metric("iou", "mIoU", BOX, 0, 1, headline=True),
        Metric("acc50", "Acc", BOX, 0, 1, headline=True),
    )

    def constants(self) -> dict[str, Any]:
        """All that defines the protocol beside its metrics' names."""
        return {
            "target": ONE_BOX,
            "prediction": "the box with the highest score, none counting as the lowest; the first of equals",
            "frame": {"long side": SIDE, "padded": "to a square, centred, round(space / 2 - 0.1) before the image"},
            "iou": "of the true box and the predicted one cut to the frame",
            "arithmetic": "float32, centre and size in shares of the frame",
            "acc50": {"iou": ACCURATE_IOU, "comparison": ">="},
            "undefined": UNDEFINED,
            "statistics": statistics_constants(),
        }

    def iou(self, predicted: Sequence[Box], true: Box, image_size: ImageSize) -> float:
        """See `SingleBoxProtocol.iou`."""
        best = max(predicted, key=lambda box: -np.inf if box.score is None else box.score)
        return iou_in_float32(_shares(best, image_size), _shares(true, image_size))

    def accurate(self, iou: float) -> dict[str, float]:
        """See `SingleBoxProtocol.accurate`."""
        return {"acc50": float(iou >= ACCURATE_IOU)}


def _shares(box: Box, image_size: ImageSize) -> NDArray[np.float32]:
    """Centre and size in shares of the padded square, `[4]`, by the code's `RandomResize` and `NormalizeAndPad`."""
    scale = SIDE / max(image_size)
    before = [round((SIDE - round(length * scale)) / 2 - 0.1) for length in image_size]
    corners = np.clip(box.as_tuple(), -FAR, FAR).astype(np.float32) * np.float32(scale)
    corners += np.array(before * 2, dtype=np.float32)
    centre = (corners[:2] + corners[2:]) / np.float32(2)
    return np.divide(np.concatenate([centre, corners[2:] - corners[:2]]), SIDE, dtype=np.float32)
