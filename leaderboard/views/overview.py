"""The page over all data sets: methods in rows, data sets in columns, and mean ranks."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from ...comparison.ranks import FEWEST
from ...comparison.setting import Setting
from ...core import GroundCXRError
from ...evaluation.numbers import digits_of, write_number
from ..board_html import cell_html, scale_note, scale_of
from ..data_columns import Column
from ..data_names import data_names, protocol_titles
from ..overview import Overview, overview
from ..overview_caption import overview_caption, ranks_said
from ..overview_rows import OverviewRow
from ..sortable import NAME, Head, SortCell, sortable_table
from ..tables import BoardCell
from ..words import KINDS, TIERS, metric_words
from ..zero_shot import SEEN
from .address import linked
from .frame import Chosen, open_page
from .markup import element, heading, interval, note, put, sentence, table, tag, text

_MEAN, _RANK = "mean", "mean rank"


def show() -> None:
    """The page."""
    chosen = open_page([])
    if chosen is None:
        return
    try:
        shown = overview(chosen.runs, chosen.metric.key, only_zero_shot=chosen.zero_shot)
    except GroundCXRError as error:
        note(sentence(str(error)))
        return
    scale = scale_of(_drawn(shown))
    put(overview_table(shown, scale, _boards(chosen, shown)))
    note(f"{overview_caption(shown, intervals=True)} {scale_note(scale, shown.metric)}")
    heading("Mean ranks", ranks_said(shown))
    if shown.ranks is not None:
        put(ranks_table(shown))
        note(
            "Each bar is as long as the critical difference: methods whose bars do not overlap can be told apart, where"
            f" Friedman's test finds any difference. It takes {FEWEST} data sets and {FEWEST} methods."
        )


def _drawn(shown: Overview) -> list[BoardCell]:
    # A control that knows the answer would push all others into one corner.
    methods = [row for row in shown.rows if not row.control] or shown.rows
    return [cell for row in methods for column in shown.columns if (cell := row.cell(column)) is not None]


def _boards(chosen: Chosen, shown: Overview) -> dict[Column, str]:
    """The address of each data set's board."""
    settings = chosen.library.settings()
    names = data_names(chosen.library.runs)

    def url(setting: Setting) -> str:
        titles = protocol_titles([one for one in settings if names[one] == names[setting]])
        # The first page is at the server's root.
        return linked("./", data=names[setting], protocol=titles[setting], metric=shown.metric.label)

    return {column: url(column.setting) for column in shown.columns}


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
            why = element("span", "-", "gx-faint", title="does not state what its weights were trained on")
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
            Head(_MEAN, _MEAN, title="mean over the data sets that are not apart", descending=descending),
            Head(_RANK, _RANK, title="1 is the best", descending=False),
        ),
    ]
    methods = [cells(row) for row in shown.rows if not row.control]
    controls = [cells(row) for row in shown.rows if row.control]
    blocks = [block for block in (methods, controls) if block]
    return sortable_table(heads, blocks, "gx-board", label=f"{shown.metric.label} by method and data set", order=_MEAN)


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
    heads = ["method", _RANK, f"1 (best) to {len(ranked)}, critical difference {shown.ranks.critical:.2f}"]
    return table(heads, rows, "gx-ranks", label="mean ranks with the critical difference")
