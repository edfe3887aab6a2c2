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
from scipy import special

from ..metrics import DRAWS, SEED, Reduced
from ..metrics.bootstrap import mean_of_counted
from ..metrics.reduced_cells import DrawnValues, drawn_values, interval_of
from .significance import LEVEL, MACRO, MICRO

Floats = NDArray[np.float64]

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
        self._reducer, self._parts = columns[0].reducer, [one.parts for one in columns]
        self._names, self._draws, self._seed = tuple(names), draws, seed
        self._classes = np.array([place[name] for name in pathology], dtype=np.int64)
        self._patients, self._who = np.unique(np.asarray(patient, dtype=str), return_inverse=True)
        self._drawn: dict[tuple[int, bytes], DrawnValues] = {}

    def pair(self, first: int, second: int) -> dict[str, PairedCell]:
        """Two methods on the samples that both have: the cell of each class, `MACRO` and `MICRO`.

        The macro cells are means over the classes in which both have a value.

        Args:
            first: A method's place.
            second: Another's.
        """
        rows = self._both(first, second)
        differing, there = self._patients_in(rows & self._differ(first, second)), self._patients_in(rows)
        cells = {}
        for name, (one, other) in self._columns_of(first, second).items():
            n = int(rows.sum() if name in (MACRO, MICRO) else (rows & self._is_of(name)).sum())
            mine, its = float(one[0]), float(other[0])
            if np.isnan(mine - its):
                cells[name] = PairedCell(None, None, None, None, None, float("nan"), n)
                continue
            low, high = interval_of(one[1:] - other[1:]) if there[name] > 1 else (None, None)
            cells[name] = PairedCell(mine, its, mine - its, low, high, _p_value(one, other, differing[name]), n)
        return cells

    def tests(self, first: int, others: Sequence[int], names: Sequence[str]) -> dict[str, tuple[Floats, Floats]]:
        """A method's differences from others and their p-values, as `pair` has them, without the rest of it.

        Args:
            first: The method's place.
            others: The others' places.
            names: Classes, `MACRO`, `MICRO`.

        Returns:
            By name, the differences and the p-values, `[others]` each; NaN where one of two has no value.
        """
        # All that rest on the same samples are drawn together.
        alike: dict[bytes, list[int]] = {}
        for other in others:
            alike.setdefault(self._both(first, other).tobytes(), []).append(other)
        for same in alike.values():
            self._draw([first, *same], self._both(first, same[0]))
        found = {name: (np.full(len(others), np.nan), np.full(len(others), np.nan)) for name in names}
        for place, other in enumerate(others):
            differing = self._patients_in(self._both(first, other) & self._differ(first, other))
            columns = self._columns_of(first, other)
            for name, (difference, p) in found.items():
                one, its = columns[name]
                difference[place], p[place] = one[0] - its[0], _p_value(one, its, differing[name])
        return found

    def _both(self, first: int, second: int) -> NDArray[np.bool_]:
        """Which samples both have."""
        return self._parts[first].there & self._parts[second].there

    def _differ(self, first: int, second: int) -> NDArray[np.bool_]:
        return self._parts[first].differ(self._parts[second])

    def _is_of(self, name: str) -> NDArray[np.bool_]:
        return self._classes == self._names.index(name)

    def _patients_in(self, rows: NDArray[np.bool_]) -> dict[str, int]:
        """How many patients have some of the rows, of each class and over all."""
        there = np.zeros((len(self._names), len(self._patients)), dtype=bool)
        there[self._classes[rows], self._who[rows]] = True
        everyone = int(there.any(axis=0).sum())
        return {**dict(zip(self._names, there.sum(axis=1).tolist(), strict=True)), MACRO: everyone, MICRO: everyone}

    def _columns_of(self, first: int, second: int) -> dict[str, tuple[Floats, Floats]]:
        """Two methods' values on the samples that both have: as they are, then of every draw, `[1 + draws]`."""
        one, other = self._draw([first, second], self._both(first, second))
        both = ~np.isnan(one.classes) & ~np.isnan(other.classes)
        return {
            **{name: (one.classes[:, k], other.classes[:, k]) for k, name in enumerate(self._names)},
            MACRO: (mean_of_counted(one.classes, both), mean_of_counted(other.classes, both)),
            MICRO: (one.micro, other.micro),
        }

    def _draw(self, methods: Sequence[int], rows: NDArray[np.bool_]) -> list[DrawnValues]:
        """The values of methods on some samples."""
        key = rows.tobytes()
        missing = [method for method in dict.fromkeys(methods) if (method, key) not in self._drawn]
        if missing:
            mine = [self._parts[method] for method in missing]
            if not rows.all():
                mine = [one.at(np.flatnonzero(rows)) for one in mine]
            there, who = np.unique(self._who[rows], return_inverse=True)
            drawn = drawn_values(
                self._reducer, mine, self._classes[rows], len(self._names), self._patients[there], who,
                self._draws, self._seed,
            )  # fmt: skip
            self._drawn.update(zip([(method, key) for method in missing], drawn, strict=True))
        return [self._drawn[method, key] for method in methods]


def _p_value(one: Floats, other: Floats, patients: int) -> float:
    """The two-sided p-value of "there is no difference"; NaN where it cannot be asked.

    That of the centred bootstrap: the share of draws whose difference is as far from the observed one as that is from 0
    (Efron and Tibshirani, *An Introduction to the Bootstrap*, 1993, chapter 16; Hall and Wilson, *Biometrics* 47,
    1991), with the observed one counted among them (Phipson and Smyth, 2010). Of k patients on whom the methods differ
    draws stray too little; they are stretched by sqrt(k / (k - 1)) and by the ratio of Student's to the normal quantile
    (Hesterberg, *The American Statistician* 69, 2015, section 5.1). And no p-value is below 2 / 2^k, the smallest that
    flips of so many signs could give.

    Args:
        one: A method's value as it is, then those of every draw, `[1 + draws]`.
        other: Another's.
        patients: On whom the two differ.
    """
    difference = one - other
    observed, drawn = difference[0], difference[1:]
    if np.isnan(observed):
        return float("nan")
    tie = _TIE * max(abs(one[0]), abs(other[0]))
    known = drawn[~np.isnan(drawn)]
    reached = int((_stretch(patients) * np.abs(known - observed) >= abs(observed) - tie).sum())
    return max((reached + 1) / (known.size + 1), min(1.0, 2.0 ** (1 - patients)))


def _stretch(patients: int) -> float:
    """By how much draws of few patients stray too little for a test at `LEVEL`."""
    if patients < 2:
        return 1.0
    level = 1 - LEVEL / 2
    spread = np.sqrt(patients / (patients - 1)) * special.stdtrit(patients - 1, level)
    return float(spread / special.ndtri(level))
