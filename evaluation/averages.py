"""The averages of a result's rows, as its protocol makes them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from ..metrics import Reduced, Summary, summarise
from ..metrics.statistics import ClassWeights
from .columns import AnyMetric, parts_of
from .schema import DatasetInfo, drawn_patients


def average(
    samples: pd.DataFrame,
    metrics: Sequence[AnyMetric],
    dataset: DatasetInfo,
    pathologies: Sequence[str],
    weights: ClassWeights | None = None,
) -> Summary:
    """Every cell of a result, with its interval.

    Args:
        samples: The rows.
        metrics: Of the columns.
        dataset: Whose rows they are.
        pathologies: The classes, in the order of the table.
        weights: How classes weigh in a third average.

    Raises:
        ValueError: If rows hold what no cell can be made of.
    """
    reduced = {
        column: Reduced(metric.reducer, parts_of(samples, metric.key, metric.reducer))
        for column, metric in enumerate(metrics)
        if metric.reducer is not None
    }
    return summarise(
        samples[[metric.key for metric in metrics]].to_numpy(dtype=np.float64, na_value=np.nan),
        samples["pathology"].tolist(),
        drawn_patients(samples, dataset),
        pathologies=pathologies,
        reduced=reduced,
        weights=weights,
    )
