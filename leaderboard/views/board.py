"""The page of the tables: methods in rows, pathologies in columns."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from ...comparison.significance import LEVEL, MACRO, MICRO
from ...core import GroundCXRError
from ...evaluation.derived import DERIVED, DERIVED_SAID
from ...evaluation.numbers import digits_of, write_number
from ...evaluation.schema import MetricInfo
from ..caption import TIED, caption
from ..runs import MEASURED, Run
from ..supervision import tag_of
from ..tables import Board, BoardCell, BoardRow, board
from ..zero_shot import SEEN, seen_in
from . import charts, conditions, published
from .address import choose, linked
from .frame import Chosen, open_page
from .markup import element, interval, note, put, sentence, table, tag, text

_NAME = "method"
_SENSIBLE = 1e6
"""Values beyond it (a protocol may count no noise as float32's maximum) have no place on a picture's scale."""


def show() -> None:
    """The page."""
    chosen = open_page([1, 1.4], without_runs=True)
    if chosen is None:
        return
    if chosen.runs:
        _show_board(chosen)
    else:
        note("None of the methods measured or imported is left; the numbers of the literature are below.")
    if chosen.published:
        published.show(chosen.setting.dataset)


def _show_board(chosen: Chosen) -> None:
    try:
        shown = board(chosen.runs, chosen.metric.key)
    except GroundCXRError as error:
        note(sentence(str(error)))
        return
    put(board_table(shown, _sorted(shown, chosen.columns[0])))
    note(f"{caption(shown, intervals=True)} {scale_note(scale_of(_drawn(shown)), shown.metric)}")
    conditions.show(chosen)
    charts.show(chosen, [row.run for row in shown.rows])


def _sorted(shown: Board, place: Any) -> list[BoardRow]:
    with place:
        column = choose("Sort by", [MACRO, MICRO, *shown.columns[:-2], _NAME], "sort")
    if column == _NAME:
        return sorted(shown.rows, key=lambda row: row.run.label)
    sign = -1 if shown.metric.higher_is_better else 1
    known = [row for row in shown.rows if row.cells[column].value is not None]
    return [
        *sorted(known, key=lambda row: sign * (row.cells[column].value or 0.0)),
        *(row for row in shown.rows if row not in known),
    ]


def board_table(shown: Board, rows: Sequence[BoardRow]) -> str:
    """The board as HTML; each number has a dot on its interval below it, all on one scale.

    Args:
        shown: The board.
        rows: Its rows, in the order wanted.
    """
    scale = scale_of(_drawn(shown))
    head = [text(shown.metric.label)]
    head += [f"{text(column)}{element('small', f'n = {shown.n[column]:,}')}" for column in shown.columns]
    body = [
        [
            _name(row.run),
            *(cell_html(row.cells[c], shown.metric, shown.n[c], scale, derived=row.derived) for c in shown.columns),
        ]
        for row in rows
    ]
    return table(head, body, "gx-board", label=f"{shown.metric.label} by method and pathology")


def _name(run: Run) -> str:
    method = run.info.method
    marks = "".join(tag(mark) for mark in ("control",) if method.control) + (
        tag(run.tier) if run.tier != MEASURED else ""
    )
    if entry := seen_in(run.info):
        marks += tag(SEEN, title=f"trained on {entry}")
    if learnt := tag_of(run.info):
        marks += tag(learnt[0], title=learnt[1])
    if run.info.n_failed:
        marks += tag(f"{run.info.n_failed:,} failed")
    link = f'<a href="{text(linked("run", method=run.label))}">{text(run.label)}</a>'
    below = "" if method.control else element("small", text(f"{method.kind}, {run.tier}"))
    return link + marks + below


def cell_html(
    cell: BoardCell,
    metric: MetricInfo,
    most: int,
    scale: tuple[float, float],
    *,
    url: str = "",
    below: str = "",
    derived: bool = False,
) -> str:
    """A number with its marks, its interval, and a dot on it.

    Args:
        cell: The number.
        metric: Of what.
        most: The most samples of the column; a cell with fewer says so.
        scale: The values at the left and the right edge of the drawn interval.
        url: What the number links to; nothing by default.
        below: HTML behind the number, such as a tag.
        derived: Whether it is of the view that the method does not give itself.
    """
    if cell.value is None:
        return element("span", "-", "gx-faint", title="no sample counts")
    digits = digits_of(metric)
    value = text(write_number(cell.value, digits))
    value = f'<a href="{text(url)}">{value}</a>' if url else value
    if cell.best:
        value = element("span", value, "gx-best", title="the best of the column")
    elif cell.tied:
        # A small p-value and still tied: the difference is in its own favour.
        favours = "no worse on the samples that both have, "
        said = "nothing to test" if cell.p is None else f"{favours if cell.p < LEVEL else ''}p = {cell.p:.3f}"
        value += element("span", TIED, title=f"not distinguishable from the best ({said})")
    if derived:
        value += element("span", DERIVED, title=DERIVED_SAID)
    value += below
    if cell.n != most:
        value += f" {element('span', f'n={cell.n}', 'gx-faint')}"
    if cell.low is None or cell.high is None:
        return value + element("small", "no interval")
    ends = f"{write_number(cell.low, digits)}, {write_number(cell.high, digits)}"
    drawn = interval(cell.low, cell.value, cell.high, scale)
    inside = value + element("small", text(f"[{ends}]")) + drawn
    return element("div", inside, "gx-best-cell") if cell.best else inside


def _drawn(shown: Board) -> list[BoardCell]:
    # A control that knows the answer would push all others into one corner.
    methods = [row for row in shown.rows if not row.run.info.method.control] or shown.rows
    return [cell for row in methods for cell in row.cells.values()]


def scale_of(cells: Iterable[BoardCell]) -> tuple[float, float]:
    """The one scale that the intervals of some cells are drawn on."""
    ends = [
        end for cell in cells for end in (cell.low, cell.value, cell.high) if end is not None and abs(end) < _SENSIBLE
    ]
    return (min(ends), max(ends)) if ends else (0.0, 1.0)


def scale_note(scale: tuple[float, float], metric: MetricInfo) -> str:
    """What the dots of a table mean."""
    low, high = (write_number(end, digits_of(metric)) for end in scale)
    return f"The dots on their intervals are on one scale, {low} to {high}; a hollow one lies beyond it."
