"""From values of samples to the cells of a table: means, spreads and bootstrap intervals over patients."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

DRAWS = 2000
SEED = 0
INTERVAL = (2.5, 97.5)

_CHUNK = 200_000
"""Draws x patients that are held at once; 1.6 MB for each of three arrays."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One number of a table.

    Attributes:
        value: The mean; None when no sample counts.
        low: Lower end of the 95 % interval; None when fewer than two patients count, which no interval can rest on.
        high: Upper end of the 95 % interval, None as `low`.
        std: Population standard deviation of what the mean is over; None when no sample counts.
        n: Number of samples that count.
    """

    value: float | None
    low: float | None
    high: float | None
    std: float | None
    n: int


@dataclass(frozen=True, slots=True)
class Summary:
    """The cells of all metrics, in the order of the columns of the values that were summarised.

    Attributes:
        macro: Mean of the pathologies' means; `std` is over these means.
        micro: Mean over samples.
        pathologies: Mean over the samples of each pathology, in the order asked for.
    """

    macro: list[Cell]
    micro: list[Cell]
    pathologies: dict[str, list[Cell]]


def summarise(
    values: ArrayLike,
    pathology: Sequence[str],
    patient: Sequence[str],
    *,
    pathologies: Sequence[str],
    draws: int = DRAWS,
    seed: int = SEED,
) -> Summary:
    """Average samples into pathologies, and pathologies into one number, with intervals.

    The intervals are percentiles of a bootstrap that draws as many patients as there are, with replacement, and takes
    all samples of each. A draw that has no sample of a pathology says nothing about it, and its macro mean is over the
    others. The result does not depend on the order of the samples.

    Args:
        values: `[n, m]`, one row for each sample and one column for each metric; NaN where the sample is left out.
        pathology: Each sample's class, `[n]`.
        patient: Each sample's patient, `[n]`.
        pathologies: All classes, in the order of the table; one without samples gets cells without a value.
        draws: Bootstrap draws.
        seed: Of the draws.

    Raises:
        ValueError: If the lengths differ, a value is infinite, or a sample's pathology is not listed.
    """
    table = np.asarray(values, dtype=np.float64)
    if table.ndim != 2 or not len(table) == len(pathology) == len(patient):
        raise ValueError(
            f"values {list(table.shape)}, pathology [{len(pathology)}] and patient [{len(patient)}] do not fit together"
        )
    if np.isinf(table).any():
        raise ValueError("values must be finite, or NaN where a sample is left out")
    names = list(dict.fromkeys(pathologies))
    if unlisted := sorted(set(pathology) - set(names)):
        raise ValueError(f"the pathologies {unlisted} are not among {names}")
    classes = np.array([names.index(name) for name in pathology], dtype=np.int64)
    patients, who = np.unique(np.asarray(patient, dtype=str), return_inverse=True)
    # In one fixed order, so that sums are equal to the last digit whatever order the samples come in.
    order = np.lexsort((*table.T, classes, who))
    table, classes, who = table[order], classes[order], who[order]

    groups = [classes == index for index in range(len(names))]
    means = np.array([[_mean(column[group]) for column in table.T] for group in groups])
    means = means.reshape(len(names), table.shape[1])
    drawn_classes, drawn_macro, drawn_micro = _bootstrap(table, classes, who, (len(patients), len(names)), draws, seed)

    counted = ~np.isnan(table)
    everyone = np.ones(len(table), dtype=bool)

    def cell(column: int, group: NDArray[np.bool_], over: NDArray[np.float64], drawn: NDArray[np.float64]) -> Cell:
        over = over[~np.isnan(over)]
        if over.size == 0:
            return Cell(None, None, None, None, 0)
        rows = group & counted[:, column]
        low, high = None, None
        if np.unique(who[rows]).size > 1:
            low, high = (float(end) for end in np.nanpercentile(drawn[:, column], INTERVAL))
        return Cell(float(over.mean()), low, high, float(over.std()), int(rows.sum()))

    columns = range(table.shape[1])
    return Summary(
        macro=[cell(j, everyone, means[:, j], drawn_macro) for j in columns],
        micro=[cell(j, everyone, table[:, j], drawn_micro) for j in columns],
        pathologies={
            name: [cell(j, group, table[group, j], drawn_classes[:, index]) for j in columns]
            for index, (name, group) in enumerate(zip(names, groups, strict=True))
        },
    )


def _mean(column: NDArray[np.float64]) -> float:
    column = column[~np.isnan(column)]
    return float(column.mean()) if column.size else float("nan")


def _bootstrap(
    table: NDArray[np.float64],
    classes: NDArray[np.int64],
    who: NDArray[np.int64],
    shape: tuple[int, int],
    draws: int,
    seed: int,
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Means of each draw: by class `[draws, classes, m]`, macro and micro `[draws, m]`; NaN where nothing was drawn."""
    counted = ~np.isnan(table)
    # A draw's sums are the patients' sums, weighted by how often each was drawn: two matrix products for all classes.
    sums = np.zeros((*shape, table.shape[1]))
    counts = np.zeros_like(sums)
    np.add.at(sums, (who, classes), np.where(counted, table, 0.0))
    np.add.at(counts, (who, classes), counted)
    patients, metrics = shape[0], table.shape[1]
    both = np.concatenate([sums, counts], axis=2).reshape(patients, shape[1] * 2 * metrics)
    drawn = np.concatenate([weights @ both for weights in _weights(patients, draws, seed)])
    total, number = np.split(drawn.reshape(draws, shape[1], 2 * metrics), 2, axis=2)
    means, present = _divide(total, number), number > 0
    macro = _divide(np.where(present, means, 0.0).sum(axis=1), present.sum(axis=1))
    return means, macro, _divide(total.sum(axis=1), number.sum(axis=1))


def _weights(patients: int, draws: int, seed: int) -> Iterator[NDArray[np.float64]]:
    """How often each draw has each patient, some draws at a time, `[some, patients]`."""
    generator = np.random.default_rng(seed)
    step = max(1, _CHUNK // max(patients, 1))
    for start in range(0, draws, step):
        some = min(step, draws - start)
        drawn = generator.integers(patients, size=(some, patients)) if patients else np.zeros((some, 0), dtype=np.int64)
        drawn += np.arange(some)[:, None] * patients
        yield np.bincount(drawn.ravel(), minlength=some * patients).reshape(some, patients).astype(np.float64)


def _divide(total: NDArray[np.float64], number: NDArray[np.float64] | NDArray[np.int64]) -> NDArray[np.float64]:
    return np.divide(total, number, out=np.full(total.shape, np.nan), where=number > 0)
