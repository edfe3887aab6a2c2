"""The same samples under several methods, side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from .library import Run


@dataclass(frozen=True, eq=False)
class Paired:
    """A metric's values of several methods on the samples that any of them has.

    Attributes:
        sample_id: `[n]`.
        pathology: `[n]`.
        patient: Opaque key of each sample's patient, `[n]`.
        values: `[n, methods]`; NaN where a method has no row or no value for a sample.
    """

    sample_id: pd.Index
    pathology: NDArray[np.str_]
    patient: NDArray[np.str_]
    values: NDArray[np.float64]


def paired_values(runs: Sequence[Run], metric: str) -> Paired:
    """Put runs of one setting side by side, by sample id.

    Args:
        runs: At least one run; each has the metric.
        metric: The metric's key.

    Raises:
        StoreError: If the rows of a run cannot be read any more.
    """
    described = runs[0].samples(["sample_id", "pathology", "patient_key"])
    first = described["sample_id"]
    # A protocol may skip other samples for other methods.
    for run in runs[1:]:
        ids = run.samples(["sample_id"])["sample_id"]
        if not ids.equals(first):
            rows = run.samples(["sample_id", "pathology", "patient_key"])
            described = pd.concat([described, rows.loc[~ids.isin(described["sample_id"])]], ignore_index=True)
    index = pd.Index(described["sample_id"])
    values = np.full((len(index), len(runs)), np.nan)
    for column, run in enumerate(runs):
        rows = run.samples(["sample_id", metric])
        ids = rows["sample_id"]
        place = slice(0, len(ids)) if ids.equals(first) else index.get_indexer(pd.Index(ids))
        values[place, column] = rows[metric].to_numpy(dtype=np.float64, na_value=np.nan)
    pathology, patient = (described[name].to_numpy(dtype=str) for name in ("pathology", "patient_key"))
    return Paired(index, pathology, patient, values)
