"""Cells that are no mean of samples' values: ratios of sums, and curves over thresholds that a named rule reduces.

Public codes print such numbers: pixels summed over a data set (ChEX), hits over boxes (RadZero), the best of many
thresholds over a set (RadZero's Dice), a threshold tuned on other patients (CheXlocalize).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from .bootstrap import Weights, divided, exact_halves
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


Draw = Callable[[Weights], tuple[Floats, Floats]]
"""From how often each draw has each patient to the values of every draw: by class `[draws, classes]`, and over all
samples `[draws]`; NaN where nothing counts."""


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

    def prepared(self, parts: Parts, group: Group) -> Draw:
        """As `Reducer.prepared`."""
        added = added_by_halves(parts, group, max(1, len(self.thresholds)))

        def draw(weights: Weights) -> tuple[Floats, Floats]:
            above, below = added(weights)
            if self.rule == "other half":
                over, under = (in_order(one) for one in self._of_other_half(above, below))
                return by_draw(divided(over, under)), divided(in_order(over), in_order(under))
            above, below = in_order(above), in_order(below)
            return by_draw(self._reduced(above, below)), self._reduced(in_order(above), in_order(below))

        return draw

    def _reduced(self, above: Floats, below: Floats) -> Floats:
        ratios = divided(above, below)
        ratios = np.broadcast_to(ratios, (*ratios.shape[:-1], max(1, len(self.thresholds))))
        reduced = ratios.max(axis=-1) if self.rule == "best" else ratios.mean(axis=-1)
        return np.where((below > 0).all(axis=-1), reduced, np.nan)

    def _of_other_half(self, above: Floats, below: Floats) -> tuple[Floats, Floats]:
        usual = self.thresholds.index(self.usual) if self.usual in self.thresholds else 0
        best = best_thresholds(above, below, usual)[0][::-1]
        return at_thresholds(above, best), at_thresholds(below, best)


def added_by_halves(parts: Parts, group: Group, count: int) -> Callable[[Weights], list[Floats]]:
    """What the patients of each half add up to in each class.

    Args:
        parts: What each sample adds.
        group: Whose they are.
        count: Numbers in each list of a sample.

    Returns:
        From draws of patients to the sums of each list, which are the same to the last digit whatever adds them
        (`exact_sums`): `[halves, classes, draws, count]`, or with a last axis of 1 where all of the list are equal.

    Raises:
        ValueError: If a list has another length.
    """
    lists = [parts.table(column, count) for column in range(len(parts.values))]
    table, mine = np.concatenate(lists, axis=1), np.flatnonzero(parts.there)
    most = int(group.who.max(initial=-1)) + 1
    block = group.half[mine] * group.n_classes + group.classes[mine]
    cells, place = np.unique(block * most + group.who[mine], return_inverse=True)
    sums = _sums_of_patients(table, place, len(cells))
    blocks, starts = np.unique(cells // max(most, 1), return_index=True)
    patients = np.split(cells % max(most, 1), starts[1:])
    halves = [half.reshape(len(sums), len(lists), count) for half in exact_halves(sums, most, starts.tolist())]
    # Often every threshold has the same denominator, and whole numbers have no smaller half.
    products: list[Floats] = []
    widths: list[tuple[int, int]] = []
    for number in range(len(lists)):
        high, low = (half[:, number] for half in halves)
        if (high == high[:, :1]).all() and (low == low[:, :1]).all():
            high, low = high[:, :1], low[:, :1]
        low = low if low.any() else low[:, :0]
        products += [high, low]
        widths.append((high.shape[1], low.shape[1]))
    factors = np.split(np.concatenate(products, axis=1), starts[1:])

    def add(weights: Weights) -> list[Floats]:
        found = [np.zeros((2 * group.n_classes, len(weights), high)) for high, _ in widths]
        for place, who, factor in zip(blocks.tolist(), patients, factors, strict=False):  # of no blocks numpy makes one
            product, start = weights.of(who) @ factor, 0
            for total, (high, low) in zip(found, widths, strict=True):
                end = start + high + low
                if low:
                    np.add(product[:, start : start + high], product[:, start + high : end], out=total[place])
                else:
                    total[place] = product[:, start:end]
                start = end
        return [total.reshape(2, group.n_classes, len(weights), -1) for total in found]

    return add


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


def by_draw(values: Floats) -> Floats:
    """`[classes, draws]` as `[draws, classes]`, so laid out that a draw's classes are always added in one order."""
    return np.ascontiguousarray(values.T)


def in_order(values: Floats) -> Floats:
    """Sums along the first axis, added one after another."""
    total = np.zeros(values.shape[1:])
    for one in values:
        total += one
    return total


def pooled_draw(
    parts: Parts,
    group: Group,
    pooled: Callable[[NDArray[np.int64]], Pool],
    values: Callable[[Pool, Weights], Floats],
) -> Draw:
    """What makes cells of draws where each cell is of all its samples together.

    Args:
        parts: What each sample adds.
        group: Whose they are.
        pooled: From the samples that a cell rests on, as places in `parts`, to what `values` asks for.
        values: From that and the weights of some draws to the cell of each, `[draws]`.
    """
    counted = parts.there
    classes = [pooled(np.flatnonzero(counted & (group.classes == number))) for number in range(group.n_classes)]
    # One class alone is what all samples are, and need not be ranked twice.
    alone = len(classes) == 1
    everyone = classes[0] if alone else pooled(np.flatnonzero(counted))

    def draw(weights: Weights) -> tuple[Floats, Floats]:
        by_class = [values(one, weights) for one in classes]
        over_all = by_class[0] if alone else values(everyone, weights)
        return np.array(by_class).reshape(len(classes), len(weights)).T, over_all

    return draw


def best_thresholds(above: Floats, below: Floats, usual: int) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Where the largest ratio of each draw is, the first of equals.

    Args:
        above: Numerators at each threshold, `[..., thresholds]`, or `[..., 1]` where they are equal.
        below: Their denominators.
        usual: The place for draws in which one of these is 0.

    Returns:
        Places `[...]`, and whether they are of the draw's own choice, `[...]`.
    """
    known = np.asarray((below > 0).all(axis=-1))
    return np.where(known, divided(above, below).argmax(axis=-1), usual), known


def at_thresholds(values: Floats, places: NDArray[np.int64]) -> Floats:
    """The values at one threshold each.

    Args:
        values: `[..., thresholds]`, or `[..., 1]` where they are equal.
        places: `[...]`.
    """
    if values.shape[-1] == 1:
        return values[..., 0]
    return np.take_along_axis(values, places[..., None], axis=-1)[..., 0]


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
