"""Draws of patients, with replacement, and the cells of tables whose intervals they give."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

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


def drawn_weights(patients: int, draws: int, seed: int) -> Iterator[NDArray[np.float64]]:
    """How often each draw has each patient, some draws at a time, `[some, patients]`."""
    generator = np.random.default_rng(seed)
    step = max(1, _CHUNK // max(patients, 1))
    for start in range(0, draws, step):
        some = min(step, draws - start)
        drawn = generator.integers(patients, size=(some, patients)) if patients else np.zeros((some, 0), dtype=np.int64)
        drawn += np.arange(some)[:, None] * patients
        yield np.bincount(drawn.ravel(), minlength=some * patients).reshape(some, patients).astype(np.float64)


def divided(
    total: NDArray[np.float64], number: NDArray[np.float64] | NDArray[np.int64], *, otherwise: float = np.nan
) -> NDArray[np.float64]:
    """Quotients; `otherwise` where the number is not above 0."""
    return np.divide(total, number, out=np.full(total.shape, otherwise), where=number > 0)


def mean_of_counted(values: NDArray[np.float64], counted: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Means over the classes that count, `[draws, ...]`; NaN where none does.

    Args:
        values: Of each class, `[draws, classes, ...]`.
        counted: Which of them count, `[draws, classes, ...]`.
    """
    return divided(np.where(counted, values, 0.0).sum(axis=1), counted.sum(axis=1))
