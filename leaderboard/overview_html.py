"""The table over all data sets as HTML: the same on the app's page and on a static site."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from ..comparison.ranks import FEWEST
from ..evaluation.numbers import digits_of, write_number
from .board_html import cell_html, scale_of
from .data_columns import Column
from .markup import element, interval, table, tag, text
from .overview import MEAN, RANK, Overview
from .overview_rows import OverviewRow
from .sortable import NAME, Head, SortCell, sortable_table
from .words import KINDS, TIERS, metric_words
from .zero_shot import SEEN

BARS_SAID = (
    "Each bar is as long as the critical difference: methods whose bars do not overlap can be told apart, where "
    f"Friedman's test finds any difference. It takes {FEWEST} data sets and {FEWEST} methods."
)
"""What `ranks_table` shows."""


def overview_scale(shown: Overview) -> tuple[float, float]:
    """The scale that the table's intervals are drawn on."""
    # A control that knows the answer would push all others into one corner.
    methods = [row for row in shown.rows if not row.control] or shown.rows
    return scale_of(cell for row in methods for column in shown.columns if (cell := row.cell(column)) is not None)


def overview_table(shown: Overview, scale: tuple[float, float], urls: Mapping[Column, str]) -> str:
    """The table as HTML: methods, controls below a rule.

    Args:
        shown: The table.
        scale: What intervals are drawn on.
        urls: The address of each data set's board.
    """

    def head(column: Column) -> Head:
        name, _, rest = column.label.partition(" ")
        below = [rest, f"n = {shown.n[column]:,}", *([f"apart: {column.apart}"] if column.apart else [])]
        link = f'<a href="{text(urls[column])}">its table</a>'
        return Head(
            column.label,
            text(name),
            below="".join(element("small", text(b)) for b in below) + element("small", link),
            title=f"macro average on {column.label}",
            descending=shown.metric.higher_is_better,
        )

    def cell(row: OverviewRow, column: Column) -> SortCell:
        entry = row.entries.get(column)
        if entry is None:
            return SortCell(element("span", "-", "gx-faint", title="no result"), None)
        mark = tag(SEEN, title=f"trained on {entry.seen}") if entry.seen else ""
        if entry.cell is None:
            why = element("span", "-", "gx-faint", title="does not state what it was trained on")
            return SortCell(mark or why, None)
        most = shown.n[column]
        html = cell_html(entry.cell, shown.metric, most, scale, url=urls[column], below=mark, derived=entry.derived)
        return SortCell(html, entry.cell.value)

    def cells(row: OverviewRow) -> list[SortCell]:
        mean = SortCell("-" if row.mean is None else text(write_number(row.mean, digits_of(shown.metric))), row.mean)
        rank = SortCell("-" if row.rank is None else f"{row.rank:.2f}", row.rank)
        marks = (tag("control", title=KINDS["control"]) if row.control else "") + (
            tag("imported", title=TIERS["imported"]) if row.imported else ""
        )
        return [SortCell(text(row.label) + marks, row.label), *shown.in_order(partial(cell, row), mean, rank)]

    descending = shown.metric.higher_is_better
    words = metric_words(shown.metric, shown.protocol[0])
    heads = [
        Head(NAME, text(shown.metric.label), title=f"by name; {shown.metric.label}: {words}", descending=False),
        *shown.in_order(
            head,
            Head(MEAN, MEAN, title="mean over the data sets that are not apart", descending=descending),
            Head(RANK, RANK, title="1 is the best", descending=False),
        ),
    ]
    methods = [cells(row) for row in shown.rows if not row.control]
    controls = [cells(row) for row in shown.rows if row.control]
    blocks = [block for block in (methods, controls) if block]
    return sortable_table(heads, blocks, "gx-board", label=f"{shown.metric.label} by method and data set", order=MEAN)


def ranks_table(shown: Overview) -> str:
    """Mean ranks as HTML, each in the middle of a bar as long as the critical difference."""
    assert shown.ranks is not None  # noqa: S101  (the caller has looked)
    half = shown.ranks.critical / 2
    ranked = [(row.label, row.rank) for row in shown.rows if row.rank is not None]
    scale = (1 - half, len(ranked) + half)
    rows = [
        [text(label), f"{rank:.2f}", interval(rank - half, rank, rank + half, scale)]
        for label, rank in sorted(ranked, key=lambda one: one[1])
    ]
    heads = ["method", RANK, f"1 (best) to {len(ranked)}, critical difference {shown.ranks.critical:.2f}"]
    return table(heads, rows, "gx-ranks", label="mean ranks with the critical difference")
