"""Cells that are no means, with the intervals of the draws that means have too."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from .bootstrap import INTERVAL, Cell, drawn_weights, mean_of_counted
from .parts import Added, Parts
from .reducers import Group, Reducer


@dataclass(frozen=True, slots=True)
class Reduced:
    """A column whose cells are no means.

    Attributes:
        reducer: How samples become cells.
        parts: What each sample adds, `[n]`.
    """

    reducer: Reducer
    parts: Parts

    @classmethod
    def of(cls, reducer: Reducer, rows: Sequence[Added]) -> Reduced:
        """A column of samples given one by one."""
        lists = [[None if row is None else row[column] for row in rows] for column in range(len(reducer.columns))]
        return cls(reducer, Parts.of(lists))


@dataclass(frozen=True, slots=True)
class DrawnValues:
    """The values of a column's cells: first those of the samples as they are, then those of every draw of patients.

    Attributes:
        classes: `[1 + draws, classes]`; NaN where nothing counts.
        micro: `[1 + draws]`.
    """

    classes: NDArray[np.float64]
    micro: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class ReducedCells:
    """The cells of one column: over classes, over samples, and of each class."""

    macro: Cell
    micro: Cell
    classes: list[Cell]


def reduced_cells(
    column: Reduced,
    classes: NDArray[np.int64],
    n_classes: int,
    patients: NDArray[np.str_],
    who: NDArray[np.int64],
    draws: int,
    seed: int,
) -> ReducedCells:
    """The cells of one column, with the draws that the means have too."""
    counted = column.parts.there
    (found,) = drawn_values(column.reducer, [column.parts], classes, n_classes, patients, who, draws, seed)
    by_class, micro = found.classes[0], found.micro[0]
    drawn_classes, drawn_micro = found.classes[1:], found.micro[1:]
    drawn_macro = mean_of_counted(drawn_classes, ~np.isnan(drawn_classes))

    def cell(value: float, group: NDArray[np.bool_], over: NDArray[np.float64], std: float | None = None) -> Cell:
        rows = counted & group
        if np.isnan(value):
            return Cell(None, None, None, None, int(rows.sum()))
        low, high = interval_of(over) if np.unique(who[rows]).size > 1 else (None, None)
        return Cell(float(value), low, high, std, int(rows.sum()))

    everyone, valued = np.ones(len(classes), dtype=bool), by_class[~np.isnan(by_class)]
    mean, spread = (float(valued.mean()), float(valued.std())) if valued.size else (float("nan"), None)
    return ReducedCells(
        cell(mean, everyone, drawn_macro, spread),
        cell(float(micro), everyone, drawn_micro),
        [cell(float(by_class[k]), classes == k, drawn_classes[:, k]) for k in range(n_classes)],
    )


def drawn_values(
    reducer: Reducer,
    parts: Sequence[Parts],
    classes: NDArray[np.int64],
    n_classes: int,
    patients: NDArray[np.str_],
    who: NDArray[np.int64],
    draws: int,
    seed: int,
) -> list[DrawnValues]:
    """The values of one metric's cells of some methods, in draws that are the same for all of the same patients.

    Args:
        reducer: How samples become cells.
        parts: What each method's samples add, `[n]` each.
        classes: Each sample's class, as a number below `n_classes`, `[n]`.
        n_classes: How many there are.
        patients: The patients' names, each once and sorted.
        who: Each sample's patient, as a place in `patients`, `[n]`.
        draws: Bootstrap draws.
        seed: Of the draws.
    """
    group = _group(classes, n_classes, patients, who)
    values = reducer.prepared(parts, group)
    drawn = drawn_weights(len(patients), draws, seed) if patients.size else iter(())
    found = [values(some) for some in chain([np.ones((1, len(patients)))], drawn)]
    by_class, micro = (np.concatenate(one, axis=1) for one in zip(*found, strict=True))
    return [DrawnValues(*mine) for mine in zip(by_class, micro, strict=True)]


def interval_of(drawn: NDArray[np.float64]) -> tuple[float, float] | tuple[None, None]:
    """The 95 % interval of draws; None where none has a value."""
    if np.isnan(drawn).all():
        return None, None
    low, high = np.nanpercentile(drawn, INTERVAL).tolist()
    return low, high


def point_values(
    column: Reduced, pathology: Sequence[str], patient: Sequence[str], pathologies: Sequence[str]
) -> tuple[dict[str, float], float]:
    """The values of cells without intervals: of each class, and over all samples; NaN where nothing counts."""
    classes = np.array([pathologies.index(name) for name in pathology], dtype=np.int64)
    patients, who = np.unique(np.asarray(patient, dtype=str), return_inverse=True)
    values = column.reducer.prepared([column.parts], _group(classes, len(pathologies), patients, who))
    (((by_class,),), ((micro,),)) = values(np.ones((1, len(patients))))
    return dict(zip(pathologies, by_class.tolist(), strict=True)), float(micro)


def _group(classes: NDArray[np.int64], n_classes: int, patients: NDArray[np.str_], who: NDArray[np.int64]) -> Group:
    half = np.array([half_of(str(name)) for name in patients], dtype=np.int64)
    return Group(classes, n_classes, half[who], who)


def half_of(patient: str) -> int:
    """Which half of the patients one is in, 0 or 1: by a hash (CRC-32) of his name, so that it never changes."""
    return zlib.crc32(patient.encode()) & 1
