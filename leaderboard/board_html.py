"""The board as HTML: the same on the app's page and on a static site."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from ..comparison.captions import p_equals
from ..comparison.significance import LEVEL, MACRO, MICRO
from ..evaluation.derived import DERIVED, DERIVED_SAID
from ..evaluation.numbers import digits_of, write_number
from ..evaluation.schema import MetricInfo
from .board import Board, BoardCell, BoardRow
from .caption import ABOVE, TIED, sentences
from .markup import element, interval, tag, text
from .runs import MEASURED, Run
from .sortable import NAME, Head, SortCell, sortable_table
from .supervision import tag_of
from .words import KINDS, TIERS, metric_words
from .zero_shot import SEEN, seen_in

_SENSIBLE = 1e6
"""Values beyond it (a protocol may count no noise as float32's maximum) have no place on a picture's scale."""


def board_table(shown: Board, url: Callable[[Run], str]) -> str:
    """The board: the average first, methods with their place, controls below a rule.

    Each number has a dot on its interval below it, all on one scale.

    Args:
        shown: The board.
        url: Where a method's name leads.
    """
    scale, descending = board_scale(shown), shown.metric.higher_is_better
    columns = (MACRO, *(column for column in shown.columns if column not in (MACRO, MICRO)), MICRO)
    words = metric_words(shown.metric, shown.setting.protocol)
    heads = [Head(NAME, text(shown.metric.label), title=f"by name; {shown.metric.label}: {words}", descending=False)]
    heads += [
        Head(
            column,
            text(column),
            below=element("small", f"n = {shown.n[column]:,}"),
            title=_column_said(column, shown.metric),
            descending=descending,
        )
        for column in columns
    ]

    def row(one: BoardRow, place: int | None) -> list[SortCell]:
        name = SortCell(name_html(one.run, url(one.run), place), one.run.label)
        return [name, *(_cell(one, column) for column in columns)]

    def _cell(one: BoardRow, column: str) -> SortCell:
        cell = one.cells[column]
        return SortCell(cell_html(cell, shown.metric, shown.n[column], scale, derived=one.derived), cell.value)

    blocks = [[row(one, _place(shown, one, number)) for number, one in enumerate(block, 1)] for block in shown.blocks]
    return sortable_table(heads, blocks, "gx-board", label=f"{shown.metric.label} by method and pathology", order=MACRO)


def _column_said(column: str, metric: MetricInfo) -> str:
    """What stands in a column."""
    if column == MACRO:
        return "mean over pathologies"
    how = "mean over {}" if metric.reducer is None else "over {} together"
    return how.format("samples") if column == MICRO else f"{column}, {how.format('its samples')}"


def _place(shown: Board, row: BoardRow, number: int) -> int | None:
    """A method's place by the macro average; none where nothing is ranked, of a control, and without a value."""
    placed = shown.ranked and not row.run.info.method.control and row.macro.value is not None
    return number if placed else None


def name_html(run: Run, url: str, place: int | None = None) -> str:
    """A method's name with its place, what it leads to, and what a reader must know of it."""
    method = run.info.method
    rank = element("span", f"{place}", "gx-rank", title="place by the macro average") if place else ""
    link = f'<a href="{text(url)}">{text(run.label)}</a>'
    kind = "" if method.control else element("small", text(method.kind), title=KINDS.get(method.kind, ""))
    return rank + link + marks_html(run) + kind


def marks_html(run: Run) -> str:
    """What a reader must know of a method, as marks behind its name."""
    method = run.info.method
    marks = tag("control", title=KINDS["control"]) if method.control else ""
    if run.tier != MEASURED:
        marks += tag(run.tier, title=TIERS[run.tier])
    if entry := seen_in(run.info):
        marks += tag(SEEN, title=f"trained on {entry}")
    if learnt := tag_of(run.info):
        marks += tag(learnt[0], title=learnt[1])
    if run.info.n_failed:
        marks += tag(
            f"{run.info.n_failed:,} failed", title="samples without an answer, which count as the protocol says"
        )
    return marks


def cell_html(
    cell: BoardCell,
    metric: MetricInfo,
    most: int,
    scale: tuple[float, float] | None = None,
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
        scale: The values at the left and the right edge of the drawn interval; None for no drawing.
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
        value += element("span", TIED, title="not distinguishable from the best method")
    elif cell.above:
        value += element("span", ABOVE, "gx-above", title="a control above the best method")
    if derived:
        value += element("span", DERIVED, title=DERIVED_SAID)
    value += below
    if cell.n != most:
        value += f" {element('span', f'n={cell.n}', 'gx-faint')}"
    tested = element("small", text(_tested(cell)), "gx-p") if cell.tied or cell.above else ""
    if cell.low is None or cell.high is None:
        return value + element("small", "no interval") + tested
    ends = f"{write_number(cell.low, digits)}, {write_number(cell.high, digits)}"
    drawn = interval(cell.low, cell.value, cell.high, scale) if scale else ""
    inside = value + element("small", text(f"[{ends}]")) + tested + drawn
    return element("div", inside, "gx-best-cell") if cell.best else inside


def _tested(cell: BoardCell) -> str:
    """What came of the test against the best, in a word or two."""
    if cell.p is None:
        return "nothing to test"
    # A small p-value and still tied: the difference is in its own favour.
    if cell.tied and cell.p < LEVEL:
        return "no worse on shared samples"
    return p_equals(cell.p)


def board_scale(shown: Board) -> tuple[float, float]:
    """The scale that a board's intervals are drawn on."""
    # A control that knows the answer would push all others into one corner.
    return scale_of(cell for row in shown.blocks[0] for cell in row.cells.values())


def scale_of(cells: Iterable[BoardCell]) -> tuple[float, float]:
    """The one scale that the intervals of some cells are drawn on."""
    ends = [
        end for cell in cells for end in (cell.low, cell.value, cell.high) if end is not None and abs(end) < _SENSIBLE
    ]
    return (min(ends), max(ends)) if ends else (0.0, 1.0)


def board_notes(shown: Board) -> str:
    """What a reader of `board_table` must know."""
    said = sentences(shown, intervals=True)
    if shown.has_values:
        said.append(scale_note(board_scale(shown), shown.metric))
    return " ".join(said)


def scale_note(scale: tuple[float, float], metric: MetricInfo) -> str:
    """What the dots of a table mean."""
    low, high = (write_number(end, digits_of(metric)) for end in scale)
    return f"The dots on their intervals are on one scale, {low} to {high}; a hollow one lies beyond it."
