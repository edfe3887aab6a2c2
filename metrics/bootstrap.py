"""Draws of patients, with replacement, and the cells of tables whose intervals they give."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

DRAWS = 2000
SEED = 0
INTERVAL = (2.5, 97.5)

_DIGITS = 53
"""Binary digits of a float64."""
_SMALLEST = -800
"""Numbers below 2 to this count as 0 in `exact_sums`: what is cut off them would have too few digits."""

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


def exact_sums(added: NDArray[np.float64], most: int) -> Callable[[NDArray[np.float64]], NDArray[np.float64]]:
    """What draws add up to, the same to the last digit whatever adds it: any library, order or number of threads.

    A matrix product rounds as it adds, and its library chooses the order. So each number is cut into two of so few
    digits that no sum of them is rounded (the error-free transformation of Ozaki et al., *Numerical Algorithms* 59,
    2012); only the two sums are added with rounding. Below both parts lies less than 2^-75 of a column's largest number
    for 1,000 patients, which is left out. Whole numbers have one part.

    Args:
        added: What each patient adds, `[patients, k]`.
        most: How many patients a draw has, with repeats.

    Returns:
        From how often each draw has each patient, whole numbers `[draws, patients]`, to its sums `[draws, k]`.
    """
    high, low = exact_halves(added, most)
    uneven = np.flatnonzero(low.any(axis=0))
    low = low[:, uneven]

    def sums(weights: NDArray[np.float64]) -> NDArray[np.float64]:
        total = weights @ high
        total[:, uneven] += weights @ low
        return total

    return sums


def exact_halves(added: NDArray[np.float64], most: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Numbers cut into two of so few digits each that no sum of either is rounded; see `exact_sums`.

    Args:
        added: What each patient adds, `[patients, k]`.
        most: How many patients a draw has, with repeats.

    Returns:
        The larger and the smaller half, `[patients, k]` each.
    """
    room = _DIGITS - max(most, 1).bit_length()
    exponents = np.frexp(np.abs(added).max(axis=0, initial=0.0))[1]
    unit = np.ldexp(1.0, np.maximum(exponents, _SMALLEST) - room)
    high = np.rint(added / unit) * unit
    unit = np.ldexp(unit, -room)
    return high, np.rint((added - high) / unit) * unit


def divided(
    total: NDArray[np.float64], number: NDArray[np.float64] | NDArray[np.int64], *, otherwise: float = np.nan
) -> NDArray[np.float64]:
    """Quotients, broadcast as division does; `otherwise` where the number is not above 0."""
    there = number > 0
    if there.all():
        return total / number
    return np.divide(total, number, out=np.full(np.broadcast_shapes(total.shape, number.shape), otherwise), where=there)


def mean_of_counted(values: NDArray[np.float64], counted: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Means over the classes that count, `[draws, ...]`; NaN where none does.

    Args:
        values: Of each class, `[draws, classes, ...]`.
        counted: Which of them count, `[draws, classes, ...]`.
    """
    return divided(np.where(counted, values, 0.0).sum(axis=1), counted.sum(axis=1))
