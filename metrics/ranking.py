"""Cells that are one pooled ranking: average precision of all predicted boxes of a set, AUROC of all samples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from .reducers import REDUCERS, Draw, Floats, Group, Parts, Reducer

RankRule = Literal["coco 101", "supervision 101", "all points", "auroc"]

_RECALLS = np.linspace(0, 1, 101)


@dataclass(frozen=True)
class Ranking(Reducer):
    """What samples predicted, ranked by score over the whole set; equal scores stay in the order of the samples.

    A sample adds a list of scores; of hits, where bit t of a number says whether the prediction is a hit at the t-th
    threshold; and of one number, its true boxes. For "auroc" a hit is a positive, and the last is not read.

    Attributes:
        rule: "coco 101": the best precision at a recall of at least each of 0, .01, ... 1 (pycocotools); "supervision
            101": the area under the envelope of precision, interpolated linearly at these recalls and ending in (1, 0);
            "all points": the area under the envelope itself (PASCAL VOC 2010); "auroc": ties count half.
        thresholds: Of the IoU, whose values are averaged; one for "auroc".
    """

    kind: ClassVar[str] = "ranking"
    columns: ClassVar[tuple[str, ...]] = ("scores", "hits", "truths")

    rule: RankRule = "coco 101"
    thresholds: tuple[float, ...] = (0.5,)

    def prepared(self, parts: Parts, group: Group) -> Draw:
        """As `Reducer.prepared`."""
        counted = np.array([part is not None for part in parts], dtype=bool)
        classes = [
            self._ranked(parts, group, np.flatnonzero(counted & (group.classes == number)))
            for number in range(group.n_classes)
        ]
        everyone = self._ranked(parts, group, np.flatnonzero(counted))

        def draw(weights: Floats) -> tuple[Floats, Floats]:
            by_class = np.full((len(weights), group.n_classes), np.nan)
            over_all = np.full(len(weights), np.nan)
            for number, one in enumerate(weights):
                by_class[number] = [self._value(ranked, one) for ranked in classes]
                over_all[number] = self._value(everyone, one)
            return by_class, over_all

        return draw

    def check(self, part: tuple[Sequence[float], ...]) -> str | None:
        """As `Reducer.check`: as many hits as scores, and one number of true boxes."""
        scores, hits, truths = part
        if len(scores) != len(hits) or len(truths) != 1:
            return f"{len(scores)} scores, {len(hits)} hits and {len(truths)} numbers of true boxes"
        return super().check((scores, hits)) or super().check((truths,))

    def _ranked(self, parts: Parts, group: Group, mine: NDArray[np.int64]) -> _Ranked:
        chosen = [part for index in mine if (part := parts[index]) is not None]
        scores = np.concatenate([np.zeros(0), *(np.asarray(part[0], dtype=np.float64) for part in chosen)])
        hits = np.concatenate([np.zeros(0, dtype=np.int64), *(np.asarray(part[1], dtype=np.int64) for part in chosen)])
        owner = np.repeat(group.who[mine], [len(part[0]) for part in chosen])
        order = np.argsort(-scores, kind="stable")
        scores, hits, owner = scores[order], hits[order], owner[order]
        at = [(hits >> place & 1).astype(bool) for place in range(len(self.thresholds))]
        truths = np.array([part[2][0] for part in chosen], dtype=np.float64)
        starts = np.flatnonzero(np.diff(scores, prepend=np.inf))
        return _Ranked(owner, at, [np.flatnonzero(hit) for hit in at], starts, group.who[mine], truths)

    def _value(self, ranked: _Ranked, weights: Floats) -> float:
        each = weights[ranked.owner]
        if self.rule == "auroc":
            return _auroc(ranked.starts, ranked.hits[0], each)
        total, ranks = float(weights[ranked.who] @ ranked.truths), np.cumsum(each)
        if total <= 0:
            return float("nan")
        return float(np.mean([self._precision(place, each, ranks, total) for place in ranked.places]))

    def _precision(self, place: NDArray[np.int64], weights: Floats, ranks: Floats, total: float) -> float:
        """Average precision at one threshold.

        Args:
            place: Where the hits are in the ranking.
            weights: How often each prediction was drawn, `[predictions]`.
            ranks: Their cumulative sum.
            total: How many true boxes were drawn.
        """
        if self.rule == "supervision 101":
            hit = np.zeros(len(weights))
            hit[place] = weights[place]
            there = ranks > 0
            true = np.cumsum(hit)[there]
            recall = np.concatenate([[0.0], true / total, [1.0]])
            precision = np.concatenate([[1.0], true / ranks[there], [0.0]])
            return float(np.trapezoid(np.interp(_RECALLS, recall, _envelope(precision)), _RECALLS))
        # Between hits precision only falls, so the best at a recall is at a hit.
        place = place[ranks[place] > 0]
        if place.size == 0:
            return 0.0
        true = np.cumsum(weights[place])
        recall, envelope = true / total, _envelope(true / ranks[place])
        if self.rule == "all points":
            return float((np.diff(recall, prepend=0.0) * envelope).sum())
        reached = np.searchsorted(recall, _RECALLS, side="left")
        return float(np.where(reached < len(envelope), envelope[np.minimum(reached, len(envelope) - 1)], 0.0).mean())


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


def _envelope(precision: Floats) -> Floats:
    return np.maximum.accumulate(precision[::-1])[::-1]


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
