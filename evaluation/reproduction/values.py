"""Two results of the same samples, compared value by value."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ...metrics.parts import Parts
from ..columns import parts_of
from ..result import Result
from ..schema import Cell, MetricInfo, ResultFile
from .record import CLOSE, DIFFERENT, IDENTICAL, TOLERANCE, DifferingAverage, DifferingValues

_MOST_AVERAGES = 20
_OF: tuple[Literal["value", "low", "high", "std", "n"], ...] = ("value", "low", "high", "std", "n")


@dataclass(frozen=True)
class Compared:
    """What two results differ by; see `ReproductionFile`.

    Attributes:
        verdict: What came of it.
        n_samples: Rows that both have.
        n_only_in_result: Rows of the first alone.
        n_only_again: Rows of the second alone.
        values: Metrics with rows that differ.
        averages: Cells that differ.
    """

    verdict: Literal["identical", "within 1e-5", "different"]
    n_samples: int
    n_only_in_result: int
    n_only_again: int
    values: list[DifferingValues]
    averages: list[DifferingAverage]


def compare(result: Result, again: Result) -> Compared:
    """Compare two results by sample id: values, statuses, failures, and what cells that are no means are made of.

    Times are not compared, nor is what the data set says of a sample.

    Args:
        result: The one that was there.
        again: The one that was made again.
    """
    before, after = _by_id(result.samples), _by_id(again.samples)
    both = before.index.intersection(after.index)
    before, after = before.loc[both], after.loc[both]
    there = {metric.key: metric for metric in again.info.metrics}
    shared = [metric for metric in result.info.metrics if there.get(metric.key) == metric]
    found: list[tuple[float, DifferingValues]] = []
    for metric in shared:
        gaps = _gaps(before, after, metric)
        if gaps.any():
            worst = int(gaps.argmax())
            found.append((float(gaps[worst]), _described(metric.key, gaps, worst, before, after)))
    averages = _averages(result.info, again.info, shared)
    lacking = len(result.samples) - len(both), len(again.samples) - len(both)
    largest = max([gap for gap, _ in found] + [gap for gap, _ in averages], default=0.0)
    if any(lacking) or {metric.key for metric in shared} != {*there, *(one.key for one in result.info.metrics)}:
        largest = math.inf
    verdict = IDENTICAL if largest == 0 else CLOSE if largest <= TOLERANCE else DIFFERENT
    cells = [one for _, one in sorted(averages, key=lambda pair: -pair[0])[:_MOST_AVERAGES]]
    return Compared(verdict, len(both), *lacking, [one for _, one in found], cells)


def _by_id(samples: pd.DataFrame) -> pd.DataFrame:
    return samples.set_index(samples["sample_id"].astype(str))


def _gaps(before: pd.DataFrame, after: pd.DataFrame, metric: MetricInfo) -> NDArray[np.float64]:
    """How far each row's values are apart, `[n]`; infinite where they cannot be told in numbers."""
    gaps = _apart(_numbers(before, metric.key), _numbers(after, metric.key))
    for column in (f"{metric.key}_status", "error"):
        one, other = (frame[column].astype("string").fillna("").to_numpy() for frame in (before, after))
        gaps[one != other] = np.inf
    if metric.reducer is not None:
        parts = (parts_of(frame, metric.key, metric.reducer) for frame in (before, after))
        gaps = np.maximum(gaps, _parts_apart(*parts))
    return gaps


def _numbers(samples: pd.DataFrame, key: str) -> NDArray[np.float64]:
    return samples[key].to_numpy(dtype=np.float64, na_value=np.nan)


def _apart(one: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.float64]:
    scale = np.fmax(1.0, np.fmax(np.abs(one), np.abs(other)))
    gaps = np.abs(one - other) / scale
    gaps[np.isnan(one) & np.isnan(other)] = 0.0
    return np.where(np.isnan(gaps), np.inf, gaps)


def _parts_apart(before: Parts, after: Parts) -> NDArray[np.float64]:
    gaps = np.where(before.there != after.there, np.inf, 0.0)
    for mine, its in zip(before.lengths, after.lengths, strict=True):
        gaps[mine != its] = np.inf
    same = np.flatnonzero(np.isfinite(gaps))
    one, other = before.at(same), after.at(same)
    for mine, its, lengths in zip(one.values, other.values, one.lengths, strict=True):
        np.maximum.at(gaps, np.repeat(same, lengths), _apart(mine, its))
    return gaps


def _described(
    key: str, gaps: NDArray[np.float64], worst: int, before: pd.DataFrame, after: pd.DataFrame
) -> DifferingValues:
    said: list[tuple[float | None, str]] = []
    for frame in (before, after):
        value = float(_numbers(frame, key)[worst])
        said.append((None if math.isnan(value) else value, str(frame[f"{key}_status"].iloc[worst])))
    return DifferingValues(
        metric=key,
        n=int((gaps > 0).sum()),
        largest=float(gaps[worst]) if math.isfinite(gaps[worst]) else None,
        sample_id=str(before.index[worst]),
        result=said[0],
        again=said[1],
    )


def _averages(
    before: ResultFile, after: ResultFile, metrics: Sequence[MetricInfo]
) -> list[tuple[float, DifferingAverage]]:
    found: list[tuple[float, DifferingAverage]] = []
    tables, others = _tables(before), _tables(after)
    for column, cells in tables.items():
        for metric in metrics:
            mine, its = cells[metric.key], others.get(column, {}).get(metric.key)
            for of in _OF:
                one, other = getattr(mine, of), None if its is None else getattr(its, of)
                pair = (np.array([np.nan if end is None else float(end)]) for end in (one, other))
                if gap := float(_apart(*pair)[0]):
                    said = DifferingAverage(column=column, metric=metric.key, of=of, result=one, again=other)
                    found.append((gap, said))
    return found


def _tables(info: ResultFile) -> dict[str, dict[str, Cell]]:
    tables = {"macro": info.overall.macro, "micro": info.overall.micro}
    return tables | ({} if info.overall.weighted is None else {"weighted": info.overall.weighted}) | info.pathologies
