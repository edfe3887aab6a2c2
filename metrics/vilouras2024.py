"""Protocol vilouras2024: the public evaluation code of the diffusion paper, quirks included.

Vilouras et al., "Zero-Shot Medical Phrase Grounding with Off-the-shelf Diffusion Models", arXiv:2404.12920; code at
github.com/vios-s/ldm-phrase-grounding. docs/protocols/vilouras2024.md lists what it does.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core import HEATMAP, Box, Grounding, Heatmap, MetricValue, ProtocolError, Sample, Status, Target
from .levels import Cells, count_each_box
from .protocol import Metric, Protocol, with_status
from .region import BoxRegion, Region
from .registry import PROTOCOLS
from .scores import moments
from .statistics import statistics_constants
from .vilouras2024_loader import SHORT_SIDE, kept_boxes

THRESHOLDS = (0.1, 0.2, 0.3, 0.4, 0.5)
BINS = (0.0, 0.25, 0.5, 0.75, 1.0)
INFINITE = float(np.finfo(np.float32).max)
"""What ``nan_to_num`` makes of an infinite float32."""


@PROTOCOLS.register("vilouras2024")
class Vilouras2024(Protocol):
    """Raw scores against fixed thresholds, box-by-box CNR, a five-threshold AUROC; boxes alone are not scored."""

    name = "vilouras2024"
    version = "1"
    title = "the public evaluation code of the diffusion paper (arXiv:2404.12920), to the digit"
    citation = (
        "@article{vilouras2024, title = {Zero-Shot Medical Phrase Grounding with Off-the-shelf Diffusion Models},"
        " author = {Vilouras, Konstantinos and Sanchez, Pedro and O'Neil, Alison Q. and Tsaftaris, Sotirios A.},"
        " journal = {arXiv:2404.12920}, year = {2024}}"
    )
    printed_on = ("MS-CXR",)
    unit_scores = True
    metrics = (
        Metric("miou", "mIoU", HEATMAP, 0, 1, headline=True),
        Metric("cnr", "CNR", HEATMAP, headline=True),
        Metric("abs_cnr", "|CNR|", HEATMAP, 0, headline=True),
        Metric("auroc", "AUROC (5 thresholds)", HEATMAP, 0, 1, headline=True),
    )

    def constants(self) -> dict[str, Any]:
        """All that defines the protocol beside its metrics' names."""
        return {
            "scores": "as they are; those of contrastive methods clamped at 0 from below",
            "upsampling": "nearest, floor(i * cells / pixels) in float32",
            "not_looked_at": "target pixels are a miss for miou; left out of cnr and auroc",
            "target": {
                "boxes": "in order; dropped if nothing is left of one after painting all, resizing and cropping",
                "resize": {"short_side": SHORT_SIDE, "mode": "bilinear without antialiasing, rounded", "step": 5},
                "crop": "the heatmap's extent",
                "no_box_left": "sample skipped",
            },
            "box_pixels": "those whose centre is inside",
            "miou": {"thresholds": list(THRESHOLDS), "comparison": "> in float32", "over": "thresholds"},
            "cnr": {
                "form": "mean over boxes of (mean in - mean out) / sqrt(var in + var out), each less the earlier boxes",
                "nan": 0.0,
                "infinite": INFINITE,
            },
            "abs_cnr": "mean over boxes of the absolute value",
            "variance": "population",
            "auroc": {"thresholds": list(BINS), "comparison": ">=", "undefined": 0.5},
            "undefined": {
                "failed, empty_prediction": {"miou": 0.0, "cnr": 0.0, "abs_cnr": 0.0, "auroc": 0.5},
                "empty_target": "left out",
                "constant_map, full_target, outside_view": "as computed",
            },
            "statistics": statistics_constants(),
        }

    def prepare(self, grounding: Grounding, kind: str) -> Grounding:
        """Clamp the map of a contrastive method at 0, as the code does with BioViL's similarity."""
        if kind != "contrastive" or grounding.heatmap is None:
            return grounding
        clamped = np.maximum(grounding.heatmap.values, 0)
        return replace(grounding, heatmap=replace(grounding.heatmap, values=clamped))

    def target(self, sample: Sample, grounding: Grounding | None) -> Target | None:
        """The boxes that the public loader would keep for a method with this heatmap's extent; see `kept_boxes`.

        Without a heatmap the crop is the whole image. A sample that is left without a box is skipped, as is one that
        only has a mask: the public code knows no masks.
        """
        heatmap = grounding.heatmap if grounding is not None else None
        crop = heatmap.extent if heatmap is not None else Box.whole(sample.image_size)
        boxes = kept_boxes(sample.boxes, sample.image_size, crop)
        return Target(boxes, sample.image_size) if boxes else None

    def score_heatmap(self, heatmap: Heatmap, region: Region) -> dict[str, MetricValue]:
        """See `Protocol.score_heatmap`.

        Raises:
            ProtocolError: If the ground truth is a mask.
        """
        if not isinstance(region, BoxRegion):
            raise ProtocolError("the protocol 'vilouras2024' scores boxes and this ground truth is a mask; use v1")
        if region.area == 0:
            return self._with_status({}, Status.EMPTY_TARGET)
        cells = Cells.of(heatmap, region)
        scores = cells.scores.astype(np.float64)
        by_box = cnr_by_box(scores, cells.inside + cells.outside, count_each_box(heatmap, region))
        values = {
            "miou": _miou(cells, region.area),
            "cnr": sum(by_box) / len(by_box),
            "abs_cnr": sum(abs(value) for value in by_box) / len(by_box),
            "auroc": _binned_auroc(cells),
        }
        return self._with_status(values, _status(cells, region))

    def scale(self, heatmap: Heatmap) -> tuple[float, float]:
        """See `Protocol.scale`: scores meet the thresholds as they are."""
        return 0.0, 1.0

    def iou_at(self, heatmap: Heatmap, region: Region, threshold: float) -> float | None:
        """See `Protocol.iou_at`."""
        return _iou(Cells.of(heatmap, region), region.area, threshold) if region.area else None

    def score_boxes(self, boxes: Sequence[Box], region: Region) -> dict[str, MetricValue]:
        """The protocol has no metric for boxes."""
        return {}

    def absent(self, region: Region, status: Status) -> dict[str, MetricValue]:
        """See `Protocol.absent`: what the public code makes of a map that is 0 everywhere."""
        if region.area == 0:
            return self._with_status({}, status)
        return self._with_status({"miou": 0.0, "cnr": 0.0, "abs_cnr": 0.0, "auroc": 0.5}, status)

    def _with_status(self, values: dict[str, float], status: Status) -> dict[str, MetricValue]:
        return with_status({metric.key: values.get(metric.key) for metric in self.metrics}, status)


def _status(cells: Cells, region: Region) -> Status:
    if region.full:
        return Status.FULL_TARGET
    if cells.constant:
        return Status.CONSTANT_MAP
    return Status.OK if cells.inside.any() else Status.OUTSIDE_VIEW


def _miou(cells: Cells, area: int) -> float:
    """Mean over thresholds of the IoU of {score > threshold} and the target; what was not looked at is unmarked."""
    return float(np.mean([_iou(cells, area, threshold) for threshold in THRESHOLDS]))


def _iou(cells: Cells, area: int, threshold: float) -> float:
    marked = cells.scores > np.float32(threshold)
    return float(cells.inside[marked].sum() / (area + cells.outside[marked].sum()))


def _binned_auroc(cells: Cells) -> float:
    """Area under the ROC curve through five thresholds, over the pixels with a score of at least the lowest."""
    marked = [cells.scores >= np.float32(threshold) for threshold in reversed(BINS)]
    inside = np.array([0.0, *(cells.inside[which].sum() for which in marked)])
    outside = np.array([0.0, *(cells.outside[which].sum() for which in marked)])
    if inside[-1] * outside[-1] == 0:
        return 0.5
    return float(np.trapezoid(inside, outside) / (inside[-1] * outside[-1]))


def cnr_by_box(
    scores: NDArray[np.float64], pixels: NDArray[np.float64], by_box: Sequence[NDArray[np.float64]]
) -> list[float]:
    """CNR of each box, whose pixels then count neither as inside nor as outside for the boxes that follow.

    Args:
        scores: Of each cell, `[n]`.
        pixels: How many each cell has, `[n]`.
        by_box: For every box, the pixels in each cell that are in no earlier box, `[n]` each.
    """
    outside = pixels
    found = []
    for inside in by_box:
        outside = outside - inside
        found.append(contrast(scores, inside, outside))
    return found


def contrast(scores: NDArray[np.float64], inside: NDArray[np.float64], outside: NDArray[np.float64]) -> float:
    """CNR of scores, each of which so many pixels inside and outside have; 0 where one side has no pixel.

    Args:
        scores: `[n]`.
        inside: `[n]`.
        outside: `[n]`.

    Returns:
        ``(mean in - mean out) / sqrt(var in + var out)``; the largest float32, with the difference's sign, where there
        is no variance, and 0 where there is no difference either.
    """
    if not (inside.any() and outside.any()):
        return 0.0
    (mean_in, var_in), (mean_out, var_out) = moments(scores, inside), moments(scores, outside)
    difference, noise = mean_in - mean_out, math.sqrt(var_in + var_out)
    if noise == 0:
        return math.copysign(INFINITE, difference) if difference else 0.0
    return difference / noise
