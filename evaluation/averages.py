"""The averages of a result's rows, as its protocol makes them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import pandas as pd

from ..metrics import Reduced, Summary, summarise
from ..metrics.statistics import ClassWeights
from .columns import AnyMetric, parts_of
from .schema import DatasetInfo


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


def drawn_patients(samples: pd.DataFrame, dataset: DatasetInfo) -> list[str]:
    """Each row's patient, under names whose alphabetical order is that in which random draws number patients.

    The keys themselves, or, where these are a secret's, the place at which a patient is first met: two owners of the
    same data with different secrets draw the same.

    Args:
        samples: The rows.
        dataset: The data.
    """
    if not dataset.private_ids:
        return samples["patient_key"].astype(str).tolist()
    places, _ = pd.factorize(samples["patient_key"].to_numpy(dtype=str))
    return [f"{place:09d}" for place in places]


def unit_of(samples: pd.DataFrame) -> Literal["patient", "image"]:
    """What draws and flips of the rows are over: images where every row's patient is its image, for lack of another."""
    nobody = len(samples) > 0 and bool((samples["patient_key"] == samples["image_key"]).all())
    return "image" if nobody else "patient"
