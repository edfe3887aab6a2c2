"""The same samples under several methods, side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..evaluation.schema import DatasetInfo, drawn_patients
from .runs import Run


@dataclass(frozen=True, eq=False)
class Paired:
    """A metric's values of several methods on the samples that any of them has.

    Attributes:
        rows: What is known of each sample, `[n]`: `sample_id`, `pathology`, `patient_key`, and what was asked for.
        values: `[n, methods]`; NaN where a method has no row or no value for a sample.
        dataset: What the runs say of their data.
    """

    rows: pd.DataFrame
    values: NDArray[np.float64]
    dataset: DatasetInfo

    @property
    def pathology(self) -> NDArray[np.str_]:
        """Each sample's class, `[n]`."""
        return self.rows["pathology"].to_numpy(dtype=str)

    @property
    def patient(self) -> NDArray[np.str_]:
        """Each sample's patient, `[n]`, under the name by which random draws number patients."""
        return np.array(drawn_patients(self.rows, self.dataset), dtype=str)


def paired_values(runs: Sequence[Run], metric: str, also: Sequence[str] = ()) -> Paired:
    """Put runs of one setting side by side, by sample id.

    Args:
        runs: At least one run; each has the metric.
        metric: The metric's key.
        also: Further columns of the samples, which are the same for all methods.

    Raises:
        StoreError: If the rows of a run cannot be read any more.
    """
    columns = ["sample_id", "pathology", "patient_key", *also]
    described = runs[0].samples(columns)
    first = described["sample_id"]
    # A protocol may skip other samples for other methods.
    for run in runs[1:]:
        ids = run.samples(["sample_id"])["sample_id"]
        if not ids.equals(first):
            rows = run.samples(columns)
            described = pd.concat([described, rows.loc[~ids.isin(described["sample_id"])]], ignore_index=True)
    index = pd.Index(described["sample_id"])
    values = np.full((len(index), len(runs)), np.nan)
    for column, run in enumerate(runs):
        rows = run.samples(["sample_id", metric])
        ids = rows["sample_id"]
        place = slice(0, len(ids)) if ids.equals(first) else index.get_indexer(pd.Index(ids))
        values[place, column] = rows[metric].to_numpy(dtype=np.float64, na_value=np.nan)
    return Paired(described, values, runs[0].info.dataset)
