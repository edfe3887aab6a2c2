"""Cells that tell one ratio of sums at the threshold at which another one is best.

RadZero prints the specificity at the threshold of its best Dice; CheXlocalize tunes thresholds on true positives and
prints IoU with false positives at these too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from .bootstrap import divided
from .reducers import REDUCERS, Draw, Floats, Group, Parts, Reducer, added_by_halves, best_thresholds

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
        width = len(self.columns) * len(self.thresholds)
        added = [added_by_halves(parts, group, number, width) for number in range(group.n_classes)]

        def draw(weights: Floats) -> tuple[Floats, Floats]:
            by_class = np.full((len(weights), group.n_classes), np.nan)
            total, told_over_all = np.zeros((len(weights), width)), np.zeros((2, len(weights)))
            for number, halves in enumerate(added):
                first, second = (sums(weights) for sums in halves)
                if self.rule == "other half":
                    told = self._told(second, first) + self._told(first, second)
                    told_over_all += told
                else:
                    told = self._told(first + second, first + second)
                    total += first + second
                by_class[:, number] = divided(*told)
            return by_class, divided(*(told_over_all if self.rule == "other half" else self._told(total, total)))

        return draw

    def _told(self, choosing: Floats, telling: Floats) -> Floats:
        """What is told at the threshold that others choose.

        Args:
            choosing: Sums of a draw's samples, `[draws, 4 * thresholds]`.
            telling: The same, of the samples whose numbers are told.

        Returns:
            Numerator and denominator, `[2, draws]`.
        """
        above, below, _, _ = np.split(choosing, 4, axis=1)
        usual = 0 if self.usual is None else self.thresholds.index(self.usual)
        best, known = best_thresholds(above, below, usual)
        told = np.array([np.take_along_axis(one, best, axis=1)[:, 0] for one in np.split(telling, 4, axis=1)[2:]])
        return told if self.usual is not None else np.where(known, told, 0.0)


REDUCERS[Chosen.kind] = Chosen
