"""The invariants of a result, which it must meet on write, on read and on import."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..core import StoreError
from ..metrics import Metric, Reduced, Reducer, known_protocol
from ..metrics.reduced_cells import point_values
from .averages import drawn_patients, unit_of
from .columns import column_problems, columns_of, parts_of
from .schema import Cell, MetricInfo, ResultFile

_TOLERANCE = 1e-9
_LEFT_OUT = {"empty_target", "full_target", "failed", "empty_prediction", "not_applicable", "negative"}


def refuse_contradictions(info: ResultFile, samples: pd.DataFrame, name: str) -> None:
    """Refuse a result that contradicts itself.

    Args:
        info: The content of `result.json`.
        samples: The rows.
        name: What it is called in the message.

    Raises:
        StoreError: With the first of `problems_of`.
    """
    problems = problems_of(info, samples)
    if problems:
        raise StoreError(f"{name} contradicts itself: {'; '.join(problems[:3])}")


def refuse_other_metrics(info: ResultFile, name: str) -> None:
    """Hold a result's metrics against those of its protocol, where that protocol is known here.

    Args:
        info: The content of `result.json`.
        name: What it is called in the message.

    Raises:
        StoreError: If its metrics, or those that it says are derived, are others.
    """
    protocol = known_protocol(info.protocol.name, info.protocol.hash)
    if protocol is None:
        return
    if info.derived != protocol.derived_for(info.method.emits):
        raise StoreError(
            f"{name} does not say which of its metrics are derived as its protocol {protocol.name} has it; run it "
            "again, or ask for the file as evaluate wrote it"
        )
    # Directions too: with the other one, the worst would stand first in a table.
    if info.metrics != metric_infos(protocol.metrics_for(info.method.emits)):
        raise StoreError(
            f"{name} does not have the metrics of its protocol {protocol.name} (keys, labels, ranges, directions); run "
            "it again, or ask for the file as evaluate wrote it"
        )


def metric_infos(metrics: Sequence[Metric]) -> list[MetricInfo]:
    """What a result's file says of a protocol's metrics."""
    return [
        MetricInfo.model_validate(
            {
                **{name: getattr(metric, name) for name in MetricInfo.model_fields if name != "cells"},
                "cells": None if metric.reducer is None else metric.reducer.said(),
            }
        )
        for metric in metrics
    ]


def problems_of(result: ResultFile, samples: pd.DataFrame) -> list[str]:
    """What contradicts itself in a result; empty for a sound one.

    Checked: the columns and metrics are there, the columns hold what they should, the values lie in their metric's
    range and are absent only where the status says why, counts, averages and deviations are those of the rows, macro is
    the mean of the classes, and no interval is upside down.
    """
    keys = [metric.key for metric in result.metrics]
    missing = [name for name in columns_of(result.schema_version, result.metrics) if name not in samples]
    if missing:
        return [f"samples.parquet lacks the columns {', '.join(missing)}"]
    found = column_problems(samples, keys)
    if found:
        return found
    if len(samples) != result.dataset.n_samples - result.dataset.n_skipped:
        found.append(f"{len(samples)} rows for {result.dataset.n_samples - result.dataset.n_skipped} samples")
    if samples["sample_id"].duplicated().any():
        found.append("a sample_id occurs twice")
    if taken := sorted({"macro", "micro"} & set(result.pathologies)):
        found.append(f"a pathology is named {taken[0]}, as an average is")
    if set(samples["pathology"]) != set(result.pathologies):
        found.append("the pathologies are not those of the rows")
    if result.dataset.unit == "image" and len(samples) and unit_of(samples) == "patient":
        found.append("it says that no sample has a patient, and its rows have some")
    failed = len(samples["error"].dropna())
    if failed != result.n_failed:
        found.append(f"n_failed is {result.n_failed}, the rows give {failed}")
    texts = result.texts
    if texts is not None and (
        texts.answers > len(samples)
        or texts.refusals + texts.unparseable > texts.answers
        or texts.repaired > texts.answers
        or texts.unparseable > failed
    ):
        found.append("the counts of answers in words exceed those of the rows")
    if unlisted := sorted(set(result.derived or []) - set(keys)):
        found.append(f"the derived metrics {', '.join(unlisted)} are not among its metrics")
    tables = {"macro": result.overall.macro, "micro": result.overall.micro, **result.pathologies}
    if result.overall.weighted is not None:
        tables["weighted"] = result.overall.weighted
    for name, cells in tables.items():
        if set(cells) != set(keys):
            found.append(f"the metrics of {name} are not those listed")
    if found:
        return found
    pathology = samples["pathology"].to_numpy(dtype=str)
    rows = {name: pathology == name for name in result.pathologies}
    for metric in result.metrics:
        found.extend(_metric_problems(result, samples, rows, metric))
    return found


def _metric_problems(
    result: ResultFile, samples: pd.DataFrame, rows: Mapping[str, NDArray[np.bool_]], metric: MetricInfo
) -> list[str]:
    key = metric.key
    values = samples[key].to_numpy(dtype=np.float64, na_value=np.nan)
    seen = values[~np.isnan(values)]
    found: list[str] = []
    low = -math.inf if metric.low is None else metric.low
    high = math.inf if metric.high is None else metric.high
    if seen.size and (seen.min() < low - _TOLERANCE or seen.max() > high + _TOLERANCE):
        found.append(f"{key} leaves its range [{metric.low}, {metric.high}]")
    statuses = list(map(str, samples[f"{key}_status"].tolist()))
    if Counter(statuses) != result.statuses.get(key):
        found.append(f"the status counts of {key} are not those of the rows")
    if metric.reducer is not None:
        return [*found, *_reduced_problems(result, samples, key, metric.reducer)]
    if not {statuses[row] for row in np.flatnonzero(np.isnan(values))} <= _LEFT_OUT:
        found.append(f"{key} has no value in a row whose status does not say why")
    means: list[float] = []
    for name, cells in result.pathologies.items():
        mine = values[rows[name]]
        mine = mine[~np.isnan(mine)]
        if mine.size:
            means.append(float(mine.mean()))
        found.extend(_cell_problems(f"{key} of {name}", cells[key], mine, mine.size))
    found.extend(_cell_problems(f"macro {key}", result.overall.macro[key], np.array(means), seen.size))
    found.extend(_cell_problems(f"micro {key}", result.overall.micro[key], seen, seen.size))
    return found


def _reduced_problems(result: ResultFile, samples: pd.DataFrame, key: str, reducer: Reducer) -> list[str]:
    """What contradicts itself in the cells of a metric that are no means."""
    try:
        parts = parts_of(samples, key, reducer)
    except ValueError as error:
        return [str(error)]
    left_out = samples.loc[~parts.there, f"{key}_status"].astype(str)
    if not set(left_out) <= _LEFT_OUT:
        return [f"{key} adds nothing to a cell in a row whose status does not say why"]
    pathology = samples["pathology"].astype(str).tolist()
    patients = drawn_patients(samples, result.dataset)
    classes, micro = point_values(Reduced(reducer, parts), pathology, patients, list(result.pathologies))
    counted = Counter(name for name, there in zip(pathology, parts.there.tolist(), strict=True) if there)
    valued = [value for value in classes.values() if not math.isnan(value)]
    macro = float(np.mean(valued)) if valued else math.nan
    cells = {name: (result.pathologies[name][key], value, counted[name]) for name, value in classes.items()}
    cells["macro"] = (result.overall.macro[key], macro, counted.total())
    cells["micro"] = (result.overall.micro[key], micro, counted.total())
    found: list[str] = []
    for name, (cell, value, n) in cells.items():
        if cell.n != n:
            found.append(f"{key} of {name} rests on {cell.n} samples, the rows give {n}")
        elif (cell.value is None) != math.isnan(value):
            found.append(f"{key} of {name} is {cell.value}, the rows give {None if math.isnan(value) else value}")
        elif cell.value is not None and not math.isclose(cell.value, value, rel_tol=1e-6, abs_tol=1e-9):
            found.append(f"{key} of {name} is {cell.value}, the rows give {value}")
        elif cell.low is not None and cell.high is not None and cell.low > cell.high:
            found.append(f"the interval of {key} of {name} is upside down")
    return found


def _cell_problems(name: str, cell: Cell, values: np.ndarray[Any, np.dtype[np.float64]], n: int) -> list[str]:
    if cell.n != n:
        return [f"{name} rests on {cell.n} samples, the rows give {n}"]
    if n == 0:
        return [] if cell.value is None else [f"{name} has a value and no rows"]
    mean = float(values.mean())
    if cell.value is None or not math.isclose(cell.value, mean, rel_tol=1e-6, abs_tol=1e-9):
        return [f"{name} is {cell.value}, the rows give {mean}"]
    std = float(values.std())
    if cell.std is None or not math.isclose(cell.std, std, rel_tol=1e-6, abs_tol=1e-9):
        return [f"the standard deviation of {name} is {cell.std}, the rows give {std}"]
    if cell.low is not None and cell.high is not None and cell.low > cell.high:
        return [f"the interval of {name} is upside down"]
    return []
