"""The same samples under several methods, side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..evaluation.agreement import DESCRIBED
from ..evaluation.averages import drawn_patients
from ..evaluation.columns import parts_columns, parts_of
from ..evaluation.schema import DatasetInfo, MetricInfo
from ..metrics import Reduced
from .entrant import Entrant


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


def paired_values(runs: Sequence[Entrant], metric: str, also: Sequence[str] = ()) -> Paired:
    """Put runs of one setting side by side, by sample id.

    Args:
        runs: At least one run; each has the metric.
        metric: The metric's key.
        also: Further columns of the samples, which are the same for all methods.

    Raises:
        StoreError: If the rows of a run cannot be read any more.
    """
    columns = [*DESCRIBED, *also]
    described = runs[0].samples(columns)
    first = described["sample_id"]
    rows = [run.samples(_columns_of(metric, run.metric(metric))) for run in runs]
    # A protocol may skip other samples for other methods.
    for run, mine in zip(runs[1:], rows[1:], strict=True):
        ids = mine["sample_id"]
        if not ids.equals(first):
            more = run.samples(columns)
            described = pd.concat([described, more.loc[~ids.isin(described["sample_id"])]], ignore_index=True)
    index = pd.Index(described["sample_id"])
    values = np.full((len(index), len(runs)), np.nan)
    for column, mine in enumerate(rows):
        ids = mine["sample_id"]
        place = slice(0, len(ids)) if ids.equals(first) else index.get_indexer(pd.Index(ids))
        values[place, column] = mine[metric].to_numpy(dtype=np.float64, na_value=np.nan)
    return Paired(described, values, runs[0].info.dataset)


def paired_parts(paired: Paired, runs: Sequence[Entrant], metric: MetricInfo) -> list[Reduced]:
    """What the samples of `paired.rows` add to the cells of a metric whose cells are no means, for each method.

    Args:
        paired: What `paired_values` gave for these runs.
        runs: The runs.
        metric: Has a reducer.

    Raises:
        StoreError: If the rows of a run cannot be read any more.
    """
    reducer = metric.reducer
    assert reducer is not None  # noqa: S101  (the callers ask only where there is one)
    index = pd.Index(paired.rows["sample_id"])
    found: list[Reduced] = []
    for run in runs:
        rows = run.samples(_columns_of(metric.key, metric))
        parts = parts_of(rows, metric.key, reducer)
        if not rows["sample_id"].equals(paired.rows["sample_id"]):
            parts = parts.at(pd.Index(rows["sample_id"]).get_indexer(index).astype(np.int64))
        found.append(Reduced(reducer, parts))
    return found


def _columns_of(key: str, metric: MetricInfo | None) -> list[str]:
    """All that is read of a run for a metric: at once, since a file is opened and checked each time."""
    return ["sample_id", key, *([] if metric is None else parts_columns(key, metric.reducer))]
