"""`groundcxr compare`: which of two results is better, by how much, and whether that is more than chance."""

from __future__ import annotations

import json
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .usable import usable_results

if TYPE_CHECKING:
    import pandas as pd

    from ..evaluation.schema import MetricInfo
    from ..leaderboard.runs import Run


class Form(StrEnum):
    """What the table can be written as."""

    TEXT = "text"
    CSV = "csv"
    JSON = "json"


def compare(
    results: Annotated[list[Path], typer.Argument(help="Folders of results, of runs, or result.json files.")],
    metric: Annotated[
        list[str],
        typer.Option("--metric", help="A metric's key or label, such as miou; the headline ones otherwise."),
    ] = [],  # noqa: B006  (typer reads it as the default, nobody changes it)
    form: Annotated[Form, typer.Option("--format", help="What to write.")] = Form.TEXT,
    out: Annotated[Path | None, typer.Option("--out", help="The file to write; the terminal otherwise.")] = None,
) -> None:
    """Compare results of one data set under one protocol, every two of them, on the samples that both have.

    Differences with 95 % intervals and p-values, corrected for their number (Holm). CSV and JSON hold every digit. Exit
    code 0: compared; 1: some results could not be used; 2: nothing could be compared.
    """
    from ..comparison.table import compared_metrics, paired_table, refuse_incomparable
    from ..evaluation.pair import RESULT_FILE
    from .comparison_text import comparison_text
    from .console import WIDE
    from .output import check_output, print_or_write

    if out is not None:
        check_output(out)
    library = usable_results(results)
    # As they were given: the first is what the others are taken from.
    runs = sorted(library.runs, key=lambda run: [not (run.path / RESULT_FILE).is_relative_to(one) for one in results])
    refuse_incomparable(runs)
    metrics = compared_metrics(runs, metric)
    table = paired_table(runs, [one.key for one in metrics])
    if form is Form.TEXT:
        text = comparison_text(table, runs, metrics, None if out is None else WIDE)
    else:
        text = _csv(table, runs[0]) if form is Form.CSV else _json(table, runs[0], metrics)
    print_or_write(text, out)
    raise typer.Exit(1 if library.problems else 0)


def _csv(table: pd.DataFrame, run: Run) -> str:
    from ..leaderboard.export import write_csv

    setting = asdict(run.setting)
    return write_csv([{**setting, **row} for row in table.astype(object).to_dict("records")])


def _json(table: pd.DataFrame, run: Run, metrics: list[MetricInfo]) -> str:
    from ..comparison.captions import how_tested

    rows = table.astype(object).where(table.notna(), None)
    records = [
        {
            **asdict(run.setting),
            "metric": metric.key,
            "label": metric.label,
            "higher_is_better": metric.higher_is_better,
            "test": how_tested(metric),
            "rows": rows.loc[rows["metric"] == metric.key].drop(columns=["metric", "test"]).to_dict("records"),
        }
        for metric in metrics
    ]
    return json.dumps(records, indent=2, allow_nan=False) + "\n"
