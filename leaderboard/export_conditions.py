"""What conditions change, in the form that a paper, a page or a program wants."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from typing import Any

from ..comparison.captions import signed
from ..core.fingerprint import SHORT
from ..evaluation.conditions import describe_condition
from ..evaluation.numbers import digits_of, write_number
from . import export_latex as latex
from .caption import HASH, PHANTOMS_SAID, days_of, direction_said, row_name
from .citation import bibtex
from .conditions import Change, ConditionRow, ConditionTable
from .data_columns import PHANTOM
from .export import write_csv
from .export_markdown import escape, markdown_lines
from .formats import Format

AS_IT_IS = "as it is"


def export_changes(tables: Sequence[ConditionTable], form: Format, *, intervals: bool = True) -> str:
    """Write tables of conditions out.

    Args:
        tables: The tables, one after another.
        form: As for `export.export`.
        intervals: Whether LaTeX and Markdown show the 95 % intervals.

    Returns:
        The text, with a line break at its end.
    """
    match form:
        case Format.LATEX:
            return "\n".join(_latex(table, intervals) for table in tables)
        case Format.MARKDOWN:
            return "\n".join(_markdown(table, intervals) for table in tables)
        case Format.CSV:
            return write_csv(
                [
                    {**_described(table), **row}
                    for table in tables
                    for row in table.frame().astype(object).to_dict("records")
                ]
            )
        case Format.JSON:
            return json.dumps([_record(table) for table in tables], indent=2, allow_nan=False) + "\n"
        case Format.BIBTEX:
            return bibtex(list(dict.fromkeys(run for table in tables for run in table.runs)))


def changes_caption(table: ConditionTable, *, intervals: bool) -> str:
    """What was measured, and what the columns are.

    Args:
        table: The table.
        intervals: Whether it shows the 95 % intervals.
    """
    setting = table.setting
    infos = [change.run.info.condition for row in table.rows for change in row.changes.values()]
    known = {info.label: describe_condition(info) for info in infos if info is not None}
    conditions = [known[name] for name in table.conditions]
    said = [
        f"{table.metric.label} on {setting.dataset} {setting.version} (split {setting.split}, {setting.n_samples} "
        f"samples, fingerprint {setting.fingerprint[:SHORT]}) under protocol {setting.protocol} (version "
        f"{setting.protocol_version}, hash {setting.protocol_hash[:HASH]}), measured {days_of(table.runs)}.",
        direction_said(table.metric),
        f"{AS_IT_IS.capitalize()}: the macro average; behind it, what each condition adds to it, on the samples that "
        "have a value in both.",
        f"Conditions: {'; '.join(conditions)}.",
    ]
    if intervals:
        said.append("In brackets the 95 % interval of the difference (paired bootstrap over patients).")
    if not setting.complete:
        said.append("Not the whole split.")
    if setting.dataset == PHANTOM:
        said.append(PHANTOMS_SAID)
    return " ".join(said)


def names_of(table: ConditionTable) -> list[str]:
    """The rows' names."""
    return [
        row_name(row.run.label, control=row.run.info.method.control, imported=row.run.imported is not None)
        for row in table.rows
    ]


def _plain(row: ConditionRow, table: ConditionTable) -> str:
    value = row.run.info.overall.macro[table.metric.key].value
    return "-" if value is None else write_number(value, digits_of(table.metric))


def _markdown(table: ConditionTable, intervals: bool) -> str:
    metric = table.metric

    def cell(change: Change | None) -> str:
        if change is None or change.difference is None:
            return "-"
        shown = escape(signed(change.difference, metric))
        if not intervals or change.low is None:
            return shown
        return f"{shown} [{signed(change.low, metric)}, {signed(change.high, metric)}]"

    rows = [
        [name, _plain(row, table), *(cell(row.changes.get(condition)) for condition in table.conditions)]
        for name, row in zip(names_of(table), table.rows, strict=True)
    ]
    heads = dict.fromkeys([AS_IT_IS, *table.conditions])
    return markdown_lines(heads, rows, changes_caption(table, intervals=intervals))


def _latex(table: ConditionTable, intervals: bool) -> str:
    digits = digits_of(table.metric)

    def plus(number: float) -> str:
        return ("+" if number > 0 else "") + latex.number(number, digits)

    body: list[str] = []
    for name, row in zip(names_of(table), table.rows, strict=True):
        changes = [row.changes.get(condition) for condition in table.conditions]
        values = ["--" if one is None or one.difference is None else plus(one.difference) for one in changes]
        ends = [
            rf"{{\scriptsize [{plus(one.low)}, {plus(one.high)}]}}"
            if one is not None and one.low is not None and one.high is not None
            else ""
            for one in changes
        ]
        body += latex.latex_row(name, [_plain(row, table), *values], ["", *ends] if intervals else None)
    setting = table.setting
    named = f"conditions-{setting.dataset}-{setting.protocol}-{table.metric.key}-{setting.id}"
    heads = [(name, None) for name in (AS_IT_IS, *table.conditions)]
    return latex.latex_float(heads, body, changes_caption(table, intervals=intervals), named)


def _described(table: ConditionTable) -> dict[str, Any]:
    said = {key: value for key, value in dataclasses.asdict(table.setting).items() if key != "condition"}
    return {**said, "metric": table.metric.key}


def _record(table: ConditionTable) -> dict[str, Any]:
    return {
        **_described(table),
        "label": table.metric.label,
        "caption": changes_caption(table, intervals=True),
        "rows": table.frame().astype(object).to_dict("records"),
    }
