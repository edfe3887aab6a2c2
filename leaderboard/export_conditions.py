"""What conditions change, in the form that a paper, a page or a program wants."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from ..evaluation.conditions import describe_condition
from ..evaluation.derived import DERIVED_SAID, NATIVE_SAID
from ..evaluation.resampled import resampled
from .board import BoardCell
from .caption import PHANTOMS_SAID, direction_said, marks_of, measured_said, row_name, where_said
from .conditions import ConditionRow, ConditionTable
from .data_columns import PHANTOM
from .export import described, write_tables
from .formats import Format
from .sheet import Head, Sheet, SheetCell, known_as
from .table_style import AS_USUAL, TableStyle

AS_IT_IS = "as it is"


def export_changes(tables: Sequence[ConditionTable], form: Format, style: TableStyle = AS_USUAL) -> str:
    """Write tables of conditions out.

    Args:
        tables: The tables, one after another.
        form: As for `export.export`.
        style: How they are printed.

    Returns:
        The text, with a line break at its end.

    Raises:
        GroundCXRError: If the style does not fit the tables or the form.
    """
    return write_tables(tables, form, style, _record, lambda table: table.runs, conditions_sheet)


def conditions_sheet(table: ConditionTable, style: TableStyle) -> Sheet:
    """What conditions change as a table of methods by conditions."""
    setting, metric = table.setting, style.named(table.metric)
    heads = dict.fromkeys([AS_IT_IS, *table.conditions])
    lines = iter(table.frame().astype(object).to_dict("records"))
    said = described(table)
    records = {(row.run, name): {**said, **next(lines)} for row in table.rows for name in row.changes}

    def cell(row: ConditionRow, name: str) -> SheetCell:
        if name == AS_IT_IS:
            found = row.run.info.overall.macro[table.metric.key]
            return SheetCell(table.metric, BoardCell(found.value, None, None, found.n), derived=row.derived(metric))
        change = row.changes.get(name)
        if change is None:
            return SheetCell(table.metric, None)
        number = BoardCell(change.difference, change.low, change.high, change.n)
        derived = row.derived(metric)
        return SheetCell(table.metric, number, derived=derived, signed=True, record=records[row.run, name])

    return Sheet(
        corners=("Method", "Condition"),
        rows=tuple(
            Head(
                row.run.label,
                known_as(row.run),
                marks_of(control=row.run.info.method.control, imported=row.run.imported is not None),
                control=row.run.info.method.control,
            )
            for row in table.rows
        ),
        columns=tuple(Head(name, (name,)) for name in heads),
        cells=tuple(tuple(cell(row, name) for name in heads) for row in table.rows),
        title=f"{metric.label} under conditions {where_said([row.run for row in table.rows])}",
        caption=changes_caption(replace(table, metric=metric), intervals=style.intervals),
        label=f"conditions-{setting.dataset}-{setting.protocol}-{table.metric.key}-{setting.id}",
        keys=("method", "condition"),
        scaled=("plain", "value", "difference", "low", "high"),
    )


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
        f"{table.metric.label} {measured_said([row.run for row in table.rows])}.",
        direction_said(table.metric),
        f"{AS_IT_IS.capitalize()}: the macro average; behind it, what each condition adds to it, on the samples that "
        "have a value in both.",
        f"Conditions: {'; '.join(conditions)}.",
    ]
    if intervals:
        unit = resampled(row.run.info for row in table.rows)
        said.append(f"In brackets the 95 % interval of the difference (paired bootstrap over {unit}).")
        said.append("Each is of one difference: of many without an effect some leave out 0.")
    if any(row.derived(table.metric) for row in table.rows):
        said.append(DERIVED_SAID)
    if table.only_native:
        said.append(NATIVE_SAID)
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


def _record(table: ConditionTable) -> dict[str, Any]:
    frame = table.frame().astype(object)
    return {
        **described(table),
        "label": table.metric.label,
        "caption": changes_caption(table, intervals=True),
        "rows": frame.where(frame.notna(), None).to_dict("records"),
    }
