"""Predicted boxes against true ones, box by box: which overlap, how many pair off, how well scores rank them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .box_geometry import pairwise_iou
from .region import BoxRegion


def pixel_iou(predicted: BoxRegion, true: BoxRegion) -> NDArray[np.float64]:
    """IoU of every predicted box with every true one, on pixels; boxes that cover none are left out.

    Args:
        predicted: The predicted boxes.
        true: The true ones.

    Returns:
        `[predicted, true]`.
    """
    return pairwise_iou(*(np.array(one.covering, dtype=np.float64).reshape(-1, 4) for one in (predicted, true)))


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
        hits: Where it is enough for a pair, `[predicted, true]`; somewhere it is.
        scores: Of the predicted boxes, `[predicted]`.
    """
    order = np.argsort(-scores, kind="stable")
    left = np.where(hits, iou, -1.0)[order]
    found = np.zeros(len(left), dtype=bool)
    for place in np.flatnonzero((left >= 0).any(axis=1)).tolist():
        best = int(left[place].argmax())
        if float(left[place, best]) >= 0:
            found[place] = True
            left[:, best] = -1.0
    at = np.flatnonzero(found)
    precision = np.arange(1, at.size + 1) / (at + 1)
    return float(np.maximum.accumulate(precision[::-1]).sum() / iou.shape[1])
