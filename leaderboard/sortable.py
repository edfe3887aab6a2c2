"""A table that its reader sorts, searches and takes columns from: the HTML that `theme/tables.js` works on.

It stands without the script too, in the order given. The page of the app and that of a static site have the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .markup import element, text

NAME = "method"
"""The first column in addresses."""


@dataclass(frozen=True, slots=True)
class Head:
    """A column.

    Attributes:
        name: What addresses and the choice of columns call it, unique in its table.
        html: What stands in the head, inside a button.
        below: HTML below the button.
        title: A sentence on it, shown when pointed at.
        descending: Whether the first click puts the largest first.
    """

    name: str
    html: str
    below: str = ""
    title: str = ""
    descending: bool = True


@dataclass(frozen=True, slots=True)
class SortCell:
    """A cell.

    Attributes:
        html: What is shown.
        key: What it is sorted by; None comes last either way.
    """

    html: str
    key: float | str | None


def sortable_table(
    heads: Sequence[Head],
    blocks: Sequence[Sequence[Sequence[SortCell]]],
    classes: str,
    *,
    label: str,
    order: str,
    what: str = "methods",
) -> str:
    """A table with its tools: a search by the first column, and a choice of the others.

    Args:
        heads: The columns; the first names the rows.
        blocks: Blocks of rows, each sorted by itself; from the second on they are set off as controls.
        classes: More classes of the table.
        label: What the table is, for screen readers.
        order: The column that the rows come sorted by.
        what: What the rows are, in the plural.
    """
    top = "".join(_head(head, head.name == order) for head in heads)
    bodies = "".join(
        element("tbody", "".join(map(_row, rows)), "gx-controls" if number else "")
        for number, rows in enumerate(blocks)
    )
    return (
        f'<div class="gx-sortable" data-order="{text(order)}">{_tools(heads, what)}'
        f'<div class="gx-scroll gx-tall" tabindex="0" role="region" aria-label="{text(label)}">'
        f'<table class="gx-table {classes}"><thead><tr>{top}</tr></thead>{bodies}</table></div></div>'
    )


def _head(head: Head, sorted_by: bool) -> str:
    first = "descending" if head.descending else "ascending"
    sort = f' aria-sort="{first}"' if sorted_by else ""
    titled = f' title="{text(head.title)}"' if head.title else ""
    button = f'<button type="button" class="gx-sort"{titled}>{head.html}</button>'
    return f'<th scope="col" data-name="{text(head.name)}" data-first="{first}"{sort}>{button}{head.below}</th>'


def _row(cells: Sequence[SortCell]) -> str:
    first, *others = cells
    return (
        f'<tr><th scope="row"{_key(first)}>{first.html}</th>'
        + "".join(f"<td{_key(cell)}>{cell.html}</td>" for cell in others)
        + "</tr>"
    )


def _key(cell: SortCell) -> str:
    return "" if cell.key is None else f' data-key="{text(cell.key)}"'


def _tools(heads: Sequence[Head], what: str) -> str:
    boxes = "".join(
        f'<label><input type="checkbox" checked value="{text(head.name)}"> {text(head.name)}</label>'
        for head in heads[1:]
    )
    return (
        '<div class="gx-tools">'
        f'<label>Find {text(what)} <input type="search" class="gx-find" autocomplete="off" spellcheck="false"></label>'
        f'<details class="gx-columns"><summary>Columns</summary><div>{boxes}</div></details>'
        '<span class="gx-found" role="status"></span></div>'
    )
