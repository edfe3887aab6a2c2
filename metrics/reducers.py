"""Cells that are no mean of samples' values: ratios of sums, and curves over thresholds that a named rule reduces.

Public codes print such numbers: pixels summed over a data set (ChEX), hits over boxes (RadZero), the best of many
thresholds over a set (RadZero's Dice), a threshold tuned on other patients (CheXlocalize).
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import chain
from typing import Any, ClassVar, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from .bootstrap import divided, exact_sums

Floats = NDArray[np.float64]
Parts = Sequence[tuple[Sequence[float], ...] | None]
"""What each sample adds to a cell: a list for each of its reducer's columns; None where the sample is left out."""

Pool = TypeVar("Pool")

SumRule = Literal["ratio", "mean", "best", "other half"]


@dataclass(frozen=True)
class Group:
    """The samples that cells are asked for.

    Attributes:
        classes: Each sample's class, as a number below `n_classes`, `[n]`.
        n_classes: How many there are.
        half: Which half of the patients each sample's is in, 0 or 1, `[n]`.
        who: Each sample's patient, as a number, `[n]`.
    """

    classes: NDArray[np.int64]
    n_classes: int
    half: NDArray[np.int64]
    who: NDArray[np.int64]


Draw = Callable[[Floats], tuple[Floats, Floats]]
"""From how often each draw has each patient, `[draws, patients]`, to the values of every draw: by class `[draws,
classes]`, and over all samples `[draws]`; NaN where nothing counts."""


class Reducer(ABC):
    """How what samples add becomes one cell, named in a protocol's constants.

    Attributes:
        kind: Its name in files.
        columns: Names of the lists that a sample's row holds, after the metric's key.
    """

    kind: ClassVar[str]
    columns: ClassVar[tuple[str, ...]]

    def said(self) -> dict[str, Any]:
        """All that defines it, as plain JSON values; `reducer_of` reads it."""
        values: dict[str, Any] = asdict(self)  # pyright: ignore[reportArgumentType]  # all are dataclasses
        return {"kind": self.kind, **{key: list(one) if isinstance(one, tuple) else one for key, one in values.items()}}

    @abstractmethod
    def prepared(self, parts: Parts, group: Group) -> Draw:
        """What makes cells of draws.

        Args:
            parts: What each sample adds, `[n]`.
            group: Whose they are.
        """

    def check(self, part: tuple[Sequence[float], ...]) -> str | None:
        """What is wrong with what a sample adds; None where nothing is."""
        lengths = {len(one) for one in part}
        if len(lengths) > 1:
            return f"lists of the lengths {sorted(lengths)}, which must be equal"
        return None if all(map(math.isfinite, chain.from_iterable(part))) else "a value that is not finite"


@dataclass(frozen=True)
class Sums(Reducer):
    """The sum of the samples' numerators over that of their denominators, for each of k thresholds, and a rule for k.

    Attributes:
        rule: "ratio": there is one threshold; "mean" over all thresholds; "best": of the set, of each class by itself;
            "other half": for each class the best threshold of the patients in the other half, which is chosen again in
            every draw.
        thresholds: As many as a sample's lists are long; none for "ratio".
        usual: The threshold where the other half has no sample of a class; for "other half" alone.
    """

    kind: ClassVar[str] = "sums"
    columns: ClassVar[tuple[str, ...]] = ("sums", "weights")

    rule: SumRule = "ratio"
    thresholds: tuple[float, ...] = ()
    usual: float | None = None

    def prepared(self, parts: Parts, group: Group) -> Draw:
        """As `Reducer.prepared`."""
        count = max(1, len(self.thresholds))
        added = [added_by_halves(parts, group, number, 2 * count) for number in range(group.n_classes)]

        def draw(weights: Floats) -> tuple[Floats, Floats]:
            by_class = np.full((len(weights), group.n_classes), np.nan)
            above, below = np.zeros((len(weights), count)), np.zeros((len(weights), count))
            for number, halves in enumerate(added):
                drawn = [np.split(sums(weights), 2, axis=1) for sums in halves]
                if self.rule == "other half":
                    over, under = self._of_other_half(drawn)
                    by_class[:, number] = divided(over, under)[:, 0]
                else:
                    over, under = drawn[0][0] + drawn[1][0], drawn[0][1] + drawn[1][1]
                    by_class[:, number] = self._reduced(over, under)
                above += over
                below += under
            return by_class, divided(above, below)[:, 0] if self.rule == "other half" else self._reduced(above, below)

        return draw

    def _reduced(self, above: Floats, below: Floats) -> Floats:
        ratios = divided(above, below)
        there = (below > 0).all(axis=1)
        reduced = np.full(len(ratios), np.nan)
        if self.rule == "best":
            reduced[there] = ratios[there].max(axis=1)
        else:
            reduced[there] = ratios[there].mean(axis=1)
        return reduced

    def _of_other_half(self, halves: Sequence[Sequence[Floats]]) -> tuple[Floats, Floats]:
        usual = self.thresholds.index(self.usual) if self.usual in self.thresholds else 0
        over, under = np.zeros((len(halves[0][0]), 1)), np.zeros((len(halves[0][0]), 1))
        for mine, other in ((0, 1), (1, 0)):
            best = best_thresholds(halves[other][0], halves[other][1], usual)[0]
            over += np.take_along_axis(halves[mine][0], best, axis=1)
            under += np.take_along_axis(halves[mine][1], best, axis=1)
        return over, under


def added_by_halves(parts: Parts, group: Group, number: int, width: int) -> list[Callable[[Floats], Floats]]:
    """For each half of the patients, what those add up to who have a class.

    Args:
        parts: What each sample adds.
        group: Whose they are.
        number: The class.
        width: Numbers in all lists of a sample together.

    Returns:
        Two functions, from how often each draw has each patient `[draws, patients]` to their sums `[draws, width]`.
    """
    asked = np.flatnonzero(group.classes == number).tolist()
    mine = np.array([index for index in asked if parts[index] is not None], dtype=np.int64)
    added = [[*chain.from_iterable(part)] for index in asked if (part := parts[index]) is not None]
    table = np.array(added, dtype=np.float64).reshape(len(mine), width)
    patients, who = np.unique(group.who[mine], return_inverse=True)
    # In one fixed order, so that sums are equal to the last digit whatever order the samples come in.
    order = np.lexsort((*table.T, who))
    sums = np.zeros((len(patients), width))
    np.add.at(sums, who[order], table[order])
    half = np.zeros(len(patients), dtype=np.int64)
    half[who] = group.half[mine]
    most = int(group.who.max(initial=-1)) + 1

    def of_half(chosen: NDArray[np.bool_]) -> Callable[[Floats], Floats]:
        mine, add = patients[chosen], exact_sums(sums[chosen], most)
        return lambda weights: add(weights[:, mine])

    return [of_half(half == one) for one in (0, 1)]


def pooled_draw(
    parts: Parts,
    group: Group,
    pooled: Callable[[NDArray[np.int64]], Pool],
    values: Callable[[Pool, Floats], Floats],
) -> Draw:
    """What makes cells of draws where each cell is of all its samples together.

    Args:
        parts: What each sample adds.
        group: Whose they are.
        pooled: From the samples that a cell rests on, as places in `parts`, to what `values` asks for.
        values: From that and the weights of some draws to the cell of each, `[draws]`.
    """
    counted = np.array([part is not None for part in parts], dtype=bool)
    classes = [pooled(np.flatnonzero(counted & (group.classes == number))) for number in range(group.n_classes)]
    # One class alone is what all samples are, and need not be ranked twice.
    alone = len(classes) == 1
    everyone = classes[0] if alone else pooled(np.flatnonzero(counted))

    def draw(weights: Floats) -> tuple[Floats, Floats]:
        by_class = [values(one, weights) for one in classes]
        over_all = by_class[0] if alone else values(everyone, weights)
        return np.array(by_class).reshape(len(classes), len(weights)).T, over_all

    return draw


def best_thresholds(above: Floats, below: Floats, usual: int) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Where the largest ratio of each draw is, the first of equals.

    Args:
        above: Numerators at each threshold, `[draws, thresholds]`.
        below: Their denominators.
        usual: The place for draws in which one of these is 0.

    Returns:
        Places `[draws, 1]`, and whether they are of the draw's own choice, `[draws]`.
    """
    known = np.asarray((below > 0).all(axis=1))
    return np.where(known, divided(above, below).argmax(axis=1), usual)[:, None], known


REDUCERS: dict[str, type[Reducer]] = {Sums.kind: Sums}


def reducer_of(said: Mapping[str, Any]) -> Reducer:
    """The reducer that `Reducer.said` tells of.

    Raises:
        ValueError: If there is none of that kind, or it is not made like that.
    """
    rest = {key: tuple(value) if isinstance(value, list) else value for key, value in said.items() if key != "kind"}
    made = REDUCERS.get(str(said.get("kind")))
    if made is None:
        raise ValueError(f"there is no way {said.get('kind')!r} to make a cell of samples; known: {sorted(REDUCERS)}")
    try:
        return made(**rest)
    except TypeError as error:
        raise ValueError(str(error)) from error
