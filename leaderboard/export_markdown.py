"""A table for a page: GitHub's Markdown, which others read too."""

from __future__ import annotations

import re

from ..core.names import one_line
from ..evaluation.numbers import digits_of, write_number
from .caption import TIED, caption, row_names
from .tables import Board, BoardCell

_SPECIAL = re.compile(r"([\\`*_\[\]<>&|~#!])")
_BLOCK = re.compile(r"^(\d*)([-+=.)])")
"""What makes a paragraph that begins with it a list or a line."""


def markdown_table(board: Board, *, intervals: bool) -> str:
    """The table, and its caption below.

    Args:
        board: The table.
        intervals: Whether the 95 % intervals stand behind the values.
    """
    columns = board.columns
    lines = [
        _line(["Method", *(f"{escape(column)} (n={board.n[column]})" for column in columns)]),
        _line([":--", *("--:" for _ in columns)]),
    ]
    for name, row in zip(row_names(board), board.rows, strict=True):
        lines.append(_line([escape(name), *(_cell(row.cells[column], board, column, intervals) for column in columns)]))
    below = _BLOCK.sub(r"\1\\\2", escape(caption(board, intervals=intervals)))
    return "\n".join([*lines, "", below]) + "\n"


def escape(text: str) -> str:
    """Text that Markdown shows as it is, in one line, HTML and table bars included."""
    return _SPECIAL.sub(r"\\\1", one_line(text))


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cell(cell: BoardCell, board: Board, column: str, intervals: bool) -> str:
    if cell.value is None:
        return "-"
    value, low, high = (
        None if number is None else write_number(number, digits_of(board.metric))
        for number in (cell.value, cell.low, cell.high)
    )
    shown = f"**{value}**" if cell.best else f"{value}{TIED if cell.tied else ''}"
    count = "" if cell.n == board.n[column] else f" (n={cell.n})"
    interval = f" [{low}, {high}]" if intervals and low is not None and high is not None else ""
    return shown + count + interval
