"""Protocol medklip2023: the public evaluation code of MedKLIP for RSNA, and its scores of masks for SIIM-ACR.

Wu et al., "MedKLIP", ICCV 2023; code at github.com/MediaBrain-SJTU/MedKLIP. docs/protocols/medklip2023.md lists what it
does.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core import HEATMAP, Heatmap, MetricValue, Status, nearest_index
from .map_protocol import TARGET, MapProtocol, sampled
from .protocol import Metric, with_status
from .region import Region
from .registry import PROTOCOLS
from .statistics import statistics_constants

SIDE = 224
GRID = 14
THRESHOLD = 0.008
MASK_THRESHOLD = 0.5
_OF_MASKS = ("dice_at_half", "iou_plus_one_at_half")


@PROTOCOLS.register("medklip2023")
class MedKLIP2023(MapProtocol):
    """Raw scores against .008 on a frame of 224x224, pointing by any of the highest cells."""

    name = "medklip2023"
    version = "1"
    title = "the public evaluation code of MedKLIP (ICCV 2023): pointing, IoU and Dice at .008 on 224x224"
    citation = (
        "@inproceedings{wu2023medklip, title = {{MedKLIP}: Medical Knowledge Enhanced Language-Image Pre-Training for"
        " X-ray Diagnosis}, author = {Wu, Chaoyi and Zhang, Xiaoman and Zhang, Ya and Wang, Yanfeng and Xie, Weidi},"
        " booktitle = {ICCV}, year = {2023}}"
    )
    printed_on = ("RSNA Pneumonia", "SIIM-ACR Pneumothorax (after fine-tuning)")
    unit_scores = True
    metrics = (
        Metric("pointing", "Pointing", HEATMAP, 0, 1, headline=True),
        Metric("iou", "IoU", HEATMAP, 0, 1, headline=True),
        Metric("dice", "Dice", HEATMAP, 0, 1, headline=True),
        Metric("dice_at_half", "Dice at .5 (negatives too)", HEATMAP, 0, 1),
        Metric("iou_plus_one_at_half", "IoU + 1 at .5 (negatives too)", HEATMAP, 0, 1),
    )
    uses_negatives = True

    def constants(self) -> dict[str, Any]:
        """All that defines the protocol beside its metrics' names."""
        return {
            "scores": "as they are, in float32",
            "frame": f"{SIDE}x{SIDE} over the whole image",
            "map": f"the score of the cell that a frame pixel's centre lies in; a {GRID}x{GRID} map is repeated",
            "not_looked_at": "unmarked, and never the highest",
            "target": {"what": TARGET, "frame": "nearest, floor(i * pixels / 224) in float32"},
            "box_pixels": "those whose centre is inside",
            "pointing": "1 if any of the highest-scored frame pixels is inside",
            "iou, dice": {"threshold": THRESHOLD, "comparison": ">"},
            "dice_at_half": {
                "threshold": MASK_THRESHOLD,
                "comparison": ">",
                "negative": "1 if nothing is marked, else 0",
            },
            "iou_plus_one_at_half": {
                "threshold": MASK_THRESHOLD,
                "comparison": ">",
                "form": "(intersection + 1) / (union + 1), of negatives too",
            },
            "undefined": {
                "negative": dict.fromkeys(("pointing", "iou", "dice"), "left out"),
                "failed, empty_prediction": 0.0,
                "constant_map, outside_view": "as computed",
                "empty_target": "left out where nothing of a target is left on the frame",
            },
            "statistics": statistics_constants(),
        }

    def score_heatmap(self, heatmap: Heatmap, region: Region) -> dict[str, MetricValue]:
        """See `Protocol.score_heatmap`."""
        target = _on_frame(region)
        if region.area and not target.any():
            return self._all(None, Status.EMPTY_TARGET)
        width, height = region.image_size
        centres = np.arange(SIDE) + 0.5
        scores = sampled(heatmap, centres * height / SIDE, centres * width / SIDE)
        half = scores > np.float32(MASK_THRESHOLD)
        values: dict[str, float] = {
            "dice_at_half": _dice(half, target) if region.area else float(not half.any()),
            "iou_plus_one_at_half": (_both(half, target) + 1) / (_either(half, target) + 1),
        }
        if region.area == 0:
            return self._all(None, Status.EMPTY_TARGET) | with_status(values, Status.OK)
        marked = scores > np.float32(THRESHOLD)
        values |= {
            "pointing": float(target[scores == scores.max()].any()),
            "iou": _both(marked, target) / _either(marked, target),
            "dice": _dice(marked, target),
        }
        return {
            metric.key: MetricValue(values[metric.key], _status(heatmap, scores, target)) for metric in self.metrics
        }

    def scale(self, heatmap: Heatmap) -> tuple[float, float]:
        """See `Protocol.scale`: scores meet the thresholds as they are."""
        return 0.0, 1.0

    def iou_at(self, heatmap: Heatmap, region: Region, threshold: float) -> float | None:
        """See `Protocol.iou_at`."""
        target = _on_frame(region)
        if not target.any():
            return None
        width, height = region.image_size
        centres = np.arange(SIDE) + 0.5
        marked = sampled(heatmap, centres * height / SIDE, centres * width / SIDE) > np.float32(threshold)
        return _both(marked, target) / _either(marked, target)

    def absent(self, region: Region, status: Status) -> dict[str, MetricValue]:
        """See `Protocol.absent`."""
        target = _on_frame(region)
        if region.area and not target.any():
            return self._all(None, status)
        if region.area == 0:
            return self._all(None, status) | with_status(dict.fromkeys(_OF_MASKS, 0.0), status)
        return self._all(0.0, status)

    def _all(self, value: float | None, status: Status) -> dict[str, MetricValue]:
        return with_status({metric.key: value for metric in self.metrics}, status)


def _on_frame(region: Region) -> NDArray[np.bool_]:
    width, height = region.image_size
    return region.paint()[np.ix_(nearest_index(height, SIDE), nearest_index(width, SIDE))]


def _status(heatmap: Heatmap, scores: NDArray[np.float32], target: NDArray[np.bool_]) -> Status:
    if (heatmap.values == heatmap.values.flat[0]).all():
        return Status.CONSTANT_MAP
    return Status.OK if np.isfinite(scores[target]).any() else Status.OUTSIDE_VIEW


def _count(mask: NDArray[np.bool_]) -> int:
    return int(np.count_nonzero(mask))


def _both(mask: NDArray[np.bool_], target: NDArray[np.bool_]) -> int:
    return _count(mask & target)


def _either(mask: NDArray[np.bool_], target: NDArray[np.bool_]) -> int:
    return _count(mask | target)


def _dice(mask: NDArray[np.bool_], target: NDArray[np.bool_]) -> float:
    return 2 * _both(mask, target) / (_count(mask) + _count(target))
