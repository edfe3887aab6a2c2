"""Boxes of several readers as one set: weighted boxes fusion.

Solovyev, Wang and Gabruseva, "Weighted boxes fusion: Ensembling boxes from different object detection models", Image
and Vision Computing 107, 104117 (2021), for readers of equal weight, as the package `ensemble-boxes` computes it.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean

from ..core import Box


def fuse(readers: Sequence[Sequence[Box]], least_iou: float) -> list[Box]:
    """The mean box of each cluster of boxes that overlap.

    The boxes are taken one after another, from the last reader's last to the first one's first, which is the order of
    the package where all scores are equal. Each joins the cluster with whose mean box its intersection over union is
    largest, if it is more than `least_iou`, and begins one of its own otherwise. The mean then is taken anew.

    Args:
        readers: Each reader's boxes, of one class on one image; those without area have no part in it.
        least_iou: Above which intersection over union boxes are of one thing, 0 to 1.

    Returns:
        The boxes, without scores, in the order in which their clusters began.
    """
    clusters: list[list[Box]] = []
    means: list[Box] = []
    for box in reversed([box for boxes in readers for box in boxes if box.area > 0]):
        overlaps = [iou(mean, box) for mean in means]
        best = max(range(len(overlaps)), key=overlaps.__getitem__, default=-1)
        if best < 0 or overlaps[best] <= least_iou:
            clusters.append([box])
            means.append(box)
        else:
            clusters[best].append(box)
            means[best] = Box(*map(fmean, zip(*(one.as_tuple() for one in clusters[best]), strict=True)))
    return means


def iou(one: Box, other: Box) -> float:
    """Intersection over union of two boxes, 0 to 1; 0 of boxes without area."""
    width = min(one.x1, other.x1) - max(one.x0, other.x0)
    height = min(one.y1, other.y1) - max(one.y0, other.y0)
    shared = max(width, 0.0) * max(height, 0.0)
    union = one.area + other.area - shared
    return shared / union if union > 0 else 0.0
