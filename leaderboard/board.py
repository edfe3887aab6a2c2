"""The board: methods in rows, pathologies in columns, and which differences are real."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import lru_cache

import numpy as np
import pandas as pd

from ..comparison.setting import Setting
from ..comparison.significance import LEVEL, MACRO, MICRO, holm
from ..comparison.winner import WinnerTests
from ..core import GroundCXRError
from ..evaluation.derived import can_derive, is_derived
from ..evaluation.schema import Cell, MetricInfo, ResultFile
from .runs import Run, settings_of
from .tables import cells_of, tables_of
from .zero_shot import seen_in


@dataclass(frozen=True, slots=True)
class BoardCell:
    """One number of the board.

    Attributes:
        value: The mean, as in `result.json`; None where no sample counts.
        low: Lower end of the 95 % interval, None where there is none.
        high: Upper end.
        n: Samples that the value rests on.
        best: Whether it is the best of its column.
        tied: Whether it is of a method and cannot be told from the best one: `p` is not below `LEVEL`, nothing could be
            tested, or on the samples that both have it is no worse.
        p: P-value against the best, Holm-corrected over the methods; None for the best itself, where nothing is ranked,
            and where no sample has both values.
        above: Whether it is of a control and better than the best method's, also on the samples that both have, with a
            `p` below `LEVEL`.
    """

    value: float | None
    low: float | None
    high: float | None
    n: int
    best: bool = False
    tied: bool = False
    p: float | None = None
    above: bool = False


@dataclass(frozen=True)
class BoardRow:
    """One method.

    Attributes:
        run: The run.
        cells: By column, a cell each.
        derived: Whether they are of the view that the method does not give itself.
    """

    run: Run
    cells: dict[str, BoardCell]
    derived: bool = False

    @property
    def macro(self) -> BoardCell:
        """The mean over pathologies."""
        return self.cells[MACRO]


@dataclass(frozen=True)
class Board:
    """One metric of several methods in one setting.

    Attributes:
        setting: What they share.
        metric: What is shown.
        columns: Pathologies, then "macro" and "micro".
        n: By column, the most samples that any method has there; a cell with fewer says so.
        ranked: Whether the best is marked; never where the setting is incomplete, or one row is all.
        rows: Methods, then controls; of each the best macro value first.
        only_native: Whether methods whose values would be derived are left out.
    """

    setting: Setting
    metric: MetricInfo
    columns: tuple[str, ...]
    n: dict[str, int]
    ranked: bool
    rows: tuple[BoardRow, ...]
    only_native: bool = False

    @property
    def blocks(self) -> tuple[tuple[BoardRow, ...], ...]:
        """The methods and, as a block of their own, the controls; none of them is empty."""
        methods = tuple(row for row in self.rows if not row.run.info.method.control)
        return tuple(block for block in (methods, self.rows[len(methods) :]) if block)

    @property
    def has_values(self) -> bool:
        """Whether any sample counts: of a metric about negatives, none does on a data set without them."""
        return any(cell.value is not None for row in self.rows for cell in row.cells.values())

    @property
    def tells_derived(self) -> bool:
        """Whether exports say which values are derived; those under protocols that never derive any do not."""
        return any(can_derive(row.run.info) for row in self.rows)

    @property
    def tells_seen(self) -> bool:
        """Whether exports say which methods have seen the data; those of nothing but results of schema 1 never did."""
        return any(row.run.info.schema_version > 1 for row in self.rows)

    @property
    def tells_supervision(self) -> bool:
        """Whether exports say what methods have learnt places from; older results do not."""
        return any(row.run.info.supervision for row in self.rows)

    def frame(self) -> pd.DataFrame:
        """The board in long form.

        Returns:
            One row for each method and column: `run` (id), `method` (label), `tier`, `kind`, `control`, `column`, the
            fields of `BoardCell`, `seen` (what it was trained on that the data set is of), `derived`, and `supervision`
            (what it has learnt places from, None where that is not known).
        """
        return pd.DataFrame(
            [
                {
                    "run": row.run.id,
                    "method": row.run.label,
                    "tier": row.run.tier,
                    "kind": row.run.info.method.kind,
                    "control": row.run.info.method.control,
                    "column": column,
                    **asdict(cell),
                    "seen": seen_in(row.run.info),
                    "derived": row.derived,
                    "supervision": row.run.info.supervision,
                }
                for row in self.rows
                for column, cell in row.cells.items()
            ]
        )


def board(runs: Sequence[Run], metric: str) -> Board:
    """The table of one metric.

    The best of a column is looked for among the methods; controls are yardsticks, and are ranked only where there is
    nothing else. Every other row is compared with the best on the samples that both have: a method may be tied with it,
    a control above it.

    Args:
        runs: Runs of one setting; those without the metric are left out.
        metric: The metric's key.

    Raises:
        GroundCXRError: If no run has the metric, or the runs are of several settings.
        StoreError: If the rows of a run cannot be read any more.
    """
    return _board(tuple(run for run in runs if run.metric(metric) is not None), metric)


def boards(runs: Sequence[Run], metrics: Sequence[str] = (), *, only_native: bool = False) -> list[Board]:
    """A table for each setting and metric that the runs have.

    Args:
        runs: Runs of any settings.
        metrics: Keys of metrics; each protocol's headline metrics by default.
        only_native: Whether to leave out methods whose values would be derived from another kind of answer.

    Raises:
        UnknownNameError: If no run has one of the metrics.
        GroundCXRError: If only derived values are left.
        StoreError: If the rows of a run cannot be read any more.
    """
    groups = [[run for run in runs if run.setting == setting] for setting in settings_of(runs)]
    return tables_of(groups, metrics, board, only_native=only_native)


@lru_cache(maxsize=256)
def _board(runs: tuple[Run, ...], key: str) -> Board:
    if not runs:
        raise GroundCXRError(f"no result has the metric {key!r}")
    if len({run.setting for run in runs}) > 1:
        raise GroundCXRError("results of several data sets or protocols do not belong in one table")
    metric = runs[0].metric(key)
    assert metric is not None  # noqa: S101  (the runs without it are left out above)
    setting = runs[0].setting
    columns = (*dict.fromkeys(name for run in runs for name in run.info.pathologies), MACRO, MICRO)
    cells = {run: {column: _cell(run.info, column, key) for column in columns} for run in runs}
    ranked = setting.complete and len(runs) > 1
    if ranked:
        _rank(cells, metric, columns)
    n = {column: max(cells[run][column].n for run in runs) for column in columns}
    ordered = sorted(runs, key=lambda run: (run.info.method.control, best_first(cells[run][MACRO], metric)))
    rows = tuple(BoardRow(run, cells[run], is_derived(run.info, key)) for run in ordered)
    return Board(setting, metric, columns, n, ranked, rows)


def _cell(info: ResultFile, column: str, key: str) -> BoardCell:
    cell = cells_of(info, column).get(key)
    return BoardCell(None, None, None, 0) if cell is None else BoardCell(cell.value, cell.low, cell.high, cell.n)


def _rank(cells: dict[Run, dict[str, BoardCell]], metric: MetricInfo, columns: Sequence[str]) -> None:
    """Mark the best cell of each column, and compare the others with it."""
    runs = list(cells)
    entrants = [run for run in runs if not run.info.method.control] or runs
    best: dict[Run, list[str]] = {}
    for column in columns:
        valued = [run for run in entrants if cells[run][column].value is not None]
        if valued:
            best.setdefault(min(valued, key=lambda run: best_first(cells[run][column], metric)), []).append(column)
    if not best:
        return
    tests = WinnerTests(runs, metric)
    for winner, won in best.items():
        others = [run for run in runs if run != winner]
        found = tests.of(runs.index(winner), [runs.index(run) for run in others], won)
        for column in won:
            mine = cells[winner][column]
            cells[winner][column] = replace(mine, best=True)
            differences, p_values = found[column]
            # The best cell may rest on fewer, easier samples, and lose on those that both have.
            leads = differences if metric.higher_is_better else -differences
            for run, p, lead in zip(others, holm(p_values), leads, strict=True):
                cell = cells[run][column]
                if cell.value is None:
                    continue
                known = None if np.isnan(p) else float(p)
                surely = known is not None and known < LEVEL
                if run in entrants:
                    cells[run][column] = replace(cell, tied=not surely or bool(lead <= 0), p=known)
                else:
                    better = best_first(cell, metric) < best_first(mine, metric) and bool(lead < 0)
                    cells[run][column] = replace(cell, above=surely and better, p=known)


def best_first(cell: BoardCell | Cell, metric: MetricInfo) -> float:
    """What sorts cells of a metric, the best first and those without a value last."""
    if cell.value is None:
        return float("inf")
    return -cell.value if metric.higher_is_better else cell.value
