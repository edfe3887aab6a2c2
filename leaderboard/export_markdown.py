"""A table for a page: GitHub's Markdown, which others read too."""

from __future__ import annotations

import re

from ..core.names import one_line
from ..evaluation.derived import DERIVED
from ..evaluation.numbers import with_plus
from ..evaluation.schema import MetricInfo
from .board import BoardCell
from .caption import ABOVE, TIED
from .sheet import Head, Sheet, SheetCell
from .table_style import AS_USUAL, TableStyle
from .zero_shot import SEEN

_SPECIAL = re.compile(r"([\\`*_\[\]<>&|~#!])")
_BLOCK = re.compile(r"^(\d*)([-+=.)])")
"""What makes a paragraph that begins with it a list or a line."""


def markdown_sheet(sheet: Sheet, style: TableStyle) -> str:
    """The table, and its caption below; a short caption stands above it.

    Args:
        sheet: The table, arranged.
        style: How its numbers are written, and how long its caption is.
    """
    lines = [
        *([_paragraph(f"{sheet.title}."), ""] if style.short_caption else []),
        _line([sheet.corners[0], *map(_head, sheet.columns)]),
        _line([":--", *("--:" for _ in sheet.columns)]),
        *(
            _line([_head(head), *(_cell(cell, style) for cell in cells)])
            for head, cells in zip(sheet.rows, sheet.cells, strict=True)
        ),
    ]
    return "\n".join([*lines, "", _paragraph(sheet.caption)]) + "\n"


def _head(head: Head) -> str:
    return escape(head.shown) + ("" if head.n is None else f" (n={head.n})")


def _paragraph(text: str) -> str:
    return _BLOCK.sub(r"\1\\\2", escape(text))


def _cell(cell: SheetCell, style: TableStyle) -> str:
    if cell.number is None or cell.number.value is None:
        return escape(cell.text) or "-"
    shown = markdown_cell(cell.number, cell.metric, cell.most, style, derived=cell.derived, signed=cell.signed)
    return f"{shown} {SEEN}" if cell.seen else shown


def escape(text: str) -> str:
    """Text that Markdown shows as it is, in one line, HTML and table bars included."""
    return _SPECIAL.sub(r"\\\1", one_line(text))


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def markdown_cell(
    cell: BoardCell,
    metric: MetricInfo,
    most: int | None,
    style: TableStyle = AS_USUAL,
    *,
    derived: bool = False,
    signed: bool = False,
) -> str:
    """A number with its marks.

    Args:
        cell: The number.
        metric: Of what.
        most: The most samples of the column; a cell with fewer says so. None where that is not said.
        style: How it is written, and whether the 95 % interval stands behind it.
        derived: Whether it is of the view that the method does not give itself.
        signed: Whether it is a difference.
    """
    if cell.value is None:
        return "-"

    def written(number: float | None) -> str | None:
        if number is None:
            return None
        shown = style.write(number, metric)
        return with_plus(shown, number) if signed else shown

    value, low, high = map(written, (cell.value, cell.low, cell.high))
    shown = f"**{value}**" if cell.best else f"{value}{TIED if cell.tied else ABOVE if cell.above else ''}"
    shown += DERIVED if derived else ""
    count = "" if most is None or cell.n == most else f" (n={cell.n})"
    interval = f" [{low}, {high}]" if style.intervals and low is not None and high is not None else ""
    return shown + count + interval
