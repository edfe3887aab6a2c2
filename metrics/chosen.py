"""Cells that tell one ratio of sums at the threshold at which another one is best.

RadZero prints the specificity at the threshold of its best Dice; CheXlocalize tunes thresholds on true positives and
prints IoU with false positives at these too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from .bootstrap import Weights, divided
from .parts import Parts
from .reducers import (
    REDUCERS,
    Draw,
    Floats,
    Group,
    Reducer,
    added_by_halves,
    at_thresholds,
    best_thresholds,
    by_draw,
    in_order,
)

ChosenRule = Literal["best", "other half"]


@dataclass(frozen=True)
class Chosen(Reducer):
    """The sum of the samples' told numerators over that of their told denominators, at a threshold that others choose.

    A sample adds, for each threshold, a numerator and a denominator of the ratio whose largest value chooses, and of
    the one that is told; denominators are 0 where it has no say. The threshold is chosen again in every draw.

    Attributes:
        rule: "best": the threshold of the set, of each class by itself; "other half": for each class that of the
            patients in the other half.
        thresholds: As many as a sample's lists are long.
        usual: The threshold where nobody chooses one; None for no value there.
    """

    kind: ClassVar[str] = "chosen"
    columns: ClassVar[tuple[str, ...]] = ("sums", "weights", "told", "told_weights")

    rule: ChosenRule = "best"
    thresholds: tuple[float, ...] = ()
    usual: float | None = None

    def prepared(self, parts: Parts, group: Group) -> Draw:
        """As `Reducer.prepared`."""
        added = added_by_halves(parts, group, len(self.thresholds))

        def draw(weights: Weights) -> tuple[Floats, Floats]:
            lists = added(weights)
            if self.rule == "other half":
                choosing = [one[::-1] for one in lists[:2]]
                by_class = [in_order(one) for one in self._told(choosing, lists[2:])]
                return by_draw(divided(*by_class)), divided(*map(in_order, by_class))
            whole = [in_order(one) for one in lists]
            everyone = [in_order(one) for one in whole]
            return by_draw(divided(*self._told(whole[:2], whole[2:]))), divided(*self._told(everyone[:2], everyone[2:]))

        return draw

    def _told(self, choosing: Sequence[Floats], telling: Sequence[Floats]) -> list[Floats]:
        """What is told at the threshold that others choose.

        Args:
            choosing: Numerators and denominators of those that choose, `[..., thresholds]` each.
            telling: The same, of those whose numbers are told.

        Returns:
            Numerator and denominator, `[...]` each.
        """
        usual = 0 if self.usual is None else self.thresholds.index(self.usual)
        best, known = best_thresholds(choosing[0], choosing[1], usual)
        told = [at_thresholds(one, best) for one in telling]
        return told if self.usual is not None else [np.where(known, one, 0.0) for one in told]


REDUCERS[Chosen.kind] = Chosen
