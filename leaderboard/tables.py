"""Which tables results make: one for each group of runs and metric, of which values, native or derived."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from ..comparison.significance import MACRO, MICRO
from ..core import GroundCXRError
from ..evaluation.derived import is_derived
from ..evaluation.metric_names import metric_key
from ..evaluation.schema import Cell, ResultFile
from .runs import Run, metrics_of

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

T = TypeVar("T", bound="DataclassInstance")


def tables_of(
    groups: Sequence[Sequence[Run]],
    metrics: Sequence[str],
    make: Callable[[Sequence[Run], str], T | None],
    *,
    only_native: bool = False,
) -> list[T]:
    """A table for each group of runs and metric that they have.

    Args:
        groups: The runs of a table each.
        metrics: Keys of metrics; the headline ones of each group by default.
        make: Makes the table of a group and a metric's key; None where there is none.
        only_native: Whether to leave out the runs whose values would be derived.

    Raises:
        UnknownNameError: If no run has one of the metrics.
        GroundCXRError: If only derived values are left.
    """
    known = [metric for runs in groups for metric in metrics_of(runs)]
    metrics = [metric_key(name, known, "these results") for name in metrics]
    tables: list[T] = []
    for runs in groups:
        there = {metric.key: metric for metric in metrics_of(runs)}
        headline = [key for key, metric in there.items() if metric.headline] or list(there)
        for key in metrics or headline:
            left = native(runs, key) if only_native else runs
            if key in there and left:
                table = make(left, key)
                if table is not None:
                    tables.append(replace(table, only_native=True) if only_native else table)
    if only_native and not tables:
        raise GroundCXRError(
            f"all values of {', '.join(metrics) or 'these results'} are derived from another kind of answer; leave out "
            "--only-native, or choose another --metric"
        )
    return tables


def native(runs: Sequence[Run], metric: str) -> tuple[Run, ...]:
    """The runs whose values of a metric are of an answer that the method gives itself."""
    return tuple(run for run in runs if not is_derived(run.info, metric))


def cells_of(info: ResultFile, column: str) -> dict[str, Cell]:
    """The cells of a pathology, of "macro" or of "micro", by metric; empty where the result lacks the pathology."""
    if column in (MACRO, MICRO):
        return info.overall.macro if column == MACRO else info.overall.micro
    return info.pathologies.get(column, {})
