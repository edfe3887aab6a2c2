"""Predicted boxes against true ones, box by box: which overlap, how many pair off, how well scores rank them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

from .region import BoxRegion, pixels_of, shared_pixels

Partners = Sequence[dict[int, float]]
"""For each predicted box the true ones that it may pair with, by number, and its IoU with each."""


def partners_of(predicted: BoxRegion, true: BoxRegion, least: float) -> Partners:
    """Which predicted boxes may pair with which true ones; boxes that cover no pixel are left out of both.

    Args:
        predicted: The predicted boxes.
        true: The true ones.
        least: The IoU, on pixels, that is enough for a pair.
    """
    partners: list[dict[int, float]] = []
    for one in predicted.covering:
        mine: dict[int, float] = {}
        for number, other in enumerate(true.covering):
            both = shared_pixels(one, other)
            iou = both / (pixels_of(one) + pixels_of(other) - both)
            if iou >= least:
                mine[number] = iou
        partners.append(mine)
    return partners


def most_pairs(partners: Partners) -> int:
    """The largest number of pairs in which no box occurs twice (a maximum bipartite matching).

    Args:
        partners: Of each predicted box.
    """
    pairs = [(place, true) for place, mine in enumerate(partners) for true in mine]
    if len(pairs) <= 1:
        return len(pairs)
    # Where nothing on one side has two partners, those with any on the other side are the pairs.
    places, trues = ({pair[side] for pair in pairs} for side in (0, 1))
    if len(pairs) == max(len(places), len(trues)):
        return min(len(places), len(trues))
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import maximum_bipartite_matching

    graph = csr_array(([True] * len(pairs), tuple(zip(*pairs, strict=True))), shape=(len(partners), max(trues) + 1))
    return int((maximum_bipartite_matching(graph) >= 0).sum())


def average_precision(partners: Partners, true: int) -> float:
    """Average precision of one image's boxes: the area under the envelope of precision (PASCAL VOC 2010).

    Each box that may pair with a true box which none has taken is a hit, and takes the one of these that it overlaps
    most.

    Args:
        partners: Of each predicted box, the box of the highest score first.
        true: Number of true boxes.
    """
    taken: set[int] = set()
    precisions: list[float] = []
    for rank, mine in enumerate(partners, start=1):
        free = [number for number in mine if number not in taken]
        if free:
            taken.add(max(free, key=mine.__getitem__))
            precisions.append(len(taken) / rank)
    return sum(accumulate(reversed(precisions), max)) / true
