"""Pixel-wise metrics as sums over a heatmap's distinct scores; each equals its full-resolution definition.

Every function takes `Levels` with at least one pixel inside and one outside the ground truth, unless it says that it
needs none outside. "Normalised" scores are min-max scaled to [0, 1] over the pixels that count.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from .levels import Levels


def auroc(levels: Levels) -> float:
    """Area under the ROC curve of pixels: the chance that an inside pixel outscores an outside one, ties count half.

    The Mann-Whitney statistic with mid-ranks (Hanley & McNeil 1982).
    """
    inside, outside = levels.above_inside[-1], levels.above_outside[-1]
    beaten = outside - levels.above_outside + levels.outside / 2
    return _dot(levels.inside, beaten) / float(inside * outside)


def average_precision(levels: Levels) -> float:
    """Average precision of pixels: the precision at each distinct score, weighted by the recall it adds."""
    precision = levels.above_inside / (levels.above_inside + levels.above_outside)
    return _dot(levels.inside, precision) / float(levels.above_inside[-1])


def ious_above(levels: Levels, thresholds: Sequence[float]) -> NDArray[np.float64]:
    """IoU of ground truth and {normalised score > threshold}, for each threshold, `[t]`; none need be outside."""
    marked = levels.scores.size - levels.normalised[::-1].searchsorted(thresholds, side="right")
    # The last of the levels above a threshold; where there is none, the one that is put before all of them.
    return np.append(0.0, levels.iou)[marked]


def mean_iou(levels: Levels, thresholds: Sequence[float]) -> float:
    """Mean of `ious_above`; none need be outside."""
    return float(ious_above(levels, thresholds).mean())


def best_iou(levels: Levels) -> float:
    """The largest IoU that any threshold on the normalised scores in [0, 1) gives; none need be outside.

    The lowest score is never marked, as in `mean_iou`: to mark the whole image is no answer.
    """
    return float(levels.iou[:-1].max())


def contrast_to_noise(levels: Levels, epsilon: float) -> float:
    """``(mean in - mean out) / sqrt(var in + var out + epsilon)`` of normalised scores, population variances."""
    scores = levels.normalised
    mean_in, var_in = moments(scores, levels.inside)
    mean_out, var_out = moments(scores, levels.outside)
    return (mean_in - mean_out) / float(np.sqrt(var_in + var_out + epsilon))


def pointing(levels: Levels) -> float:
    """The part of the pixels with the highest score that is inside (Zhang et al. 2018); none need be outside."""
    return float(levels.inside[0] / (levels.inside[0] + levels.outside[0]))


def energy(levels: Levels) -> float:
    """The part of the sum of normalised scores that is inside (Wang et al. 2020, Score-CAM); none need be outside."""
    scores = levels.normalised
    inside, outside = _dot(levels.inside, scores), _dot(levels.outside, scores)
    return inside / (inside + outside)


def moments(scores: NDArray[np.float64], counts: NDArray[np.float64]) -> tuple[float, float]:
    """Mean and population variance of scores that occur `counts` times each; exact where all are one score.

    Args:
        scores: `[n]`.
        counts: `[n]`, with a positive sum.
    """
    present = (counts > 0).nonzero()[0]
    if present.size < counts.size:
        scores, counts = scores[present], counts[present]
    if scores[0] == scores[-1] and (scores == scores[0]).all():
        return float(scores[0]), 0.0
    total = float(counts.sum())
    mean = _dot(counts, scores) / total
    return mean, _dot(counts, np.square(scores - mean)) / total


def _dot(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    """The sum of products in NumPy's own order; that of ``@`` depends on how many threads its library has."""
    return float(np.add.reduce(a * b))
