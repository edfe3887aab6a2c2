"""From values of samples to the cells of a table: means, spreads and bootstrap intervals over patients."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .bootstrap import DRAWS, INTERVAL, SEED, Cell, divided, drawn_weights, exact_sums, mean_of_counted
from .reduced_cells import Reduced, reduced_cells

ClassWeights = Literal["samples squared"]
"""How classes weigh in an average: by the square of their number of samples (Nuetzel et al. 2025). Samples that a
metric leaves out are among them, and count 0 there."""


@dataclass(frozen=True, slots=True)
class Summary:
    """The cells of all metrics, in the order of the columns of the values that were summarised.

    Attributes:
        macro: Mean of the pathologies' means; `std` is over these means.
        micro: Mean over samples.
        pathologies: Mean over the samples of each pathology, in the order asked for.
        weighted: Mean of the pathologies' means with weights, where these were asked for; `std` is None.
    """

    macro: list[Cell]
    micro: list[Cell]
    pathologies: dict[str, list[Cell]]
    weighted: list[Cell] | None = None


def summarise(
    values: ArrayLike,
    pathology: Sequence[str],
    patient: Sequence[str],
    *,
    pathologies: Sequence[str],
    draws: int = DRAWS,
    seed: int = SEED,
    reduced: Mapping[int, Reduced] | None = None,
    weights: ClassWeights | None = None,
) -> Summary:
    """Average samples into pathologies, and pathologies into one number, with intervals.

    The intervals are percentiles of a bootstrap that draws as many patients as there are, with replacement, and takes
    all samples of each. A draw that has no sample of a pathology says nothing about it, and its macro mean is over the
    others. The result does not depend on the order of the samples, but for rankings of equal scores.

    Args:
        values: `[n, m]`, one row for each sample and one column for each metric; NaN where the sample is left out.
        pathology: Each sample's class, `[n]`.
        patient: Each sample's patient, `[n]`.
        pathologies: All classes, in the order of the table; one without samples gets cells without a value.
        draws: Bootstrap draws.
        seed: Of the draws.
        reduced: Of the columns whose cells are no means, how samples become them. A draw re-weights what its patients
            add, so that a ratio, a ranking or a tuned threshold is made anew in it. Their `std` is None, but for the
            macro mean's, which is over pathologies.
        weights: How classes weigh in a third average; it has no values for the columns of `reduced`.

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
    made = {
        column: reduced_cells(one, classes, len(names), patients, who, draws, seed)
        for column, one in (reduced or {}).items()
    }
    # In one fixed order, so that sums are equal to the last digit whatever order the samples come in.
    order = np.lexsort((*table.T, classes, who))
    table, classes, who = table[order], classes[order], who[order]

    groups = [classes == index for index in range(len(names))]
    means = np.array([[_mean(column[group]) for column in table.T] for group in groups])
    means = means.reshape(len(names), table.shape[1])
    drawn = _bootstrap(table, classes, who, (len(patients), len(names)), draws, seed)

    counted = ~np.isnan(table)
    everyone = np.ones(len(table), dtype=bool)

    def cell(column: int, group: NDArray[np.bool_], over: NDArray[np.float64], draws: NDArray[np.float64]) -> Cell:
        over = over[~np.isnan(over)]
        if over.size == 0:
            return Cell(None, None, None, None, 0)
        rows = group & counted[:, column]
        low, high = None, None
        if np.unique(who[rows]).size > 1:
            low, high = (float(end) for end in np.nanpercentile(draws[:, column], INTERVAL))
        return Cell(float(over.mean()), low, high, float(over.std()), int(rows.sum()))

    sums = np.array([np.where(counted[group], table[group], 0.0).sum(axis=0) for group in groups]).reshape(means.shape)
    over_classes = _by_size(sums[None], np.array([[group.sum() for group in groups]], dtype=np.float64))

    def weighted(column: int) -> Cell:
        if column in made or not counted[:, column].any():
            return Cell(None, None, None, None, 0)
        return replace(cell(column, everyone, over_classes[:, column], drawn.weighted), std=None)

    columns = range(table.shape[1])
    return Summary(
        macro=[made[j].macro if j in made else cell(j, everyone, means[:, j], drawn.macro) for j in columns],
        micro=[made[j].micro if j in made else cell(j, everyone, table[:, j], drawn.micro) for j in columns],
        pathologies={
            name: [
                made[j].classes[index] if j in made else cell(j, group, table[group, j], drawn.classes[:, index])
                for j in columns
            ]
            for index, (name, group) in enumerate(zip(names, groups, strict=True))
        },
        weighted=None if weights is None else [weighted(j) for j in columns],
    )


def statistics_constants() -> dict[str, Any]:
    """How samples become table cells, for a protocol's `constants`; see `summarise`."""
    return {
        "pathology": "mean over samples, population standard deviation",
        "macro": "mean over pathologies with a sample, population standard deviation over their means",
        "micro": "mean over samples, population standard deviation",
        "interval": {"percentiles": list(INTERVAL), "bootstrap": "patients", "draws": DRAWS, "seed": SEED},
    }


def _mean(column: NDArray[np.float64]) -> float:
    column = column[~np.isnan(column)]
    return float(column.mean()) if column.size else float("nan")


@dataclass(frozen=True)
class _Drawn:
    """Means of each draw; NaN where nothing was drawn.

    Attributes:
        classes: `[draws, classes, m]`.
        macro: `[draws, m]`.
        weighted: By the squares of the classes' numbers of samples, `[draws, m]`.
        micro: `[draws, m]`.
    """

    classes: NDArray[np.float64]
    macro: NDArray[np.float64]
    micro: NDArray[np.float64]
    weighted: NDArray[np.float64]


def _bootstrap(
    table: NDArray[np.float64],
    classes: NDArray[np.int64],
    who: NDArray[np.int64],
    shape: tuple[int, int],
    draws: int,
    seed: int,
) -> _Drawn:
    counted = ~np.isnan(table)
    # A draw's sums are the patients' sums, weighted by how often each was drawn.
    sums = np.zeros((*shape, table.shape[1]))
    counts = np.zeros_like(sums)
    np.add.at(sums, (who, classes), np.where(counted, table, 0.0))
    np.add.at(counts, (who, classes), counted)
    rows = np.zeros((*shape, 1))
    np.add.at(rows, (who, classes), 1)
    patients, metrics = shape[0], table.shape[1]
    both = np.concatenate([sums, counts, rows], axis=2).reshape(patients, shape[1] * (2 * metrics + 1))
    added_up = exact_sums(both, patients)
    drawn = np.concatenate([added_up(weights) for weights in drawn_weights(patients, draws, seed)])
    total, number, size = np.split(drawn.reshape(draws, shape[1], 2 * metrics + 1), (metrics, 2 * metrics), axis=2)
    means = divided(total, number)
    macro = mean_of_counted(means, number > 0)
    micro = divided(total.sum(axis=1), number.sum(axis=1))
    return _Drawn(means, macro, micro, _by_size(total, size[:, :, 0]))


def _by_size(sums: NDArray[np.float64], sizes: NDArray[np.float64]) -> NDArray[np.float64]:
    """The mean over classes, each weighted by the square of its size; see `ClassWeights`.

    Args:
        sums: Of each class's values, `[draws, classes, m]`.
        sizes: Each class's number of samples, `[draws, classes]`.

    Returns:
        `[draws, m]`.
    """
    squares = np.broadcast_to(np.square(sizes).sum(axis=1)[:, None], (len(sums), sums.shape[2]))
    return divided((sums * sizes[:, :, None]).sum(axis=1), squares)
