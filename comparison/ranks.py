"""Mean ranks of methods over data sets, and by how much they must differ: Friedman's test and Nemenyi's difference."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from .significance import LEVEL

FEWEST = 3
"""Data sets and methods that it takes; with fewer Friedman's test says nothing."""


@dataclass(frozen=True, eq=False)
class Ranks:
    """Methods ranked on each data set.

    Attributes:
        mean: Each method's mean rank, `[methods]`; 1 is the best that there is, equals share the mean of their ranks.
        p: P-value of "all methods do equally well" (Friedman, 1937; chi-squared approximation).
        critical: How far two mean ranks must be apart to differ at `LEVEL` (Nemenyi, 1963).
        n_sets: Data sets that it rests on.
    """

    mean: NDArray[np.float64]
    p: float
    critical: float
    n_sets: int


def mean_ranks(values: ArrayLike, *, higher_is_better: bool) -> Ranks | None:
    """Rank methods over data sets, after Demšar (*Journal of Machine Learning Research* 7, 2006).

    The data set is the unit: intervals within one do not count.

    Args:
        values: `[sets, methods]`, each a number.
        higher_is_better: Whether the largest value has rank 1.

    Returns:
        None with fewer than `FEWEST` sets or methods.
    """
    table = np.asarray(values, dtype=np.float64)
    if table.ndim != 2 or min(table.shape) < FEWEST:
        return None
    n_sets, methods = table.shape
    ranks = stats.rankdata(-table if higher_is_better else table, axis=1)
    # Where all are equal on every set there is nothing to divide by.
    alike = bool((ranks == ranks[:, :1]).all())
    p = 1.0 if alike else float(stats.friedmanchisquare(*ranks.T).pvalue)
    quantile = float(stats.studentized_range.ppf(1 - LEVEL, methods, np.inf)) / np.sqrt(2)
    critical = float(quantile * np.sqrt(methods * (methods + 1) / (6 * n_sets)))
    return Ranks(ranks.mean(axis=0), p, critical, n_sets)
