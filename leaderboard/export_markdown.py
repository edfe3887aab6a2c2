"""A table for a page: GitHub's Markdown, which others read too."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from ..core.names import one_line
from ..evaluation.derived import DERIVED
from ..evaluation.numbers import digits_of, write_number
from ..evaluation.schema import MetricInfo
from .caption import ABOVE, TIED, caption, row_names
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
    rows = [
        [
            name,
            *(
                markdown_cell(row.cells[column], board.metric, board.n[column], intervals, derived=row.derived)
                for column in columns
            ),
        ]
        for name, row in zip(row_names(board), board.rows, strict=True)
    ]
    return markdown_lines({column: board.n[column] for column in columns}, rows, caption(board, intervals=intervals))


def markdown_lines(heads: Mapping[str, int | None], rows: Sequence[Sequence[str]], caption: str) -> str:
    """A table, and its caption below.

    Args:
        heads: By column, how many samples it has; None of what has none.
        rows: The method's name as plain text, then Markdown.
        caption: As plain text.
    """
    lines = [
        _line(["Method", *(escape(column) + ("" if n is None else f" (n={n})") for column, n in heads.items())]),
        _line([":--", *("--:" for _ in heads)]),
        *(_line([escape(name), *cells]) for name, *cells in rows),
    ]
    below = _BLOCK.sub(r"\1\\\2", escape(caption))
    return "\n".join([*lines, "", below]) + "\n"


def escape(text: str) -> str:
    """Text that Markdown shows as it is, in one line, HTML and table bars included."""
    return _SPECIAL.sub(r"\\\1", one_line(text))


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def markdown_cell(cell: BoardCell, metric: MetricInfo, most: int, intervals: bool, *, derived: bool = False) -> str:
    """A number with its marks.

    Args:
        cell: The number.
        metric: Of what.
        most: The most samples of the column; a cell with fewer says so.
        intervals: Whether the 95 % interval stands behind it.
        derived: Whether it is of the view that the method does not give itself.
    """
    if cell.value is None:
        return "-"
    value, low, high = (
        None if number is None else write_number(number, digits_of(metric))
        for number in (cell.value, cell.low, cell.high)
    )
    shown = f"**{value}**" if cell.best else f"{value}{TIED if cell.tied else ABOVE if cell.above else ''}"
    shown += DERIVED if derived else ""
    count = "" if cell.n == most else f" (n={cell.n})"
    interval = f" [{low}, {high}]" if intervals and low is not None and high is not None else ""
    return shown + count + interval
