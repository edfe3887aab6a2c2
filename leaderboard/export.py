"""A table in the form that a paper, a page or a program wants."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
from collections.abc import Mapping, Sequence
from typing import Any

from ..core.names import one_line
from ..core.spreadsheet import cell as spreadsheet_cell
from .citation import bibtex
from .export_latex import latex_table
from .export_markdown import markdown_table
from .formats import Format
from .tables import Board
from .zero_shot import SEEN, seen_in


def export(boards: Sequence[Board], form: Format, *, intervals: bool = True) -> str:
    """Write tables out.

    LaTeX and Markdown round as the terminal does: best bold, a dagger at what cannot be told from it, a caption that
    says what was measured. CSV and JSON hold the numbers of `result.json` whole.

    Args:
        boards: The tables, one after another.
        form: LaTeX, Markdown, CSV, JSON; or the BibTeX of all that the tables rest on.
        intervals: Whether LaTeX and Markdown show the 95 % intervals.

    Returns:
        The text, with a line break at its end.
    """
    match form:
        case Format.LATEX:
            return "\n".join(latex_table(board, intervals=intervals) for board in boards)
        case Format.MARKDOWN:
            return "\n".join(markdown_table(board, intervals=intervals) for board in boards)
        case Format.CSV:
            return _csv(boards)
        case Format.JSON:
            return json.dumps([_record(board) for board in boards], indent=2, allow_nan=False) + "\n"
        case Format.BIBTEX:
            return bibtex([row.run for board in boards for row in board.rows])


def _described(board: Board, *, condition: bool) -> dict[str, Any]:
    said = dataclasses.asdict(board.setting)
    # Said only where there is one, so that other exports stay as they were.
    return {
        **{key: value for key, value in said.items() if condition or key != "condition"},
        "metric": board.metric.key,
    }


def _csv(boards: Sequence[Board]) -> str:
    """One line for each table, method and column, since the columns of tables may differ."""
    told = {SEEN: any(board.tells_seen for board in boards), "derived": any(board.tells_derived for board in boards)}
    condition = any(board.setting.condition for board in boards)
    return write_csv(
        [
            {
                key: value
                for key, value in {**_described(board, condition=condition), **cell}.items()
                if told.get(key, True)
            }
            for board in boards
            for cell in board.frame().astype(object).to_dict("records")
        ]
    )


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


def _record(board: Board) -> dict[str, Any]:
    return {
        **_described(board, condition=bool(board.setting.condition)),
        "label": board.metric.label,
        "ranked": board.ranked,
        "n": board.n,
        "rows": [
            {
                "run": row.run.id,
                "method": row.run.label,
                "tier": row.run.tier,
                "kind": row.run.info.method.kind,
                "control": row.run.info.method.control,
                **({SEEN: seen_in(row.run.info)} if board.tells_seen else {}),
                **({"derived": row.derived} if board.tells_derived else {}),
                "created": row.run.info.run.created,
                "cells": {column: dataclasses.asdict(cell) for column, cell in row.cells.items()},
            }
            for row in board.rows
        ],
    }
