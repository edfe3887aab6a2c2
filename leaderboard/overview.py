"""One table over all data sets: methods in rows, data sets in columns, for one metric and protocol."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np
import pandas as pd

from ..comparison.ranks import FEWEST, Ranks, mean_ranks
from ..comparison.setting import ProtocolKey
from ..comparison.significance import MACRO
from ..core import DEFAULT_PROTOCOL, GroundCXRError, unknown_name
from ..evaluation.derived import can_derive
from ..evaluation.schema import MetricInfo
from .board import Board, board
from .data_columns import Column, columns_of
from .library import Library
from .overview_rows import OverviewRow, rows_of
from .runs import Run, metrics_of
from .tables import tables_of
from .zero_shot import is_zero_shot

T = TypeVar("T")

MEAN, RANK = "mean", "mean rank"
"""What the columns behind the data sets are called."""


@dataclass(frozen=True)
class Overview:
    """One metric of methods on data sets.

    Attributes:
        protocol: Name, version and hash.
        metric: What is shown.
        columns: The data sets: those that count for means and ranks first.
        n: By column, the most samples that any method has.
        rows: The best mean first, then those without, controls last.
        ranks: Of the methods that have a rank, in the order of `rows`; None where nothing is ranked.
        unranked: Why nothing is ranked; "" where something is.
        zero_shot: Whether results of methods that have seen the data set are left out.
        only_native: Whether methods whose values would be derived are left out.
        notes: What a reader must know of who is who, one sentence each.
    """

    protocol: ProtocolKey
    metric: MetricInfo
    columns: tuple[Column, ...]
    n: dict[Column, int]
    rows: tuple[OverviewRow, ...]
    ranks: Ranks | None
    unranked: str
    zero_shot: bool
    notes: tuple[str, ...]
    only_native: bool = False

    @property
    def tells_derived(self) -> bool:
        """Whether exports say which values are derived; those under protocols that never derive any do not."""
        return any(can_derive(run.info) for run in self.runs)

    @property
    def tells_supervision(self) -> bool:
        """Whether exports say what methods have learnt places from; older results do not."""
        return any(run.info.supervision for run in self.runs)

    @property
    def counted(self) -> tuple[Column, ...]:
        """The data sets that means and ranks are taken over."""
        return tuple(column for column in self.columns if column.counted)

    def in_order(self, of: Callable[[Column], T], *over: T) -> list[T]:
        """What is shown from left to right: the data sets that count, what is taken over them, the data sets apart.

        Args:
            of: What there is of a data set.
            over: What is taken over those that count.
        """
        return [*map(of, self.counted), *over, *(of(column) for column in self.columns if column.apart)]

    @property
    def runs(self) -> list[Run]:
        """Every run that a number is of."""
        return [entry.run for row in self.rows for entry in row.entries.values() if entry.cell is not None]

    def frame(self) -> pd.DataFrame:
        """The table in long form.

        Returns:
            One row for each method and data set that it has a result on: `method`, `control`, `dataset`, `version`,
            `split`, `fingerprint`, `task`, `apart` (why the data set counts for no mean and no rank; "" where it does),
            `protocol`, `protocol_version`, `protocol_hash`, `metric`, `run` (id), `tier`, `seen` (what the method was
            trained on that the data set is of), the fields of `BoardCell`, the method's `mean` and `mean_rank`,
            `derived` (whether the value is of the view that the method does not give itself), and `supervision` (what
            the method has learnt places from, None where that is not known).
        """
        name, version, sha256 = self.protocol
        rows = [
            {
                "method": row.label,
                "control": row.control,
                "dataset": column.dataset,
                "version": column.version,
                "split": column.split,
                "fingerprint": column.fingerprint,
                "task": column.task,
                "apart": column.apart,
                "protocol": name,
                "protocol_version": version,
                "protocol_hash": sha256,
                "metric": self.metric.key,
                "run": entry.run.id,
                "tier": entry.run.tier,
                "seen": entry.seen,
                **asdict(entry.cell),
                "mean": row.mean,
                "mean_rank": row.rank,
                "derived": entry.derived,
                "supervision": entry.run.info.supervision,
            }
            for row in self.rows
            for column in self.columns
            if (entry := row.entries.get(column)) is not None and entry.cell is not None
        ]
        return pd.DataFrame(rows)


def across_datasets(
    results: Iterable[Path | str],
    metric: str,
    protocol: str = DEFAULT_PROTOCOL,
    *,
    only_zero_shot: bool = False,
    only_native: bool = False,
) -> pd.DataFrame:
    """Methods on data sets, as `groundcxr export --layout datasets` writes them.

    Args:
        results: Folders of results, of runs, or `result.json` files.
        metric: A metric's key, such as "miou".
        protocol: A protocol's name.
        only_zero_shot: Whether to leave out what methods have on data sets that they have seen.
        only_native: Whether to leave out methods whose values would be derived from another kind of answer.

    Returns:
        As `Overview.frame`.

    Raises:
        GroundCXRError: If a result cannot be used, none has the metric, or there are several versions of the protocol.
    """
    library = Library.scan([Path(place) for place in results])
    if library.problems:
        raise GroundCXRError(library.problems[0])
    names = sorted({run.setting.protocol for run in library.runs})
    if protocol not in names:
        raise unknown_name("protocol of these results", protocol, names)
    mine = [run for run in library.runs if run.setting.protocol == protocol]
    if len(protocols_of(mine)) > 1:
        raise GroundCXRError(
            f"the results are of {len(protocols_of(mine))} versions of the protocol {protocol}, which do not belong in "
            "one table; give the folders of one"
        )
    return overviews(mine, [metric], only_zero_shot=only_zero_shot, only_native=only_native)[0].frame()


def protocols_of(runs: Iterable[Run]) -> list[ProtocolKey]:
    """Every protocol of the runs, by name, the default one first."""
    return sorted({run.setting.protocol_key for run in runs}, key=lambda key: (key[0] != DEFAULT_PROTOCOL, key))


def overviews(
    runs: Sequence[Run], metrics: Sequence[str] = (), *, only_zero_shot: bool = False, only_native: bool = False
) -> list[Overview]:
    """A table for each protocol and metric that the runs have.

    Args:
        runs: Runs of any settings.
        metrics: Keys of metrics; each protocol's headline metrics by default.
        only_zero_shot: Whether to leave out what methods have on data sets that they have seen.
        only_native: Whether to leave out methods whose values would be derived from another kind of answer.

    Raises:
        UnknownNameError: If no run has one of the metrics.
        StoreError: If the rows of a run cannot be read any more.
    """
    groups = [[run for run in runs if run.setting.protocol_key == key] for key in protocols_of(runs)]
    return tables_of(groups, metrics, partial(overview, only_zero_shot=only_zero_shot), only_native=only_native)


def overview(runs: Sequence[Run], metric: str, *, only_zero_shot: bool = False) -> Overview:
    """The table of one metric.

    A method is the same on two data sets where its fingerprint is; a control's holds what it was fitted on, and
    imported predictions' the predictions themselves, so these go by their name and options. What counts for means and
    ranks is one column for each data set: see `data_columns`. Controls have means and no ranks.

    Args:
        runs: Runs under one protocol; those without the metric are left out.
        metric: The metric's key.
        only_zero_shot: Whether to leave out what methods have on data sets that they have seen.

    Raises:
        GroundCXRError: If no run has the metric, or the runs are under several protocols.
        StoreError: If the rows of a run cannot be read any more.
    """
    runs = [run for run in runs if run.metric(metric) is not None]
    if not runs:
        raise GroundCXRError(f"no result has the metric {metric!r}")
    if len(protocols_of(runs)) > 1:
        raise GroundCXRError("results of several protocols do not belong in one table")
    found = metrics_of(runs)
    shown = next(one for one in found if one.key == metric)
    columns = columns_of(runs)
    boards: dict[Column, Board | None] = {}
    for column in columns:
        kept = [run for run in column.runs if not only_zero_shot or is_zero_shot(run.info)]
        boards[column] = board(kept, metric) if kept else None
    everyone, notes = rows_of(columns, boards)
    rows = [_with_mean(row, columns) for row in everyone if any(entry.cell for entry in row.entries.values())]
    if gone := sorted(row.label for row in everyone if row.label not in {one.label for one in rows}):
        notes.append(f"Nothing is left of {', '.join(gone)}.")
    ranks, rows, unranked = _ranked(rows, columns, shown)
    n = {
        column: max((row.cells[MACRO].n for row in table.rows), default=0) if table else 0
        for column, table in boards.items()
    }
    return Overview(
        runs[0].setting.protocol_key, shown, columns, n, tuple(sorted(rows, key=lambda row: _order(row, shown))), ranks,
        unranked, only_zero_shot, tuple(notes),
    )  # fmt: skip


def _values(row: OverviewRow, columns: Sequence[Column]) -> list[float] | None:
    """A method's numbers on the data sets that count; None where it lacks one."""
    cells = [row.cell(column) for column in columns if column.counted]
    values = [cell.value for cell in cells if cell is not None and cell.value is not None]
    return values if len(values) == len(cells) else None


def _with_mean(row: OverviewRow, columns: Sequence[Column]) -> OverviewRow:
    values = _values(row, columns)
    mean = float(np.mean(values)) if values is not None and len(values) > 1 else None
    return OverviewRow(row.label, row.entries, mean)


def _ranked(
    rows: Sequence[OverviewRow], columns: Sequence[Column], metric: MetricInfo
) -> tuple[Ranks | None, list[OverviewRow], str]:
    """Mean ranks, the rows with them, and why there are none."""
    entrants = [row for row in rows if not row.control and _values(row, columns) is not None]
    entrants.sort(key=lambda row: _order(row, metric))
    n_sets = sum(column.counted for column in columns)
    values = np.array([_values(row, columns) for row in entrants], dtype=np.float64).reshape(len(entrants), n_sets)
    ranks = mean_ranks(values.T, higher_is_better=metric.higher_is_better)
    if ranks is None:
        there = _counted(n_sets, "data set") if n_sets < FEWEST else f"{_counted(len(entrants), 'method')} with all"
        why = f"mean ranks take {FEWEST} data sets and {FEWEST} methods, controls apart, that have all of them"
        return None, list(rows), f"No mean ranks: here {there}; {why}."
    found = dict(zip((row.label for row in entrants), ranks.mean.tolist(), strict=True))
    return ranks, [OverviewRow(row.label, row.entries, row.mean, found.get(row.label)) for row in rows], ""


def _counted(number: int, what: str) -> str:
    return f"{'is' if number == 1 else 'are'} {number} {what}{'' if number == 1 else 's'}"


def _order(row: OverviewRow, metric: MetricInfo) -> tuple[bool, bool, float, int, str]:
    sign = -1 if metric.higher_is_better else 1
    values = sum(entry.cell is not None for entry in row.entries.values())
    return row.control, row.mean is None, sign * (row.mean or 0.0), -values, row.label
