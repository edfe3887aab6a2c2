"""A comparison as text: one table for each two results and metric."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from ..comparison.captions import cells_said, difference_said, p_shown, resolution_said, signed
from ..comparison.significance import MACRO, MICRO
from ..evaluation.derived import DERIVED, DERIVED_SAID, is_derived
from ..evaluation.numbers import digits_of, write_number
from ..evaluation.schema import MetricInfo
from ..leaderboard.caption import CONTROLS_SAID, PHANTOMS_SAID, SEEN_SAID, data_said, direction_said, row_name
from ..leaderboard.data_columns import PHANTOM
from ..leaderboard.runs import Run
from ..leaderboard.zero_shot import seen_in
from .console import open_console, print_table


def comparison_text(table: pd.DataFrame, runs: Sequence[Run], metrics: Sequence[MetricInfo], width: int | None) -> str:
    """The paired table for a reader, and below it what its numbers are.

    Args:
        table: Of `paired_table`.
        runs: What was compared.
        metrics: The metrics, in the order of the table.
        width: In columns; None for that of the terminal.
    """
    console = open_console() if width is None else Console(width=width)
    names = {run.label: _name(run) for run in runs}
    setting = runs[0].setting
    place = data_said(runs) + setting.title.removeprefix(f"{setting.dataset} {setting.version}")
    with console.capture() as captured:
        for metric in metrics:
            mine = table.loc[table["metric"] == metric.key]
            pairs = mine.groupby(["first", "second"], sort=False)
            for (first, second), rows in pairs:
                title = f"{first} minus {second}, {metric.label} on {place}"
                print_table(console, _pair(title, names[first], names[second], rows.to_dict("records"), metric))
            who = runs[0].label if len(pairs) == 1 else "the first"
            said = [
                difference_said(metric, who, [run.info for run in runs], len(pairs)),
                direction_said(metric),
                cells_said(metric),
            ]
            averages = mine["pathology"].isin([MACRO, MICRO])
            tests = int(mine.loc[~averages, "p"].notna().sum())
            said += filter(None, [resolution_said(metric, max(tests, len(pairs)))])
            said += [DERIVED_SAID] if any(is_derived(run.info, metric.key) for run in runs) else []
            console.print(escape(" ".join([*said, *_marks(runs)])) + "\n", highlight=False)
    return captured.get()


def _pair(title: str, first: str, second: str, rows: Sequence[dict[Any, Any]], metric: MetricInfo) -> Table:
    table = Table(title=escape(title), title_justify="left", title_style="bold", box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("pathology", no_wrap=True)
    for head in ("n", first, second, "difference", "p", "p, corrected", "won / tied / lost"):
        table.add_column(escape(head), justify="right")
    digits = digits_of(metric)
    for row in rows:
        if row["pathology"] == MACRO:
            table.add_section()
        cells = [
            row["pathology"],
            f"{row['n']:,}",
            *(_value(row, which, digits) for which in ("first", "second")),
            signed(row["difference"], metric) + _ends(row, metric),
            p_shown(row["p"]),
            p_shown(row["p_corrected"]),
            f"{row['wins']:,} / {row['ties']:,} / {row['losses']:,}",
        ]
        table.add_row(*map(escape, cells))
    return table


def _value(row: dict[Any, Any], which: str, digits: int) -> str:
    value = row[f"{which}_value"]
    if pd.isna(value):
        return "-"
    return write_number(value, digits) + (DERIVED if row.get(f"{which}_derived") else "")


def _ends(row: dict[Any, Any], metric: MetricInfo) -> str:
    return "" if pd.isna(row["low"]) else f" [{signed(row['low'], metric)}, {signed(row['high'], metric)}]"


def _name(run: Run) -> str:
    seen = seen_in(run.info) is not None
    return row_name(run.label, control=run.info.method.control, imported=run.imported is not None, seen=seen)


def _marks(runs: Sequence[Run]) -> list[str]:
    said = {
        SEEN_SAID: any(seen_in(run.info) for run in runs),
        CONTROLS_SAID: any(run.info.method.control for run in runs),
        PHANTOMS_SAID: runs[0].setting.dataset == PHANTOM,
    }
    return [sentence for sentence, holds in said.items() if holds]
