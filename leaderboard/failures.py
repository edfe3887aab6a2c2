"""Where a method fails: its worst samples, slices of the data, and why values are what they are."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Literal

import numpy as np
import pandas as pd

from ..comparison.pairing import Paired, paired_parts, paired_values
from ..core import GroundCXRError
from ..metrics.statistics import summarise
from .runs import Run

Slicing = Literal["box_area", "n_boxes", "side", "zone"]
SLICINGS: tuple[Slicing, ...] = ("box_area", "n_boxes", "side", "zone")

UNKNOWN = "not known"
_AREAS = (0.01, 0.03, 0.1, 0.3)
_AREA_NAMES = ("under 1 %", "1 to 3 %", "3 to 10 %", "10 to 30 %", "30 % and more")
_MANY = 3


def worst_samples(run: Run, metric: str, *, pathology: str | None = None, count: int = 50) -> pd.DataFrame:
    """The samples with the worst values, worst first.

    Args:
        run: The run.
        metric: The metric's key.
        pathology: Only this class.
        count: How many, at most.

    Returns:
        Columns `sample_id`, `pathology`, `value`, `status`, `error` (the kind of what went wrong, else None),
        `box_area` (share of the image), `n_boxes`, `side`, `zone`, `image_key`. Samples that the metric leaves out have
        no value and are not among them; `status_counts` counts them.

    Raises:
        GroundCXRError: If the run does not have the metric.
    """
    info = run.metric(metric)
    if info is None:
        raise GroundCXRError(f"{run.label} does not have the metric {metric!r}")
    described = ["box_area", "n_boxes", "side", "zone", "image_key"]
    rows = run.samples(["sample_id", "pathology", metric, f"{metric}_status", "error", *described])
    rows = rows.rename(columns={metric: "value", f"{metric}_status": "status"}).dropna(subset=["value"])
    if pathology is not None:
        rows = rows.loc[rows["pathology"] == pathology]
    # Sample ids decide between equals, so that a page shows the same rows each time.
    order = rows.sort_values(["value", "sample_id"], ascending=[info.higher_is_better, True], kind="stable")
    return order.head(count).reset_index(drop=True)


def slices(runs: Sequence[Run], metric: str, by: Slicing, *, pathology: str | None = None) -> pd.DataFrame:
    """A metric over slices of the samples: means, or, where its cells are no means, cells made of a slice's samples.

    Args:
        runs: Runs of one setting; those without the metric are left out.
        metric: The metric's key.
        by: What to slice by: the target's share of the image, its number of boxes, its side, its zone.
        pathology: Only this class.

    Returns:
        One row for each run and slice, in the slices' order: `run` (id), `method` (label), `slice`, `value`, `low`,
        `high` (95 %, bootstrap over patients), `n`. Empty where the data set does not know `side` or `zone`.
    """
    with_metric = tuple(run for run in runs if run.metric(metric) is not None)
    return _slices(with_metric, metric, by, pathology).copy()


@lru_cache(maxsize=64)
def _slices(runs: tuple[Run, ...], metric: str, by: Slicing, pathology: str | None) -> pd.DataFrame:
    columns = ["run", "method", "slice", "value", "low", "high", "n"]
    if not runs:
        return pd.DataFrame(columns=columns)
    paired = paired_values(runs, metric, [by])
    if pathology is not None:
        mine = paired.pathology == pathology
        paired = Paired(paired.rows.loc[mine].reset_index(drop=True), paired.values[mine], paired.dataset)
    if paired.rows.empty:
        return pd.DataFrame(columns=columns)
    names, order = _slicer(by)(pd.Series(paired.rows[by]))
    there = set(names)
    present = [name for name in order if name in there]
    if present == [UNKNOWN]:
        return pd.DataFrame(columns=columns)
    info = runs[0].metric(metric)
    parts = [] if info is None or info.reducer is None else paired_parts(paired, runs, info)
    reduced = dict(enumerate(parts))
    summary = summarise(paired.values, names, paired.patient.tolist(), pathologies=present, reduced=reduced)
    rows = [
        {"run": run.id, "method": run.label, "slice": name, **dataclasses.asdict(summary.pathologies[name][place])}
        for place, run in enumerate(runs)
        for name in present
    ]
    return pd.DataFrame(rows, columns=columns)


def status_counts(run: Run, *, pathology: str | None = None) -> pd.DataFrame:
    """How many samples have which status: `metric` (key), `label`, `status`, `n`, most frequent first per metric.

    Args:
        run: The run.
        pathology: Only this class.

    Raises:
        StoreError: If the rows of a run cannot be read any more.
    """
    labels = {metric.key: metric.label for metric in run.info.metrics}
    statuses = run.info.statuses if pathology is None else _statuses(run, pathology)
    rows = [
        {"metric": key, "label": labels[key], "status": status, "n": n}
        for key, counts in statuses.items()
        for status, n in sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    ]
    return pd.DataFrame(rows, columns=["metric", "label", "status", "n"])


def _statuses(run: Run, pathology: str) -> dict[str, dict[str, int]]:
    keys = list(run.info.statuses)
    rows = run.samples(["pathology", *(f"{key}_status" for key in keys)])
    mine = rows.loc[rows["pathology"] == pathology]
    return {key: {str(name): int(n) for name, n in mine[f"{key}_status"].value_counts().items()} for key in keys}


def _slicer(by: Slicing) -> Callable[[pd.Series], tuple[list[str], Sequence[str]]]:
    return {"box_area": _by_area, "n_boxes": _by_boxes, "side": _by_name, "zone": _by_name}[by]


def _by_area(column: pd.Series) -> tuple[list[str], Sequence[str]]:
    places = np.searchsorted(_AREAS, column.to_numpy(dtype=np.float64), side="right")
    return [_AREA_NAMES[place] for place in places], _AREA_NAMES


def _by_boxes(column: pd.Series) -> tuple[list[str], Sequence[str]]:
    numbers = column.to_numpy(dtype=np.int64)
    order = [*(str(number) for number in range(_MANY)), f"{_MANY} and more"]
    return [order[min(number, _MANY)] for number in numbers], order


def _by_name(column: pd.Series) -> tuple[list[str], Sequence[str]]:
    names = column.astype(object).where(column.notna(), UNKNOWN).astype(str).tolist()
    known = [name for name in ("left", "right", "bilateral", "upper", "mid", "lower") if name in names]
    return names, [*known, *sorted(set(names) - {*known, UNKNOWN}), UNKNOWN]
