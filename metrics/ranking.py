"""Cells that are one pooled ranking: average precision of all predicted boxes of a set, AUROC of all samples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from .bootstrap import divided
from .parts import Parts
from .reducers import REDUCERS, Draw, Floats, Group, Reducer, pooled_draw

RankRule = Literal["coco 101", "supervision 101", "all points", "auroc"]

_RECALLS = np.linspace(0, 1, 101)
_CHUNK = 2_000_000
"""Draws x predictions that are held at once; 16 MB for each of a few arrays."""


@dataclass(frozen=True)
class Ranking(Reducer):
    """What samples predicted, ranked by score over the whole set; equal scores stay in the order of the samples.

    A sample adds a list of scores; of hits, where bit t of a number says whether the prediction is a hit at the t-th
    threshold; and of one number, its true boxes. For "auroc" a hit is a positive, and the last is not read.

    Attributes:
        rule: "coco 101": the best precision at a recall of at least each of 0, .01, ... 1 (pycocotools); "supervision
            101": the area under the envelope of precision, interpolated linearly at these recalls and ending in (1, 0),
            0 without predictions;
            "all points": the area under the envelope itself (PASCAL VOC 2010); "auroc": ties count half.
        thresholds: Of the IoU, whose values are averaged; one for "auroc".
    """

    kind: ClassVar[str] = "ranking"
    columns: ClassVar[tuple[str, ...]] = ("scores", "hits", "truths")

    rule: RankRule = "coco 101"
    thresholds: tuple[float, ...] = (0.5,)

    def prepared(self, parts: Sequence[Parts], group: Group) -> Draw:
        """As `Reducer.prepared`."""
        return pooled_draw(parts, group, partial(self._ranked, group), self._values)

    def check(self, lengths: Sequence[int]) -> str | None:
        """As `Reducer.check`: as many hits as scores, and one number of true boxes."""
        scores, hits, truths = lengths
        sound = scores == hits and truths == 1
        return None if sound else f"{scores} scores, {hits} hits and {truths} numbers of true boxes"

    def _ranked(self, group: Group, parts: Parts, mine: NDArray[np.int64]) -> _Ranked:
        chosen = parts.at(mine)
        scores, hits, truths = chosen.values[0], chosen.values[1].astype(np.int64), chosen.values[2]
        owner = np.repeat(group.who[mine], chosen.lengths[0])
        order = np.argsort(-scores, kind="stable")
        scores, hits, owner = scores[order], hits[order], owner[order]
        at = [(hits >> place & 1).astype(bool) for place in range(len(self.thresholds))]
        starts = np.flatnonzero(np.diff(scores, prepend=np.inf))
        return _Ranked(owner, at, [np.flatnonzero(hit) for hit in at], starts, group.who[mine], truths)

    def _values(self, ranked: _Ranked, weights: Floats) -> Floats:
        """The value of each draw, `[draws]`."""
        if self.rule == "auroc":
            return np.array([_auroc(ranked.starts, ranked.hits[0], one[ranked.owner]) for one in weights])
        values = np.full(len(weights), np.nan)
        total = weights[:, ranked.who] @ ranked.truths
        there = np.flatnonzero(total > 0)
        step = max(1, _CHUNK // max(len(ranked.owner), 1))
        for some in (there[start : start + step] for start in range(0, len(there), step)):
            each = weights[some][:, ranked.owner]
            ranks = np.cumsum(each, axis=1)
            areas = [self._areas(each[:, place], ranks, place, total[some, None]) for place in ranked.places]
            values[some] = np.mean(areas, axis=0)
        return values

    def _areas(self, found: Floats, ranks: Floats, place: NDArray[np.int64], total: Floats) -> Floats:
        """Average precision of each draw at one threshold, `[draws]`.

        Args:
            found: How often each hit was drawn, `[draws, hits]`.
            ranks: How many predictions were drawn up to each, `[draws, predictions]`.
            place: Where the hits are among the predictions, `[hits]`.
            total: How many true boxes were drawn, `[draws, 1]`.
        """
        if place.size == 0:
            return np.zeros(len(found))
        # Between hits precision only falls, so the best at a recall is at a hit.
        true = np.cumsum(found, axis=1)
        recall = true / total
        envelope = np.maximum.accumulate(divided(true, ranks[:, place], otherwise=0.0)[:, ::-1], axis=1)[:, ::-1]
        if self.rule == "all points":
            return (np.diff(recall, prepend=0.0, axis=1) * envelope).sum(axis=1)
        if self.rule == "coco 101":
            reached = np.searchsorted(_RECALLS, recall, side="right")
            return (np.diff(reached, prepend=0, axis=1) * envelope).sum(axis=1) / len(_RECALLS)
        # From one hit's recall up to the next one's, the interpolated curve has the next one's envelope; from the last
        # hit's on it falls to 0 at recall 1 along a line, from the precision of all predictions.
        reached = np.searchsorted(_RECALLS, recall, side="left")
        line = np.append(np.cumsum((1 - _RECALLS)[::-1])[::-1], 0.0)[reached[:, -1]]
        rest = divided(line * true[:, -1], ranks[:, -1] * (1 - recall[:, -1]), otherwise=0.0)
        under = (np.diff(reached, prepend=0, axis=1) * envelope).sum(axis=1)
        return (under - envelope[:, 0] / 2 + rest) / (len(_RECALLS) - 1)


@dataclass(frozen=True)
class _Ranked:
    """Predictions of some samples, best first.

    Attributes:
        owner: Each prediction's patient.
        hits: For each threshold, whether it is a hit.
        places: For each threshold, where the hits are.
        starts: Where a score is another than the one before.
        who: Each sample's patient.
        truths: Each sample's true boxes.
    """

    owner: NDArray[np.int64]
    hits: list[NDArray[np.bool_]]
    places: list[NDArray[np.int64]]
    starts: NDArray[np.int64]
    who: NDArray[np.int64]
    truths: Floats


def _auroc(starts: NDArray[np.int64], positive: NDArray[np.bool_], weights: Floats) -> float:
    """The weighted share of pairs in the right order, ties half; NaN where one kind lacks."""
    if starts.size == 0:
        return float("nan")
    good = np.add.reduceat(np.where(positive, weights, 0.0), starts)
    bad = np.add.reduceat(np.where(positive, 0.0, weights), starts)
    pairs = good.sum() * bad.sum()
    if not pairs:
        return float("nan")
    above = np.cumsum(good) - good
    return float((bad * (above + good / 2)).sum() / pairs)


REDUCERS[Ranking.kind] = Ranking
