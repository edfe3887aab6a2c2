"""What conditions change: each method's number on altered samples against its own on the samples as they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from ..comparison.setting import Setting
from ..core import GroundCXRError
from ..evaluation.derived import can_derive, is_derived
from ..evaluation.schema import MetricInfo, ResultFile
from .board import best_first
from .differences import difference
from .runs import Run
from .tables import tables_of


@dataclass(frozen=True, slots=True)
class Change:
    """What a condition changes of a method's number.

    Attributes:
        run: The run under the condition.
        plain: The macro average without it, over the samples that have a value in both.
        value: The macro average under it, over the same samples.
        difference: Under the condition minus without it; None where no sample has both.
        low: Lower end of its 95 % interval (paired bootstrap over patients), None where there is none.
        high: Upper end.
        n: Samples that have both.
    """

    run: Run
    plain: float | None
    value: float | None
    difference: float | None
    low: float | None
    high: float | None
    n: int


@dataclass(frozen=True)
class ConditionRow:
    """One method.

    Attributes:
        run: Its run without a condition.
        changes: By condition, what that changes; those that the method was not run under are not there.
    """

    run: Run
    changes: dict[str, Change]

    def derived(self, metric: MetricInfo) -> bool:
        """Whether its numbers are of the view that the method does not give itself."""
        return is_derived(self.run.info, metric.key)


@dataclass(frozen=True)
class ConditionTable:
    """One metric of the methods that have results with and without a condition.

    Attributes:
        setting: That of the results without one.
        metric: What is shown.
        conditions: As a command line has them, sorted.
        rows: The best macro value without a condition first.
        only_native: Whether methods whose values would be derived are left out.
    """

    setting: Setting
    metric: MetricInfo
    conditions: tuple[str, ...]
    rows: tuple[ConditionRow, ...]
    only_native: bool = False

    @property
    def runs(self) -> list[Run]:
        """Every run that a number is of."""
        return [run for row in self.rows for run in (row.run, *(change.run for change in row.changes.values()))]

    @property
    def tells_derived(self) -> bool:
        """Whether exports say which values are derived; those under protocols that never derive any do not."""
        return any(can_derive(row.run.info) for row in self.rows)

    def frame(self) -> pd.DataFrame:
        """The table in long form.

        Returns:
            One row for each method and condition: `method`, `control`, `condition`, `run` and `plain_run` (ids),
            `plain`, `value`, `difference`, `low`, `high`, `n`, as in `Change`; `derived`, if `tells_derived`; and
            `supervision` (what the method has learnt places from) where that is known of any.
        """
        told = any(row.run.info.supervision for row in self.rows)
        return pd.DataFrame(
            [
                {
                    "method": row.run.label,
                    "control": row.run.info.method.control,
                    "condition": condition,
                    "run": change.run.id,
                    "plain_run": row.run.id,
                    "plain": change.plain,
                    "value": change.value,
                    "difference": change.difference,
                    "low": change.low,
                    "high": change.high,
                    "n": change.n,
                    **({"derived": row.derived(self.metric)} if self.tells_derived else {}),
                    **({"supervision": row.run.info.supervision} if told else {}),
                }
                for row in self.rows
                for condition, change in row.changes.items()
            ]
        )


def condition_tables(
    runs: Sequence[Run], metrics: Sequence[str] = (), *, only_native: bool = False
) -> list[ConditionTable]:
    """A table for each setting with conditions, and metric.

    Args:
        runs: Runs of any settings.
        metrics: Keys of metrics; each protocol's headline metrics by default.
        only_native: Whether to leave out methods whose values would be derived from another kind of answer.

    Raises:
        UnknownNameError: If no run has one of the metrics.
        GroundCXRError: If no method has a result both with a condition and without it, or only derived values are left.
        StoreError: If the rows of a run cannot be read any more.
    """
    groups: dict[Setting, list[Run]] = {}
    for run in runs:
        groups.setdefault(Setting.without_condition(run.info), []).append(run)
    pairs = [group for _, group in sorted(groups.items()) if _paired(group)]
    if not pairs:
        raise GroundCXRError(
            "no method has a result under a condition beside one of the same samples without it; "
            "evaluate --condition NAME makes the first, evaluate without --condition the second"
        )
    return tables_of(pairs, metrics, condition_table, only_native=only_native)


def condition_table(runs: Sequence[Run], metric: str) -> ConditionTable | None:
    """The table of one metric; None where no method has it with and without a condition.

    Args:
        runs: Runs on the same samples, under conditions and without.
        metric: The metric's key.

    Raises:
        StoreError: If the rows of a run cannot be read any more.
    """
    pairs = _paired([run for run in runs if run.metric(metric) is not None])
    rows = [
        ConditionRow(plain, {one.setting.condition: _change(plain, one, metric) for one in mine})
        for plain, mine in pairs
    ]
    if not rows:
        return None
    shown = rows[0].run.metric(metric)
    assert shown is not None  # noqa: S101  (the runs without it are left out above)
    conditions = sorted({condition for row in rows for condition in row.changes})
    rows.sort(
        key=lambda row: (
            row.run.info.method.control,
            best_first(row.run.info.overall.macro[metric], shown),
            row.run.label,
        )
    )
    return ConditionTable(rows[0].run.setting, shown, tuple(conditions), tuple(rows))


def _paired(runs: Sequence[Run]) -> list[tuple[Run, list[Run]]]:
    """Each run without a condition, with those of the same method under conditions, where there are any."""
    altered: dict[tuple[object, ...], list[Run]] = {}
    for run in runs:
        if run.setting.condition:
            altered.setdefault(_method(run.info), []).append(run)
    plain = [run for run in runs if not run.setting.condition]
    return [(run, altered[_method(run.info)]) for run in plain if _method(run.info) in altered]


def _method(info: ResultFile) -> tuple[object, ...]:
    """What is equal for one method with and without a condition."""
    return info.method.fingerprint, info.answers


def _change(plain: Run, altered: Run, metric: str) -> Change:
    found = difference(altered, plain, metric)
    assert found is not None  # noqa: S101  (the caller has left those without the metric out)
    return Change(altered, found.second, found.first, found.value, found.low, found.high, found.n)
