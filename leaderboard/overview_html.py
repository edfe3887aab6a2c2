"""The table over all data sets as HTML: the same on the app's page and on a static site."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

from ..comparison.ranks import FEWEST
from ..evaluation.numbers import digits_of, write_number
from .board_html import cell_html, scale_of
from .data_columns import Column
from .markup import element, interval, table, tag, text
from .overview import Overview
from .overview_rows import OverviewRow
from .zero_shot import SEEN

MEAN, RANK = "mean", "mean rank"

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


def overview_table(
    shown: Overview, rows: Sequence[OverviewRow], scale: tuple[float, float], urls: Mapping[Column, str]
) -> str:
    """The table as HTML.

    Args:
        shown: The table.
        rows: Its rows, in the order wanted.
        scale: What intervals are drawn on.
        urls: The address of each data set's board.
    """

    def head(column: Column) -> str:
        name, _, rest = column.label.partition(" ")
        below = [rest, f"n = {shown.n[column]:,}", *([f"apart: {column.apart}"] if column.apart else [])]
        return f'<a href="{text(urls[column])}">{text(name)}</a>' + "".join(element("small", text(b)) for b in below)

    def cell(row: OverviewRow, column: Column) -> str:
        entry = row.entries.get(column)
        if entry is None:
            return element("span", "-", "gx-faint", title="no result")
        mark = tag(SEEN, title=f"trained on {entry.seen}") if entry.seen else ""
        if entry.cell is None:
            return mark or element("span", "-", "gx-faint", title="does not state what its weights were trained on")
        most = shown.n[column]
        return cell_html(entry.cell, shown.metric, most, scale, url=urls[column], below=mark, derived=entry.derived)

    body = []
    for row in rows:
        mean = "-" if row.mean is None else write_number(row.mean, digits_of(shown.metric))
        rank = "-" if row.rank is None else f"{row.rank:.2f}"
        marks = (tag("control") if row.control else "") + (tag("imported") if row.imported else "")
        body.append([text(row.label) + marks, *shown.in_order(partial(cell, row), text(mean), text(rank))])
    heads = [text(shown.metric.label), *shown.in_order(head, MEAN, RANK)]
    return table(heads, body, "gx-board", label=f"{shown.metric.label} by method and data set")


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
