"""The table over all data sets in the form that a paper, a page or a program wants."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from functools import partial
from typing import Any

from .board import BoardCell
from .caption import marks_of
from .data_columns import Column
from .data_names import titled
from .export import write_tables
from .formats import Format
from .overview import MEAN, RANK, Overview
from .overview_caption import overview_caption
from .overview_rows import OverviewRow
from .sheet import Head, Sheet, SheetCell, known_as, names_shown
from .table_style import AS_USUAL, TableStyle
from .zero_shot import SEEN


def export_overviews(tables: Sequence[Overview], form: Format, style: TableStyle = AS_USUAL) -> str:
    """Write tables over all data sets out.

    Args:
        tables: The tables, one after another.
        form: As for `export.export`.
        style: How they are printed.

    Returns:
        The text, with a line break at its end.

    Raises:
        GroundCXRError: If the style does not fit the tables or the form.
    """
    return write_tables(tables, form, style, _record, lambda table: table.runs, overview_sheet)


def overview_sheet(table: Overview, style: TableStyle) -> Sheet:
    """The table over all data sets as a table of methods by data sets, with means and mean ranks."""
    name, _, sha256 = table.protocol
    metric = style.named(table.metric)
    lines = iter(table.frame().astype(object).to_dict("records"))
    records = {
        (row.label, column): next(lines)
        for row in table.rows
        for column in table.columns
        if (entry := row.entries.get(column)) is not None and entry.cell is not None
    }

    def head(column: Column) -> Head:
        marks = f", {column.apart}" if column.apart else ""
        names = (column.label, column.dataset, titled(column.runs[0].info.dataset))
        return Head(column.label, names, marks, table.n[column])

    def cell(row: OverviewRow, column: Column) -> SheetCell:
        entry = row.entries.get(column)
        if entry is None or entry.cell is None:
            return SheetCell(table.metric, None, text=SEEN if entry is not None and entry.seen else "")
        return SheetCell(
            table.metric,
            entry.cell,
            table.n[column],
            entry.derived,
            seen=bool(entry.seen),
            record=records[row.label, column],
        )

    def cells(row: OverviewRow) -> tuple[SheetCell, ...]:
        mean = SheetCell(table.metric, BoardCell(row.mean, None, None, 0))
        rank = SheetCell(table.metric, None, text="" if row.rank is None else f"{row.rank:.2f}")
        return tuple(table.in_order(partial(cell, row), mean, rank))

    over = [Head(words, (words,), capital=True) for words in (MEAN, RANK)]
    heads = tuple(
        Head(
            row.label,
            (row.label, *known_as(*(entry.run for entry in row.entries.values()))),
            marks_of(control=row.control, imported=row.imported),
            control=row.control,
        )
        for row in table.rows
    )
    named = [replace(row, label=name) for row, name in zip(table.rows, names_shown(heads, style), strict=True)]
    return Sheet(
        corners=("Method", "Data set"),
        rows=heads,
        columns=tuple(table.in_order(head, *over)),
        cells=tuple(map(cells, table.rows)),
        title=f"{metric.label} by data set",
        caption=overview_caption(replace(table, metric=metric, rows=tuple(named)), intervals=style.intervals),
        label=f"datasets-{name}-{table.metric.key}-{sha256[:8]}",
        keys=("method", "dataset"),
        scaled=("value", "low", "high", "mean"),
        untold=frozenset(key for key, told in _told(table).items() if not told),
    )


def _told(table: Overview) -> dict[str, bool]:
    """Which fields of CSV are said that other tables have nothing to say in."""
    return {"derived": table.tells_derived, "supervision": table.tells_supervision}


def _record(table: Overview) -> dict[str, Any]:
    name, version, sha256 = table.protocol
    ranks = table.ranks
    return {
        "protocol": name,
        "protocol_version": version,
        "protocol_hash": sha256,
        "metric": table.metric.key,
        "label": table.metric.label,
        "zero_shot": table.zero_shot,
        "caption": overview_caption(table, intervals=True),
        "datasets": [
            {
                "label": column.label,
                "dataset": column.dataset,
                "version": column.version,
                "split": column.split,
                "fingerprint": column.fingerprint,
                "task": column.task,
                "complete": column.setting.complete,
                "apart": column.apart,
                "n": table.n[column],
            }
            for column in table.columns
        ],
        "ranks": None
        if ranks is None
        else {"friedman_p": ranks.p, "nemenyi_critical_difference": ranks.critical, "n_datasets": ranks.n_sets},
        "unranked": table.unranked,
        "rows": [
            {
                "method": row.label,
                "control": row.control,
                "mean": row.mean,
                "mean_rank": row.rank,
                "cells": {
                    column.label: {
                        "run": entry.run.id,
                        "tier": entry.run.tier,
                        "seen": entry.seen,
                        **({"derived": entry.derived} if table.tells_derived else {}),
                        **({"supervision": entry.run.info.supervision} if table.tells_supervision else {}),
                        **asdict(entry.cell),
                    }
                    for column in table.columns
                    if (entry := row.entries.get(column)) is not None and entry.cell is not None
                },
            }
            for row in table.rows
        ],
    }
