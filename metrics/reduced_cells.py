"""Cells that are no means, with the intervals of the draws that means have too."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .bootstrap import INTERVAL, Cell, divided, drawn_weights
from .reducers import Draw, Group, Parts, Reducer


@dataclass(frozen=True, slots=True)
class Reduced:
    """A column whose cells are no means.

    Attributes:
        reducer: How samples become cells.
        parts: What each sample adds, `[n]`.
    """

    reducer: Reducer
    parts: Parts


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
    values = _prepared(column, classes, n_classes, patients, who)
    counted = np.array([part is not None for part in column.parts], dtype=bool)
    ((by_class,), (micro,)) = values(np.ones((1, len(patients))))
    drawn = [values(weights) for weights in drawn_weights(len(patients), draws, seed)] if patients.size else []
    drawn_classes = np.concatenate([one[0] for one in drawn]) if drawn else np.full((1, n_classes), np.nan)
    drawn_micro = np.concatenate([one[1] for one in drawn]) if drawn else np.full(1, np.nan)
    present = ~np.isnan(drawn_classes)
    drawn_macro = divided(np.where(present, drawn_classes, 0.0).sum(axis=1), present.sum(axis=1))

    def cell(value: float, group: NDArray[np.bool_], over: NDArray[np.float64], std: float | None = None) -> Cell:
        rows = counted & group
        if np.isnan(value):
            return Cell(None, None, None, None, int(rows.sum()))
        ends = (None, None)
        if np.unique(who[rows]).size > 1 and not np.isnan(over).all():
            ends = tuple(np.nanpercentile(over, INTERVAL).tolist())
        return Cell(float(value), ends[0], ends[1], std, int(rows.sum()))

    everyone, valued = np.ones(len(classes), dtype=bool), by_class[~np.isnan(by_class)]
    mean, spread = (float(valued.mean()), float(valued.std())) if valued.size else (float("nan"), None)
    return ReducedCells(
        cell(mean, everyone, drawn_macro, spread),
        cell(float(micro), everyone, drawn_micro),
        [cell(float(by_class[k]), classes == k, drawn_classes[:, k]) for k in range(n_classes)],
    )


def point_values(
    column: Reduced, pathology: Sequence[str], patient: Sequence[str], pathologies: Sequence[str]
) -> tuple[dict[str, float], float]:
    """The values of cells without intervals: of each class, and over all samples; NaN where nothing counts."""
    classes = np.array([pathologies.index(name) for name in pathology], dtype=np.int64)
    patients, who = np.unique(np.asarray(patient, dtype=str), return_inverse=True)
    values = _prepared(column, classes, len(pathologies), patients, who)
    ((by_class,), (micro,)) = values(np.ones((1, len(patients))))
    return dict(zip(pathologies, by_class.tolist(), strict=True)), float(micro)


def _prepared(
    column: Reduced,
    classes: NDArray[np.int64],
    n_classes: int,
    patients: NDArray[np.str_],
    who: NDArray[np.int64],
) -> Draw:
    if len(column.parts) != len(classes):
        raise ValueError(f"{len(column.parts)} samples add to a cell that rests on {len(classes)}")
    half = np.array([half_of(str(name)) for name in patients], dtype=np.int64)
    return column.reducer.prepared(column.parts, Group(classes, n_classes, half[who], who))


def half_of(patient: str) -> int:
    """Which half of the patients one is in, 0 or 1: by a hash (CRC-32) of his name, so that it never changes."""
    return zlib.crc32(patient.encode()) & 1
