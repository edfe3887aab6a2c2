"""Protocol radzero2025: the public evaluation code of RadZero; docs/protocols/radzero2025.md lists what it does.

Park et al., "RadZero", arXiv:2504.07416; code at github.com/deepnoid-ai/RadZero.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from ..core import HEATMAP, Heatmap, MetricValue, PartsValue, Status
from .bilinear import seen_pixels
from .chosen import Chosen
from .map_protocol import TARGET, MapProtocol
from .pooled_pixels import STORED_LEVELS, PooledPixels, counted
from .protocol import Metric
from .ranking import Ranking
from .reducers import Sums
from .region import BoxRegion, Region
from .registry import PROTOCOLS
from .statistics import statistics_constants

THRESHOLDS = tuple(round(0.01 * step, 2) for step in range(101))
_AT = np.arange(0, 1.01, 0.01).astype(np.float32)
NOT_SEEN = -999.0
_POINTING = ("hit_first_box", "hit_any_box", "hit_each_box")

Parts = tuple[list[float], ...]


@PROTOCOLS.register("radzero2025")
class RadZero2025(MapProtocol):
    """Pointing with the first maximum, and sigmoid scores against the best of 101 thresholds of the whole set."""

    name = "radzero2025"
    version = "1"
    title = "the public evaluation code of RadZero (arXiv:2504.07416): pointing, Dice at the set's best threshold"
    citation = (
        "@misc{radzero2025, title = {{RadZero}: Similarity-Based Cross-Attention for Explainable Vision-Language"
        " Alignment in Radiology with Zero-Shot Multi-Task Capability}, author = {Park, Jonggwon and others},"
        " year = {2025}, note = {arXiv:2504.07416}}"
    )
    printed_on = ("MS-CXR (test rows of MedRPG)", "ChestX-Det10", "SIIM-ACR Pneumothorax", "RSNA Pneumonia")
    metrics = (
        Metric("hit_each_box", "Pointing (each box a row)", HEATMAP, 0, 1, headline=True, reducer=Sums()),
        Metric("hit_any_box", "Pointing (any box)", HEATMAP, 0, 1, headline=True),
        Metric("hit_first_box", "Pointing (first box)", HEATMAP, 0, 1),
        Metric("dice", "Dice (best threshold)", HEATMAP, 0, 1, headline=True, reducer=Sums("best", THRESHOLDS)),
        Metric("best_threshold", "Best threshold", HEATMAP, 0, 1, reducer=Chosen("best", THRESHOLDS)),
        Metric("specificity", "Specificity (at it)", HEATMAP, 0, 1, reducer=Chosen("best", THRESHOLDS)),
        Metric("auc", "Image AUROC", HEATMAP, 0, 1, reducer=Ranking("auroc")),
        Metric("pixel_level_auroc", "Pixel AUROC (pooled)", HEATMAP, 0, 1, reducer=PooledPixels()),
    )
    uses_negatives = True

    def constants(self) -> dict[str, Any]:
        """All that defines the protocol beside its metrics' names."""
        return {
            "target": TARGET,
            "upsampling": "bilinear to the extent's pixels, align_corners false, index clamped at the border, float32",
            "not_looked_at": NOT_SEEN,
            "pointing": {
                "point": "the first of the highest scores, row by row",
                "hit": "x0 <= x <= x1 and y0 <= y <= y1, right and lower edge included; a mask: the pixel",
                "hit_each_box": "boxes hit / boxes, summed over the samples; a mask is one box",
            },
            "probability": "sigmoid in float32, after the up-sampling",
            "dice": {"thresholds": list(THRESHOLDS), "comparison": "> in float32", "over": "positives"},
            "best_threshold": "the first with the best mean Dice of the positives",
            "specificity": "share of the negatives without a pixel above it",
            "auc": "positives against negatives, by the map's highest score on its own grid",
            "pixel_level_auroc": {"over": "all pixels of all samples", "scores kept of a sample": STORED_LEVELS},
            "undefined": {
                "failed, empty_prediction": {
                    "pointing, dice": 0.0,
                    "specificity": "marked at every threshold",
                    "auc": f"a positive has the score {NOT_SEEN}, a negative {-NOT_SEEN}",
                    "pixel_level_auroc": f"half of the pixels inside and outside {NOT_SEEN}, half {-NOT_SEEN}: chance",
                },
                "constant_map, full_target, outside_view": "as computed",
                "negative": dict.fromkeys((*_POINTING, "dice"), "left out"),
            },
            "statistics": statistics_constants(),
        }

    def score_heatmap(self, heatmap: Heatmap, region: Region) -> dict[str, MetricValue]:
        """See `Protocol.score_heatmap`."""
        scores, (rows, columns) = seen_pixels(heatmap)
        target = region.paint()
        seen = target[rows, columns]
        status, probability = _status(heatmap, region, seen), expit(scores)
        marked = _above(probability)
        always = self._of_any(float(heatmap.values.max()), _pixels(scores, seen, region), region)
        if region.area == 0:
            return self._judged(always | _of_negative(marked), {}, status)
        y, x = divmod(int(scores.argmax()), scores.shape[1])
        hits = _hits(region, target, columns.start + x, rows.start + y)
        parts, values = _of_positive(2 * _above(probability[seen]) / (marked + region.area), hits)
        return self._judged(always | parts, values, status)

    def absent(self, region: Region, status: Status) -> dict[str, MetricValue]:
        """See `Protocol.absent`."""
        inside, outside = region.area / 2, (region.pixels - region.area) / 2
        chance = ([NOT_SEEN, -NOT_SEEN], [inside, inside], [outside, outside])
        always = self._of_any(NOT_SEEN if region.area else -NOT_SEEN, chance, region)
        if region.area == 0:
            return self._judged(always | _of_negative(np.ones(len(THRESHOLDS), dtype=np.int64)), {}, status)
        boxes = len(region.boxes) if isinstance(region, BoxRegion) else 1
        parts, values = _of_positive(np.zeros(len(THRESHOLDS)), [False] * boxes)
        return self._judged(always | parts, values, status)

    @staticmethod
    def _of_any(highest: float, pixels: Parts, region: Region) -> dict[str, Parts]:
        return {"auc": ([highest], [float(region.area > 0)], [1.0]), "pixel_level_auroc": pixels}

    def _judged(self, parts: dict[str, Parts], values: dict[str, float], status: Status) -> dict[str, MetricValue]:
        judged: dict[str, MetricValue] = {}
        for metric in self.metrics:
            key = metric.key
            why = status if key in values or key in parts else Status.EMPTY_TARGET
            judged[key] = MetricValue(values.get(key), why)
            if metric.reducer is not None:
                judged[key] = PartsValue(values.get(key), why, parts.get(key))
        return judged


def _of_positive(dice: NDArray[np.float64], hits: Sequence[bool]) -> tuple[dict[str, Parts], dict[str, float]]:
    """What a positive adds to cells, and its own numbers.

    Args:
        dice: At each threshold.
        hits: Of each box.
    """
    curve, ones, zeros = dice.tolist(), [1.0] * len(THRESHOLDS), [0.0] * len(THRESHOLDS)
    parts: dict[str, Parts] = {
        "hit_each_box": ([float(sum(hits))], [float(len(hits))]),
        "dice": (curve, ones),
        "best_threshold": (curve, ones, list(THRESHOLDS), ones),
        "specificity": (curve, ones, zeros, zeros),
    }
    values = {
        "hit_each_box": sum(hits) / len(hits),
        "hit_any_box": float(any(hits)),
        "hit_first_box": float(hits[0]),
        "dice": float(dice.max()),
        "best_threshold": THRESHOLDS[int(dice.argmax())],
    }
    return parts, values


def _of_negative(marked: NDArray[np.int64]) -> dict[str, Parts]:
    """What a negative adds to cells, from how many pixels each threshold marks."""
    zeros, ones = [0.0] * len(THRESHOLDS), [1.0] * len(THRESHOLDS)
    return {"specificity": (zeros, zeros, (marked == 0).astype(float).tolist(), ones)}


def _pixels(scores: NDArray[np.float32], seen: NDArray[np.bool_], region: Region) -> Parts:
    """What a sample adds to the pooled ranking of pixels.

    Args:
        scores: Of the pixels that were looked at, `[h, w]`.
        seen: Whether they are inside, `[h, w]`.
        region: The ground truth.
    """
    found, inside, outside = counted(scores.ravel(), seen.ravel())
    margin_in = region.area - int(np.count_nonzero(seen))
    margin = region.pixels - scores.size
    if margin:
        found, inside, outside = [*found, NOT_SEEN], [*inside, float(margin_in)], [*outside, float(margin - margin_in)]
    return found, inside, outside


def _above(probability: NDArray[np.float32]) -> NDArray[np.int64]:
    """How many pixels exceed each threshold, `[thresholds]`."""
    below = np.searchsorted(_AT, probability.ravel(), side="left")
    counts = np.bincount(below, minlength=len(_AT) + 1)
    return np.cumsum(counts[::-1])[::-1][1:]


def _hits(region: Region, target: NDArray[np.bool_], x: int, y: int) -> list[bool]:
    if not isinstance(region, BoxRegion):
        return [bool(target[y, x])]
    return [box.x0 <= x <= box.x1 and box.y0 <= y <= box.y1 for box in region.boxes]


def _status(heatmap: Heatmap, region: Region, seen: NDArray[np.bool_]) -> Status:
    if region.full:
        return Status.FULL_TARGET
    if (heatmap.values == heatmap.values.flat[0]).all():
        return Status.CONSTANT_MAP
    return Status.OUTSIDE_VIEW if region.area and not seen.any() else Status.OK
