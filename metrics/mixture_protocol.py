"""What nuetzel2025 and dombrowski2023 share: a 512x512 raster of the centre square, and a mask by a Gaussian mixture.

generate_to_ground's evaluation was adapted from chest-distillation's. They differ in what an empty mask counts as.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ..core import HEATMAP, Grounding, Heatmap, MetricValue, Sample, Status, Target
from .bilinear import resized
from .centre_square import GRID, SIDE, square_map, square_target
from .levels import Cells, Levels
from .map_protocol import TARGET, MapProtocol
from .mixture_mask import MOST_ITERATIONS, RANDOM_STATE, mixture_mask
from .protocol import Metric
from .region import BoxRegion, Region, region_of
from .scores import auroc, moments
from .statistics import statistics_constants

Values = dict[str, float | None]

_NEED_OUTSIDE = ("aucroc", "cnr")


class MixtureProtocol(MapProtocol):
    """mIoU is the mean of foreground's and background's IoU here, of a mask that a Gaussian mixture gives.

    Attributes:
        empty_mask: What `without_mask` does, for the constants.
        no_information: What `without_map` does, for the constants.
    """

    empty_mask: ClassVar[str]
    no_information: ClassVar[str]

    metrics = (
        Metric("iou", "IoU", HEATMAP, 0, 1),
        Metric("miou", "mIoU (with background)", HEATMAP, 0, 1, headline=True),
        Metric("bboxiou", "IoU of one rectangle", HEATMAP, 0, 1, headline=True),
        Metric("bboxmiou", "mIoU of one rectangle", HEATMAP, 0, 1),
        Metric("distance", "Distance of centres", HEATMAP, 0, higher_is_better=False),
        Metric("top1", "Pointing (first maximum)", HEATMAP, 0, 1, headline=True),
        Metric("aucroc", "AUROC", HEATMAP, 0, 1, headline=True),
        Metric("cnr", "CNR", HEATMAP, headline=True),
    )
    requires = MappingProxyType({"sklearn": "scikit-learn"})

    def constants(self) -> dict[str, Any]:
        """All that defines the protocol beside its metrics' names."""
        return {
            "frame": f"short side {SIDE}, long side {SIDE} * long // short, centre {SIDE}x{SIDE}; any image is resized",
            "target": {
                "what": TARGET,
                "resize": "true where any weight of the antialiased triangle filter meets a true pixel",
                "not in the frame": "sample skipped",
            },
            "box_pixels": "those whose centre is inside",
            "map": f"{GRID}x{GRID} over the square; of another grid or extent the cells at these centres,"
            " and the map's minimum where the method did not look",
            "mask": {
                "mixture": "scikit-learn's GaussianMixture of the raw float32 scores",
                "components": 2,
                "most_iterations": MOST_ITERATIONS,
                "random_state": RANDOM_STATE,
                "threshold": "mean of the two means, in float32; comparison >",
                "filter": "inner cells: at least 5 of the 3x3 around; border cells as they are",
                "upsampling": f"bilinear to {SIDE}, > .5",
            },
            "scores": f"min-max at {GRID}x{GRID}, then bilinear to {SIDE}, in float32",
            "iou": "of mask and target, 0 for 0/0",
            "miou": "(iou + iou of the complements) / 2",
            "bboxiou, bboxmiou": "of the rectangle around the mask without its last row and column",
            "distance": "between the centres of the rectangles around mask and target, in pixels of the frame;"
            " left out where there are several boxes",
            "top1": "target at the first of the highest scores, row by row",
            "aucroc": "exact, ties count half",
            "cnr": {"form": "(mean in - mean out) / sqrt(var in + var out)", "variance": "unbiased, float64"},
            "undefined": {
                "empty_mask": self.empty_mask,
                "failed, empty_prediction, constant_map": self.no_information,
                "full_target": dict.fromkeys(_NEED_OUTSIDE, "left out"),
            },
            "statistics": statistics_constants(),
        }

    @abstractmethod
    def without_mask(self, scored: Values) -> Values:
        """What a sample counts as whose mask is empty.

        Args:
            scored: top1, aucroc and cnr of its map.
        """

    @abstractmethod
    def without_map(self) -> Values:
        """What a sample counts as without a map, or with one of a single score."""

    def target(self, sample: Sample, grounding: Grounding | None) -> Target | None:
        """As `MapProtocol.target`; a sample of whose target nothing is in the frame is skipped for every method.

        The public codes stop there, and in their weighted average a row that is left out would count 0.
        """
        target = super().target(sample, grounding)
        return target if target is not None and square_target(region_of(target)).any() else None

    def score_heatmap(self, heatmap: Heatmap, region: Region) -> dict[str, MetricValue]:
        """See `Protocol.score_heatmap`."""
        target = square_target(region)
        if not target.any():
            return self._judged({}, target, Status.OUTSIDE_VIEW if region.area else Status.EMPTY_TARGET)
        scores = square_map(heatmap)
        low, high = scores.min(), scores.max()
        if low == high:
            return self._judged(self.without_map(), target, Status.CONSTANT_MAP)
        marked = mixture_mask(scores)
        fine = resized((scores - low) / (high - low), SIDE, SIDE)
        scored: Values = {"top1": float(target.flat[fine.argmax()])}
        if not target.all():
            scored |= _ranked(fine, target)
        mask = resized(marked.astype(np.float32), SIDE, SIDE) > 0.5
        if not mask.any():
            return self._judged(self.without_mask(scored), target, Status.EMPTY_PREDICTION)
        rows, columns = _rectangle(mask)
        box = np.zeros_like(target)
        box[rows[0] : rows[1], columns[0] : columns[1]] = True
        values = scored | {
            "iou": _iou(mask, target),
            "miou": (_iou(mask, target) + _iou(~mask, ~target)) / 2,
            "bboxiou": _iou(box, target),
            "bboxmiou": (_iou(box, target) + _iou(~box, ~target)) / 2,
            "distance": math.dist(_centre(rows, columns), _centre(*_rectangle(target))),
        }
        judged = self._judged(values, target, Status.OK)
        if isinstance(region, BoxRegion) and len(region.boxes) > 1:
            judged["distance"] = MetricValue(None, Status.NOT_APPLICABLE)
        return judged

    def absent(self, region: Region, status: Status) -> dict[str, MetricValue]:
        """See `Protocol.absent`. A target that is not in the frame is left out for every method."""
        target = square_target(region)
        if not target.any():
            return self._judged({}, target, status)
        return self._judged(self.without_map() | {"distance": None}, target, status)

    def _judged(self, values: Values, target: NDArray[np.bool_], status: Status) -> dict[str, MetricValue]:
        judged: dict[str, MetricValue] = {}
        for metric in self.metrics:
            value, why = values.get(metric.key), status
            if target.all() and metric.key in _NEED_OUTSIDE:
                value, why = None, Status.FULL_TARGET
            elif value is None and status in (Status.OK, Status.CONSTANT_MAP):
                why = Status.NOT_APPLICABLE
            judged[metric.key] = MetricValue(value, why)
        return judged


def _iou(mask: NDArray[np.bool_], target: NDArray[np.bool_]) -> float:
    """IoU of two masks, 0 where both are empty, as scikit-learn's ``jaccard_score`` has it."""
    either = np.count_nonzero(mask | target)
    return float(np.count_nonzero(mask & target) / either) if either else 0.0


def _ranked(scores: NDArray[np.float32], target: NDArray[np.bool_]) -> Values:
    inside = target.ravel().astype(np.float64)
    levels = Levels.of(Cells(scores.ravel(), inside, 1 - inside))
    mean_in, noise_in = _unbiased(levels.scores, levels.inside)
    mean_out, noise_out = _unbiased(levels.scores, levels.outside)
    noise = math.sqrt(noise_in + noise_out)
    return {"aucroc": auroc(levels), "cnr": (mean_in - mean_out) / noise if noise else 0.0}


def _unbiased(scores: NDArray[np.float64], counts: NDArray[np.float64]) -> tuple[float, float]:
    """Mean and unbiased variance of scores that occur `counts` times; one pixel alone has none."""
    mean, variance = moments(scores, counts)
    total = float(counts.sum())
    return mean, variance * total / (total - 1) if total > 1 else 0.0


Span = tuple[int, int]


def _rectangle(mask: NDArray[np.bool_]) -> tuple[Span, Span]:
    """The first and last row, and the first and last column, with a true pixel."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return (int(rows[0]), int(rows[-1])), (int(columns[0]), int(columns[-1]))


def _centre(rows: Span, columns: Span) -> tuple[float, float]:
    return sum(columns) / 2, sum(rows) / 2
