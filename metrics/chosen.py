"""Cells that tell one ratio of sums at the threshold at which another one is best.

RadZero prints the specificity at the threshold of its best Dice; CheXlocalize tunes thresholds on true positives and
prints IoU with false positives at these too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from .bootstrap import divided
from .parts import Parts
from .reducers import (
    REDUCERS,
    Draw,
    Floats,
    Group,
    Reducer,
    added_in_class,
    at_thresholds,
    best_thresholds,
    by_draw,
    in_order,
    ratios_of_classes,
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

    def prepared(self, parts: Sequence[Parts], group: Group) -> Draw:
        """As `Reducer.prepared`."""
        added = added_in_class(parts, group, len(self.thresholds))

        def draw(weights: Floats) -> tuple[Floats, Floats]:
            lists = (added(weights, number) for number in range(group.n_classes))
            if self.rule == "other half":
                told = [self._told([one[::-1] for one in mine[:2]], mine[2:]) for mine in lists]
                return ratios_of_classes([(in_order(above), in_order(below)) for above, below in told])
            # The halves together, as the one that chooses and tells.
            whole = [[in_order(one)[None] for one in mine] for mine in lists]
            everyone = [in_order(one) for one in zip(*whole, strict=True)]
            by_class, over_all = [self._ratio(one) for one in whole], self._ratio(everyone)
            return by_draw(by_class), over_all

        return draw

    def _ratio(self, lists: Sequence[Floats]) -> Floats:
        """What is told of lists of all samples, `[1, thresholds, methods, draws]` each, as `[methods, draws]`."""
        return divided(*self._told(lists[:2], lists[2:]))[0]

    def _told(self, choosing: Sequence[Floats], telling: Sequence[Floats]) -> tuple[Floats, Floats]:
        """What is told at the threshold that others choose.

        Args:
            choosing: Numerators and denominators of those that choose, `[halves, thresholds, methods, draws]` each.
            telling: The same, of those whose numbers are told.

        Returns:
            Numerator and denominator, `[halves, methods, draws]` each.
        """
        usual = 0 if self.usual is None else self.thresholds.index(self.usual)
        best, known = best_thresholds(choosing[0], choosing[1], usual)
        above, below = (at_thresholds(one, best) for one in telling)
        if self.usual is not None:
            return above, below
        return np.where(known, above, 0.0), np.where(known, below, 0.0)


REDUCERS[Chosen.kind] = Chosen
