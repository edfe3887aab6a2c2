"""Standard output as tables are printed on it."""

from __future__ import annotations

import sys

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

WIDE = 200
"""Columns where there is no terminal."""


def open_console() -> Console:
    """Standard output. Without a terminal there is no width to fit into; wrapped cells would only be harder to read."""
    return Console(width=None if sys.stdout.isatty() else WIDE)


def print_table(console: Console, table: Table) -> None:
    """Print a table whose cells break between words only, so that every number stays in one piece.

    Where the console is too narrow even for that, lines run over its edge, and nothing of them is lost.
    """
    for column in table.columns:
        cells = (Text.from_markup(str(cell)).plain for cell in (column.header, *column.cells))
        column.min_width = max((cell_len(word) for cell in cells for word in cell.split()), default=0)
    console.print(table, crop=False)
