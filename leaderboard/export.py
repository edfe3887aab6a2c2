"""A table in the form that a paper, a page or a program wants."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from ..core.names import one_line
from ..core.spreadsheet import cell as spreadsheet_cell
from .board import Board, BoardRow
from .caption import caption, marks_of, where_said
from .citation import bibtex
from .conditions import ConditionTable
from .export_latex import latex_sheet
from .export_markdown import markdown_sheet
from .formats import Format
from .runs import Run
from .sheet import Head, Sheet, SheetCell, arranged, in_order, known_as, names_shown
from .table_style import AS_USUAL, TableStyle
from .zero_shot import SEEN, seen_in

T = TypeVar("T")


def export(boards: Sequence[Board], form: Format, style: TableStyle = AS_USUAL) -> str:
    """Write tables out.

    LaTeX and Markdown round as the terminal does: best bold, a dagger at what cannot be told from it, a caption that
    says what was measured. CSV and JSON hold the numbers of `result.json` whole.

    Args:
        boards: The tables, one after another.
        form: LaTeX, Markdown, CSV, JSON; or the BibTeX of all that the tables rest on.
        style: How they are printed.

    Returns:
        The text, with a line break at its end.

    Raises:
        GroundCXRError: If the style does not fit the tables or the form.
    """
    return write_tables(boards, form, style, _record, lambda board: (row.run for row in board.rows), board_sheet)


def write_tables(
    tables: Sequence[T],
    form: Format,
    style: TableStyle,
    record: Callable[[T], Mapping[str, Any]],
    runs: Callable[[T], Iterable[Run]],
    sheet: Callable[[T, TableStyle], Sheet],
) -> str:
    """Tables of any kind in a format, one after another.

    Args:
        tables: The tables.
        form: As for `export`.
        style: How they are printed.
        record: What JSON says of one.
        runs: What one rests on, for BibTeX.
        sheet: One as LaTeX, Markdown and CSV have it.

    Returns:
        The text, with a line break at its end.

    Raises:
        GroundCXRError: If the style does not fit the tables or the form.
    """
    style.refuse(form)
    if form is Format.JSON:
        return json.dumps([record(table) for table in tables], indent=2, allow_nan=False) + "\n"
    if form is Format.BIBTEX:
        # A run stands in a table for each metric.
        return bibtex(list(dict.fromkeys(run for table in tables for run in runs(table))))
    shown = arranged([sheet(table, style) for table in tables], style)
    if form is Format.LATEX:
        return "\n".join(latex_sheet(one, style) for one in shown)
    if form is Format.MARKDOWN:
        return "\n".join(markdown_sheet(one, style) for one in shown)
    untold = frozenset[str].intersection(*(one.untold for one in shown)) if shown else frozenset()
    lines = [line for one in shown for line in one.records(style)]
    return write_csv([{key: value for key, value in line.items() if key not in untold} for line in lines])


def write_csv(rows: Sequence[Mapping[str, Any]]) -> str:
    """Rows as CSV: numbers whole, nothing for what is not known, and text that no spreadsheet runs."""
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(rows[0]) if rows else [], lineterminator="\n")
    writer.writeheader()
    writer.writerows({key: _csv_cell(value) for key, value in row.items()} for row in rows)
    return text.getvalue()


def _csv_cell(value: Any) -> Any:
    if isinstance(value, str):
        return spreadsheet_cell(one_line(value))
    return None if value != value else value


def board_sheet(board: Board, style: TableStyle) -> Sheet:
    """A board as a table of methods by pathologies."""
    setting, metric = board.setting, style.named(board.metric)
    records = records_of(board)
    rows = tuple(method_head(row, board) for row in board.rows)
    columns = tuple(Head(column, (column,), n=board.n[column], capital=True) for column in board.columns)
    names = dict(zip((row.run for row in board.rows), names_shown(rows, style), strict=True))
    across = in_order(columns, style.columns)
    titles = zip(board.columns, names_shown(columns, style), strict=True)
    # The caption speaks of the columns that are shown, and calls rows and columns as they are called there.
    spoken = relabelled(dataclasses.replace(board, metric=metric), names)
    spoken = dataclasses.replace(spoken, columns=tuple(board.columns[place] for place in across))
    return Sheet(
        corners=("Method", "Pathology"),
        rows=rows,
        columns=columns,
        cells=tuple(
            tuple(
                SheetCell(
                    board.metric,
                    row.cells[column],
                    board.n[column],
                    row.derived,
                    record=records[row.run.id, column],
                )
                for column in board.columns
            )
            for row in board.rows
        ),
        title=f"{metric.label} by pathology {where_said([row.run for row in board.rows])}",
        caption=caption(spoken, intervals=style.intervals, renamed={old: new for old, new in titles if old != new}),
        # The id, since versions, splits and parts of a split may share all the names.
        label=f"{setting.dataset}-{setting.protocol}-{board.metric.key}-{setting.id}",
        keys=("method", "column"),
        untold=untold(board),
    )


def relabelled(board: Board, names: Mapping[Run, str]) -> Board:
    """A board whose rows are called otherwise.

    Args:
        board: The table.
        names: What its rows are called, by their runs.
    """
    rows = (dataclasses.replace(row, run=dataclasses.replace(row.run, label=names[row.run])) for row in board.rows)
    return dataclasses.replace(board, rows=tuple(rows))


def method_head(row: BoardRow, board: Board) -> Head:
    """What names a method's row of a board."""
    method = row.run.info.method
    seen = board.tells_seen and seen_in(row.run.info) is not None
    marks = marks_of(control=method.control, imported=row.run.imported is not None, seen=seen)
    return Head(row.run.label, known_as(row.run), marks, control=method.control)


def untold(board: Board) -> frozenset[str]:
    """Fields of CSV that are said only where there is something to say, so that other exports stay as they were."""
    told = {
        SEEN: board.tells_seen,
        "derived": board.tells_derived,
        "supervision": board.tells_supervision,
        "condition": bool(board.setting.condition),
    }
    return frozenset(key for key, is_told in told.items() if not is_told)


def records_of(board: Board) -> dict[tuple[str, str], dict[str, Any]]:
    """The lines of CSV of a board, by run and column."""
    said = {**dataclasses.asdict(board.setting), "metric": board.metric.key}
    lines = board.frame().astype(object).to_dict("records")
    return {(line["run"], line["column"]): {**said, **line} for line in lines}


def described(table: Board | ConditionTable) -> dict[str, Any]:
    """What JSON says of a table's data, protocol and metric."""
    said = {**dataclasses.asdict(table.setting), "metric": table.metric.key}
    return {key: value for key, value in said.items() if key != "condition" or value}


def method_record(row: BoardRow, board: Board) -> dict[str, Any]:
    """What JSON says of a method's row of a board, its cells apart."""
    return {
        "run": row.run.id,
        "method": row.run.label,
        "tier": row.run.tier,
        "kind": row.run.info.method.kind,
        "control": row.run.info.method.control,
        **({SEEN: seen_in(row.run.info)} if board.tells_seen else {}),
        **({"derived": row.derived} if board.tells_derived else {}),
        **({"supervision": row.run.info.supervision} if board.tells_supervision else {}),
        "created": row.run.info.run.created,
    }


def _record(board: Board) -> dict[str, Any]:
    return {
        **described(board),
        "label": board.metric.label,
        "ranked": board.ranked,
        "n": board.n,
        "rows": [
            {
                **method_record(row, board),
                "cells": {column: dataclasses.asdict(cell) for column, cell in row.cells.items()},
            }
            for row in board.rows
        ],
    }
