"""The page over all data sets: methods in rows, data sets in columns, and mean ranks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

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
from ..tables import BoardCell
from ..zero_shot import SEEN
from .address import choose, linked
from .frame import Chosen, open_page
from .markup import element, heading, interval, note, put, sentence, table, tag, text

_MEAN, _RANK, _NAME = "mean", "mean rank", "method"


def show() -> None:
    """The page."""
    chosen = open_page([1, 0.7])
    if chosen is None:
        return
    try:
        shown = overview(chosen.runs, chosen.metric.key, only_zero_shot=chosen.zero_shot)
    except GroundCXRError as error:
        note(sentence(str(error)))
        return
    scale = scale_of(_drawn(shown))
    put(overview_table(shown, _sorted(shown, chosen.columns[0]), scale, _boards(chosen, shown)))
    note(f"{overview_caption(shown, intervals=True)} {scale_note(scale, shown.metric)}")
    heading("Mean ranks", ranks_said(shown))
    if shown.ranks is not None:
        put(ranks_table(shown))
        note(
            "Each bar is as long as the critical difference: methods whose bars do not overlap can be told apart, where"
            f" Friedman's test finds any difference. It takes {FEWEST} data sets and {FEWEST} methods."
        )


def _sorted(shown: Overview, place: Any) -> Sequence[OverviewRow]:
    columns = {column.label: column for column in shown.columns}
    orders = [_MEAN, *([_RANK] if shown.ranks is not None else []), *columns, _NAME]
    with place:
        order = choose("Sort by", orders, "sort_all")
    if order == _NAME:
        return sorted(shown.rows, key=lambda row: row.label)
    sign = -1 if shown.metric.higher_is_better else 1

    def key(row: OverviewRow) -> float:
        if order == _RANK:
            return np.inf if row.rank is None else row.rank
        cell = row.cell(columns[order]) if order in columns else None
        value = row.mean if order == _MEAN else None if cell is None else cell.value
        return np.inf if value is None else sign * value

    # By the mean as the table is, with controls below.
    return shown.rows if order == _MEAN else sorted(shown.rows, key=key)


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
    heads = [text(shown.metric.label), *shown.in_order(head, _MEAN, _RANK)]
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
    heads = ["method", _RANK, f"1 (best) to {len(ranked)}, critical difference {shown.ranks.critical:.2f}"]
    return table(heads, rows, "gx-ranks", label="mean ranks with the critical difference")
