"""Differences of cells that are no means: both methods in the same draws of patients.

A ratio of sums, a curve that a rule reduces and a pooled ranking are no sums over patients, so a patient's sign cannot
be flipped in them. What can be done is to draw patients, make both methods' cells of each draw, and see how far the
difference strays from what was observed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from ..metrics import DRAWS, SEED, Reduced
from ..metrics.bootstrap import mean_of_counted
from ..metrics.reduced_cells import DrawnValues, drawn_values, interval_of
from .significance import LEVEL, MACRO, MICRO

_TIE = 1e-10
"""Values this close, in shares of the larger one, are one value that was added in another order."""


@dataclass(frozen=True, slots=True)
class PairedCell:
    """Two methods' cells over the samples that both have, and their difference.

    Attributes:
        first: The first's value; None, as all but `n`, where one of the two has none.
        second: The second's.
        difference: The first's minus the second's.
        low: Lower end of the difference's 95 % interval; None too where fewer than two patients count.
        high: Upper end.
        p: Two-sided p-value of "there is no difference"; NaN where it cannot be asked.
        n: Samples that both have.
    """

    first: float | None
    second: float | None
    difference: float | None
    low: float | None
    high: float | None
    p: float
    n: int


class SharedDraws:
    """The cells of one metric of several methods, drawn together; each is drawn once for each set of samples.

    Args:
        columns: What the samples of each method add, `[methods][n]`.
        pathology: Each sample's class, `[n]`.
        patient: Each sample's patient, `[n]`.
        names: The classes that have cells, in order.
        draws: Bootstrap draws.
        seed: Of the draws.
    """

    def __init__(
        self,
        columns: Sequence[Reduced],
        pathology: Sequence[str],
        patient: Sequence[str],
        names: Sequence[str],
        *,
        draws: int = DRAWS,
        seed: int = SEED,
    ) -> None:
        place = {name: number for number, name in enumerate(names)}
        self._columns, self._names, self._draws, self._seed = columns, tuple(names), draws, seed
        self._classes = np.array([place[name] for name in pathology], dtype=np.int64)
        self._patient = np.asarray(patient, dtype=str)
        self._there = [np.array([part is not None for part in one.parts], dtype=bool) for one in columns]
        self._drawn: dict[tuple[int, bytes], DrawnValues] = {}

    def pair(self, first: int, second: int) -> dict[str, PairedCell]:
        """Two methods on the samples that both have: the cell of each class, `MACRO` and `MICRO`.

        The p-value is that of the centred bootstrap: the share of draws whose difference is as far from the observed
        one as that is from 0 (Efron and Tibshirani, *An Introduction to the Bootstrap*, 1993, chapter 16; Hall and
        Wilson, *Biometrics* 47, 1991), with the observed one counted among them (Phipson and Smyth, 2010). Of k
        patients on whom the methods differ draws stray too little; they are stretched by sqrt(k / (k - 1)) and by the
        ratio of Student's to the normal quantile (Hesterberg, *The American Statistician* 69, 2015, section 5.1). And
        no p-value is below 2 / 2^k, the smallest that flips of so many signs could give.

        The macro cells are means over the classes in which both have a value.

        Args:
            first: A method's place.
            second: Another's.
        """
        rows = self._there[first] & self._there[second]
        one, other = self._values(first, rows), self._values(second, rows)
        parts, others = self._columns[first].parts, self._columns[second].parts
        differs = np.array([bool(r) and parts[i] != others[i] for i, r in enumerate(rows)], dtype=bool)
        both = ~np.isnan(one.classes) & ~np.isnan(other.classes)
        cells = {}
        for number, name in enumerate(self._names):
            mine = self._classes == number
            cells[name] = self._cell(one.classes[:, number], other.classes[:, number], rows & mine, differs & mine)
        macro, others_macro = (mean_of_counted(drawn.classes, both) for drawn in (one, other))
        cells[MACRO] = self._cell(macro, others_macro, rows, differs)
        cells[MICRO] = self._cell(one.micro, other.micro, rows, differs)
        return cells

    def _values(self, method: int, rows: NDArray[np.bool_]) -> DrawnValues:
        key = method, rows.tobytes()
        if key not in self._drawn:
            column = self._columns[method]
            mine = Reduced(column.reducer, [column.parts[row] for row in np.flatnonzero(rows).tolist()])
            patients, who = np.unique(self._patient[rows], return_inverse=True)
            self._drawn[key] = drawn_values(
                mine, self._classes[rows], len(self._names), patients, who, self._draws, self._seed
            )
        return self._drawn[key]

    def _cell(
        self, one: NDArray[np.float64], other: NDArray[np.float64], rows: NDArray[np.bool_], differs: NDArray[np.bool_]
    ) -> PairedCell:
        first, second = float(one[0]), float(other[0])
        n, observed = int(rows.sum()), first - second
        if np.isnan(observed):
            return PairedCell(None, None, None, None, None, float("nan"), n)
        drawn = one[1:] - other[1:]
        low, high = interval_of(drawn) if np.unique(self._patient[rows]).size > 1 else (None, None)
        tie = _TIE * max(abs(first), abs(second))
        known = drawn[~np.isnan(drawn)]
        patients = np.unique(self._patient[differs]).size
        reached = int((_stretch(patients) * np.abs(known - observed) >= abs(observed) - tie).sum())
        p = max((reached + 1) / (known.size + 1), min(1.0, 2.0 ** (1 - patients)))
        return PairedCell(first, second, observed, low, high, p, n)


def _stretch(patients: int) -> float:
    """By how much draws of few patients stray too little for a test at `LEVEL`."""
    if patients < 2:
        return 1.0
    level = 1 - LEVEL / 2
    return float(np.sqrt(patients / (patients - 1)) * stats.t.ppf(level, patients - 1) / stats.norm.ppf(level))
