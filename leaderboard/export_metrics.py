"""The table that papers print: methods by metrics, each a macro average, of one data set and protocol."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from itertools import groupby
from typing import Any

from ..comparison.captions import how_tested
from ..comparison.significance import MACRO
from ..evaluation.negative_notes import negatives_said
from . import caption as words
from .board import Board, BoardRow
from .data_columns import PHANTOM
from .export import described, method_head, method_record, records_of, relabelled, untold, write_tables
from .formats import Format
from .runs import Run
from .sheet import Head, Sheet, SheetCell, in_order, names_shown
from .supervision import places_said, supervision_said
from .table_style import AS_USUAL, TableStyle
from .zero_shot import seen_in


def export_metrics(boards: Sequence[Board], form: Format, style: TableStyle = AS_USUAL) -> str:
    """Write the macro averages of boards out, one table for each data set and protocol.

    Args:
        boards: As `tables.boards` gives them: those of one setting stand together.
        form: As for `export.export`.
        style: How they are printed.

    Returns:
        The text, with a line break at its end.

    Raises:
        GroundCXRError: If the style does not fit the tables or the form.
    """
    return write_tables(_by_setting(boards), form, style, _record, _runs, metrics_sheet)


def _runs(boards: Sequence[Board]) -> list[Run]:
    return [row.run for board in boards for row in board.rows]


def metrics_sheets(boards: Sequence[Board], style: TableStyle) -> list[Sheet]:
    """Boards as tables of methods by metrics, one for each setting."""
    return [metrics_sheet(table, style) for table in _by_setting(boards)]


def _by_setting(boards: Sequence[Board]) -> list[list[Board]]:
    return [list(group) for _, group in groupby(boards, key=lambda board: board.setting)]


def metrics_sheet(boards: Sequence[Board], style: TableStyle) -> Sheet:
    """Boards of one setting as a table of methods by metrics: the first one's order, those that lack it below."""
    setting = boards[0].setting
    named = [style.named(board.metric) for board in boards]
    records = [records_of(board) for board in boards]
    rows = _rows(boards)
    heads = tuple(method_head(row, board) for row, board in rows)
    columns = tuple(
        Head(metric.label, (metric.label, board.metric.label, metric.key), n=board.n[MACRO])
        for metric, board in zip(named, boards, strict=True)
    )
    cells: list[tuple[SheetCell, ...]] = []
    for row, _ in rows:
        line: list[SheetCell] = []
        for board, lines in zip(boards, records, strict=True):
            mine = next((one for one in board.rows if one.run == row.run), None)
            found = SheetCell(board.metric, None)
            if mine is not None:
                cell, record = mine.cells[MACRO], lines[row.run.id, MACRO]
                found = SheetCell(board.metric, cell, board.n[MACRO], mine.derived, record=record)
            line.append(found)
        cells.append(tuple(line))
    names = dict(zip((row.run for row, _ in rows), names_shown(heads, style), strict=True))
    across = in_order(columns, style.columns)
    titles = names_shown(columns, style)
    # The caption speaks of the metrics that are shown, and calls methods and metrics as they are called there.
    spoken = [
        replace(
            relabelled(boards[place], names), metric=boards[place].metric.model_copy(update={"label": titles[place]})
        )
        for place in across or range(len(columns))
    ]
    return Sheet(
        corners=("Method", "Metric"),
        rows=heads,
        columns=columns,
        cells=tuple(cells),
        title=f"Macro averages {words.where_said([row.run for row, _ in rows])}",
        caption=_caption(spoken, style),
        label=f"metrics-{setting.dataset}-{setting.protocol}-{setting.id}",
        keys=("method", "metric"),
        untold=frozenset.intersection(*map(untold, boards)),
    )


def _rows(boards: Sequence[Board]) -> list[tuple[BoardRow, Board]]:
    """A row of each method, with a board that it is on; controls last."""
    found = {row.run: (row, board) for board in reversed(boards) for row in board.rows}
    order = dict.fromkeys(_runs(boards))
    return sorted((found[run] for run in order), key=lambda one: one[0].run.info.method.control)


def _caption(boards: Sequence[Board], style: TableStyle) -> str:
    rows = _rows(boards)
    infos = [row.run.info for row, _ in rows]
    called = [(row.run.label, row.run.info) for row, _ in rows]
    said = [f"Macro averages, the mean over pathologies, {words.measured_said([row.run for row, _ in rows])}."]
    said += _of_each([(board, words.direction_said(board.metric)) for board in boards])
    if style.intervals:
        said.append(words.intervals_said(infos))
    if boards[0].setting.complete:
        said += _of_each([(board, _marks(board, boards)) for board in boards if board.ranked])
    else:
        said.append("Not the whole split, so nothing is ranked.")
    cells = ((row.cells[MACRO], board.n[MACRO]) for board in boards for row in board.rows)
    if any(cell.n != n and cell.value is not None for cell, n in cells):
        said.append("Where a value rests on fewer samples than the column's n, its own n is given.")
    if negatives := negatives_said(infos[0]):
        said.append(f"{negatives}.")
    said += [*words.failures_said(called), *supervision_said(called), *places_said(infos)]
    for board in boards:
        macro = words.blind_said(replace(board, columns=(MACRO,)))
        said += [f"{board.metric.label}: {one[:1].lower()}{one[1:]}" for one in macro]
    tags = {
        words.SEEN_SAID: any(board.tells_seen and seen_in(row.run.info) for row, board in rows),
        words.DERIVED_SAID: any(row.derived for board in boards for row in board.rows),
        words.NATIVE_SAID: any(board.only_native for board in boards),
        words.CONTROLS_SAID: any(info.method.control for info in infos),
        words.IMPORTED_SAID: any(row.run.imported is not None for row, _ in rows),
        words.PHANTOMS_SAID: boards[0].setting.dataset == PHANTOM,
    }
    return " ".join([*said, *(sentence for sentence, holds in tags.items() if holds)])


def _marks(board: Board, boards: Sequence[Board]) -> str:
    """What the marks of a metric mean, and of all others that are tested alike."""
    infos = [row.run.info for row in board.rows]
    alike = [one for one in boards if how_tested(one.metric) == how_tested(board.metric)]
    return words.marks_said([row.cells[MACRO] for one in alike for row in one.rows], board.metric, infos)


def _of_each(said: Sequence[tuple[Board, str]]) -> list[str]:
    """What is said of the metrics: once where it is the same of all, else with their names."""
    different = list(dict.fromkeys(one for _, one in said))
    if len(different) < 2:
        return different
    return [
        f"{', '.join(board.metric.label for board, its in said if its == one)}: {one[:1].lower()}{one[1:]}"
        for one in different
    ]


def _record(boards: Sequence[Board]) -> dict[str, Any]:
    said = {key: value for key, value in described(boards[0]).items() if key != "metric"}
    return {
        **said,
        "metrics": {board.metric.key: {"label": board.metric.label, "n": board.n[MACRO]} for board in boards},
        "rows": [
            {
                **method_record(row, board),
                "cells": {
                    one.metric.key: asdict(mine.cells[MACRO])
                    for one in boards
                    for mine in one.rows
                    if mine.run == row.run
                },
            }
            for row, board in _rows(boards)
        ],
    }
