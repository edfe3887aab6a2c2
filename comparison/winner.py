"""The best method of a column against the others, on the samples that both have."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..evaluation.schema import MetricInfo
from .entrant import Entrant
from .head_to_head import shared_draws
from .pairing import paired_values
from .significance import mean_differences, paired_p_values

Floats = NDArray[np.float64]


class WinnerTests:
    """Tests of one method against others, each by the test that the metric's cells take.

    Args:
        entrants: Of one setting; all have the metric.
        metric: The metric.

    Raises:
        StoreError: If the rows of a run cannot be read any more.
    """

    def __init__(self, entrants: Sequence[Entrant], metric: MetricInfo) -> None:
        self._paired = paired_values(entrants, metric.key)
        self._draws = None if metric.reducer is None else shared_draws(self._paired, entrants, metric)

    def of(self, winner: int, others: Sequence[int], columns: Sequence[str]) -> dict[str, tuple[Floats, Floats]]:
        """Differences and p-values.

        Args:
            winner: A method's place among the entrants.
            others: Those of others.
            columns: Pathologies, "macro", "micro".

        Returns:
            By column, for each of the others `[m]`: the winner's cell minus its own on the samples that both have, and
            the p-value, not yet corrected; NaN where the two share no sample.
        """
        if self._draws is None:
            paired = self._paired
            table = paired.values[:, [winner]] - paired.values[:, list(others)]
            p = paired_p_values(table, paired.pathology, paired.patient, columns=columns)
            return {column: (mean_differences(table, paired.pathology, column), p[column]) for column in columns}
        return self._draws.tests(winner, others, columns)
