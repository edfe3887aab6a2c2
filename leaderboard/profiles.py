"""The tables behind charts: every metric of every method, and speed beside quality."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from ..comparison.significance import MACRO
from ..evaluation.derived import is_derived
from .runs import Run
from .tables import cells_of


def profile(runs: Sequence[Run], column: str = MACRO) -> pd.DataFrame:
    """Every metric of every method, for a heat table or a radar.

    Args:
        runs: Runs of one setting.
        column: A pathology, "macro" or "micro".

    Returns:
        One row for each run and metric: `run` (id), `method` (label), `metric` (key), `label`, `derived`, `value`,
        `low`, `high`, `n`, `share`. `share` is the value's place among the runs shown, from 0 (worst) to 1 (best),
        equal ones in between: it colours metrics of different units, and no outlier takes the others' colours away.
    """
    table = pd.DataFrame(
        [
            {
                "run": run.id,
                "method": run.label,
                "metric": metric.key,
                "label": metric.label,
                "derived": is_derived(run.info, metric.key),
                **cells_of(run.info, column)[metric.key].model_dump(exclude={"std"}),
                "sign": 1.0 if metric.higher_is_better else -1.0,
            }
            for run in runs
            for metric in run.info.metrics
            if metric.key in cells_of(run.info, column)
        ],
        columns=["run", "method", "metric", "label", "derived", "value", "low", "high", "n", "sign"],
    )
    signed = table["value"].astype(float) * table.pop("sign").astype(float)
    places = pd.Series(signed.groupby(table["metric"]).rank())
    last = pd.Series(signed.groupby(table["metric"]).transform("count")) - 1
    table["share"] = ((places - 1) / last.where(last > 0)).where(last > 0, 0.5).where(signed.notna())
    return table


def speed_quality(runs: Sequence[Run], metric: str, column: str = MACRO) -> pd.DataFrame:
    """How long a sample takes, and what comes of it.

    Returns:
        One row for each run with the metric and a known time: `run` (id), `method`, `kind`, `control`, `device`,
        `seconds` (per sample), `value`, `low`, `high`.
    """
    rows = []
    for run in runs:
        cell = cells_of(run.info, column).get(metric)
        scored = run.info.dataset.n_samples - run.info.dataset.n_skipped
        if cell is None or cell.value is None or run.info.run.seconds <= 0:
            continue
        rows.append(
            {
                "run": run.id,
                "method": run.label,
                "kind": run.info.method.kind,
                "control": run.info.method.control,
                "device": run.info.run.device,
                "seconds": run.info.run.seconds / scored,
                **cell.model_dump(include={"value", "low", "high"}),
            }
        )
    names = ["run", "method", "kind", "control", "device", "seconds", "value", "low", "high"]
    return pd.DataFrame(rows, columns=names)
