"""A table that is exported, as a page shows it: what LaTeX and Markdown will look like."""

from __future__ import annotations

from .export_markdown import markdown_cell
from .markup import element, table, text
from .sheet import Head, Sheet, SheetCell
from .table_style import TableStyle
from .zero_shot import SEEN


def preview(sheet: Sheet, style: TableStyle) -> str:
    """A table with its caption, as HTML.

    Args:
        sheet: The table, arranged.
        style: How its numbers are written.
    """
    heads = [text(sheet.corners[0]), *(_head(head) for head in sheet.columns)]
    rows = [
        [_head(head), *(_cell(cell, style) for cell in cells)]
        for head, cells in zip(sheet.rows, sheet.cells, strict=True)
    ]
    shown = table(heads, rows, label=sheet.title)
    if not style.short_caption:
        return shown + element("p", text(sheet.caption), "gx-note")
    return element("p", text(f"{sheet.title}.")) + shown + element("p", text(sheet.caption), "gx-note")


def _head(head: Head) -> str:
    return text(head.shown) + ("" if head.n is None else element("small", f"n = {head.n:,}"))


def _cell(cell: SheetCell, style: TableStyle) -> str:
    if cell.number is None or cell.number.value is None:
        return text(cell.text or "-")
    shown = markdown_cell(cell.number, cell.metric, cell.most, style, derived=cell.derived, signed=cell.signed)
    value, bracket, interval = text(shown).partition(" [")
    value = value.replace("**", "<b>", 1).replace("**", "</b>", 1)
    seen = f" {element('small', SEEN)}" if cell.seen else ""
    return value + seen + (element("small", f"[{interval}") if bracket else "")
