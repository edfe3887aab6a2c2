"""Cells that are no mean of samples' values: ratios of sums, and curves over thresholds that a named rule reduces.

Public codes print such numbers: pixels summed over a data set (ChEX), hits over boxes (RadZero), the best of many
thresholds over a set (RadZero's Dice), a threshold tuned on other patients (CheXlocalize).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any, ClassVar, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from .bootstrap import divided, exact_halves
from .parts import Parts

Floats = NDArray[np.float64]

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
"""From how often each draw has each patient, `[draws, patients]`, to each method's values of every draw: by class
`[methods, draws, classes]`, and over all samples `[methods, draws]`; NaN where nothing counts."""


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
    def prepared(self, parts: Sequence[Parts], group: Group) -> Draw:
        """What makes cells of draws, of methods whose samples are the same.

        Args:
            parts: What each sample adds, `[n]` of each method.
            group: Whose they are.
        """

    def check(self, lengths: Sequence[int]) -> str | None:
        """What is wrong with how long the lists are that a sample adds; None where nothing is."""
        different = set(lengths)
        return f"lists of the lengths {sorted(different)}, which must be equal" if len(different) > 1 else None


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

    def prepared(self, parts: Sequence[Parts], group: Group) -> Draw:
        """As `Reducer.prepared`."""
        added = added_in_class(parts, group, max(1, len(self.thresholds)))

        def draw(weights: Floats) -> tuple[Floats, Floats]:
            lists = (added(weights, number) for number in range(group.n_classes))
            if self.rule == "other half":
                return ratios_of_classes([self._of_other_half(above, below) for above, below in lists])
            whole = [(in_order(above), in_order(below)) for above, below in lists]
            by_class = [self._reduced(above, below) for above, below in whole]
            return by_draw(by_class), self._reduced(*map(in_order, zip(*whole, strict=True)))

        return draw

    def _reduced(self, above: Floats, below: Floats) -> Floats:
        ratios = divided(above, below)
        ratios = np.broadcast_to(ratios, (max(1, len(self.thresholds)), *ratios.shape[1:]))
        if self.rule == "best":
            reduced = ratios.max(axis=0)
        else:
            # The thresholds of a draw one beside the other, so that they are always added in one order.
            reduced = np.ascontiguousarray(np.moveaxis(ratios, 0, -1)).mean(axis=-1)
        return np.where((below > 0).all(axis=0), reduced, np.nan)

    def _of_other_half(self, above: Floats, below: Floats) -> tuple[Floats, Floats]:
        usual = self.thresholds.index(self.usual) if self.usual in self.thresholds else 0
        best = best_thresholds(above, below, usual)[0][::-1]
        return in_order(at_thresholds(above, best)), in_order(at_thresholds(below, best))


def added_in_class(parts: Sequence[Parts], group: Group, count: int) -> Callable[[Floats, int], list[Floats]]:
    """What the patients of each half add up to in a class.

    Args:
        parts: What each sample adds, of each method.
        group: Whose they are.
        count: Numbers in each list of a sample.

    Returns:
        From draws of patients `[draws, patients]` and a class's number to the sums of each list, which are the same to
        the last digit whatever adds them (`exact_sums`): `[halves, count, methods, draws]`, or `[halves, 1, methods,
        draws]` where all of each list are equal.

    Raises:
        ValueError: If a list has another length.
    """
    most = int(group.who.max(initial=-1)) + 1
    block = group.half * group.n_classes + group.classes
    anyone = np.any([one.there for one in parts], axis=0)
    cells, places = np.unique((block * most + group.who)[anyone], return_inverse=True)
    place = np.zeros(len(anyone), dtype=np.int64)
    place[anyone] = places
    lists = len(parts[0].values)
    sums = np.empty((len(parts), len(cells), lists, count))
    for one, mine in zip(parts, sums, strict=True):
        table = np.concatenate([one.table(column, count) for column in range(lists)], axis=1)
        mine[:] = _sums_of_patients(table, place[one.there], len(cells)).reshape(mine.shape)
    # Often every threshold has the same denominator.
    widths = [1 if (sums[:, :, number] == sums[:, :, number, :1]).all() else count for number in range(lists)]
    ends = np.searchsorted(cells, np.arange(2 * group.n_classes + 1) * most)
    blocks = [
        _Block(
            cells[start:end] % max(most, 1), [_columns(sums[:, start:end, k, :w], most) for k, w in enumerate(widths)]
        )
        for start, end in pairwise(ends.tolist())
    ]

    def add(weights: Floats, number: int) -> list[Floats]:
        found = [np.empty((2, width, len(parts), len(weights))) for width in widths]
        for half in range(2):
            mine = blocks[half * group.n_classes + number]
            drawn = weights[:, mine.patients].T
            for total, (high, low) in zip(found, mine.halves, strict=True):
                flat = total[half].reshape(len(high), len(weights))
                np.matmul(high, drawn, out=flat)
                if low is not None:
                    flat += low @ drawn
        return found

    return add


@dataclass(frozen=True, eq=False)
class _Block:
    """What is added up of one class in one half of the patients.

    Attributes:
        patients: Those with such samples, `[some]`.
        halves: Of each list what `exact_halves` gives, `[width * methods, some]`; None where there is no smaller half.
    """

    patients: NDArray[np.int64]
    halves: list[tuple[Floats, Floats | None]]


def _columns(sums: Floats, most: int) -> tuple[Floats, Floats | None]:
    """The halves of one list's sums of patients, `[methods, some, width]`."""
    methods, some, width = sums.shape
    high, low = exact_halves(sums.transpose(1, 2, 0).reshape(some, width * methods), most)
    # Whole numbers have no smaller half.
    return np.ascontiguousarray(high.T), np.ascontiguousarray(low.T) if low.any() else None


def _sums_of_patients(table: Floats, place: NDArray[np.int64], cells: int) -> Floats:
    """The sums of rows that have one place, `[cells, k]`, equal to the last digit whatever order the rows come in."""
    sizes = np.bincount(place, minlength=cells)
    order = np.argsort(place, kind="stable")
    # Only where three and more are added does rounding depend on their order; there it is that of their numbers.
    many = np.flatnonzero(sizes[place[order]] > 2)
    rows = order[many]
    order[many] = rows[np.lexsort((*table[rows].T, place[rows]))]
    rank = np.arange(len(order)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    sums = np.zeros((cells, table.shape[1]))
    for number in range(int(sizes.max(initial=0))):
        rows = order[rank == number]
        sums[place[rows]] += table[rows]
    return sums


def by_draw(by_class: Sequence[Floats]) -> Floats:
    """Each class's `[methods, draws]` as `[methods, draws, classes]`, where a draw's are always added in one order."""
    return np.stack(by_class, axis=-1)


def ratios_of_classes(sums: Sequence[tuple[Floats, Floats]]) -> tuple[Floats, Floats]:
    """What a draw gives, of each class's numerators and denominators, `[methods, draws]` each."""
    over_all = [in_order(one) for one in zip(*sums, strict=True)]
    return by_draw([divided(*one) for one in sums]), divided(*over_all)


def in_order(values: Floats | Sequence[Floats]) -> Floats:
    """Sums along the first axis, added one after another."""
    total = np.zeros(values[0].shape)
    for one in values:
        total += one
    return total


def pooled_draw(
    parts: Sequence[Parts],
    group: Group,
    pooled: Callable[[Parts, NDArray[np.int64]], Pool],
    values: Callable[[Pool, Floats], Floats],
) -> Draw:
    """What makes cells of draws where each cell is of all its samples together.

    Args:
        parts: What each sample adds, of each method.
        group: Whose they are.
        pooled: From a method's parts and the samples that a cell rests on, as places in them, to what `values` asks
            for.
        values: From that and the weights of some draws to the cell of each, `[draws]`.
    """
    # One class alone is what all samples are, and need not be ranked twice.
    alone = group.n_classes == 1
    classes = [
        [pooled(mine, np.flatnonzero(mine.there & (group.classes == k))) for k in range(group.n_classes)]
        for mine in parts
    ]
    everyone = [
        pools[0] if alone else pooled(mine, np.flatnonzero(mine.there))
        for mine, pools in zip(parts, classes, strict=True)
    ]

    def draw(weights: Floats) -> tuple[Floats, Floats]:
        shape = len(parts), group.n_classes, len(weights)
        by_class = np.array([[values(one, weights) for one in pools] for pools in classes]).reshape(shape)
        over_all = by_class[:, 0] if alone else np.array([values(one, weights) for one in everyone])
        return by_class.transpose(0, 2, 1), over_all

    return draw


def best_thresholds(above: Floats, below: Floats, usual: int) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Where the largest ratio of each draw is, the first of equals.

    Args:
        above: Numerators at each threshold, `[halves, thresholds, ...]`, or `[halves, 1, ...]` where they are equal.
        below: Their denominators.
        usual: The place for draws in which one of these is 0.

    Returns:
        Places `[halves, ...]`, and whether they are of the draw's own choice, `[halves, ...]`.
    """
    known = np.asarray((below > 0).all(axis=1))
    ratios = divided(above, below)
    count = ratios.shape[1]
    # Not `argmax`, which takes five times as long along any axis but a long last one.
    kind = np.min_scalar_type(count)
    left = np.arange(count, 0, -1, dtype=kind).reshape(-1, *[1] * (ratios.ndim - 2))
    is_best = ratios == ratios.max(axis=1, keepdims=True)
    first = count - np.multiply(is_best, left, dtype=kind).max(axis=1).astype(np.int64)
    return np.where(known, first, usual), known


def at_thresholds(values: Floats, places: NDArray[np.int64]) -> Floats:
    """The values at one threshold each.

    Args:
        values: `[halves, thresholds, ...]`, or `[halves, 1, ...]` where they are equal.
        places: `[halves, ...]`.
    """
    if values.shape[1] == 1:
        return values[:, 0]
    return np.take_along_axis(values, places[:, None], axis=1)[:, 0]


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
