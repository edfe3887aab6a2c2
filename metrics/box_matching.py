"""Predicted boxes against true ones, box by box: which overlap, how many pair off, how well scores rank them."""

from __future__ import annotations

from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

from .region import BoxRegion, shared_pixels


def pixel_iou(predicted: BoxRegion, true: BoxRegion) -> NDArray[np.float64]:
    """IoU of every predicted box with every true one, on pixels; boxes that cover none are left out.

    Args:
        predicted: The predicted boxes.
        true: The true ones.

    Returns:
        `[predicted, true]`.
    """
    # Few whole numbers: Python is done with most images' boxes before NumPy has made arrays of them.
    mine, others = ([shared_pixels(box, box) for box in one.covering] for one in (predicted, true))
    iou = np.zeros((len(mine), len(others)))
    for i, one in enumerate(predicted.covering):
        for j, other in enumerate(true.covering):
            if both := shared_pixels(one, other):
                iou[i, j] = both / (mine[i] + others[j] - both)
    return iou


def most_pairs(hits: NDArray[np.bool_]) -> int:
    """The largest number of pairs in which no box occurs twice (a maximum bipartite matching).

    Args:
        hits: Which predicted box may pair with which true one, `[predicted, true]`.
    """
    together = int(np.count_nonzero(hits))
    if together <= 1:
        return together
    # Where nothing on one side has two partners, those with any on the other side are the pairs.
    rows, columns = np.count_nonzero(hits.any(axis=1)), np.count_nonzero(hits.any(axis=0))
    if together == max(rows, columns):
        return int(min(rows, columns))
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import maximum_bipartite_matching

    return int((maximum_bipartite_matching(csr_array(hits)) >= 0).sum())


def average_precision(iou: NDArray[np.float64], hits: NDArray[np.bool_], scores: NDArray[np.float64]) -> float:
    """Average precision of one image's boxes: the area under the envelope of precision (PASCAL VOC 2010).

    Boxes are taken by score, equal ones in their order. Each that may pair with a true box which none has taken is a
    hit, and takes the one of these that it overlaps most.

    Args:
        iou: Of each predicted box with each true one, `[predicted, true]`.
        hits: Where it is enough for a pair, `[predicted, true]`.
        scores: Of the predicted boxes, `[predicted]`.
    """
    partners: dict[int, list[int]] = {}
    for place, true in zip(*(axis.tolist() for axis in hits.nonzero()), strict=True):
        partners.setdefault(place, []).append(true)
    taken: set[int] = set()
    precisions: list[float] = []
    for rank, place in enumerate(np.argsort(-scores, kind="stable").tolist(), start=1):
        free = [true for true in partners.get(place, ()) if true not in taken]
        if free:
            taken.add(max(free, key=lambda true, mine=iou[place]: mine[true]))
            precisions.append(len(taken) / rank)
    envelope = accumulate(reversed(precisions), max)
    return sum(envelope) / iou.shape[1]
