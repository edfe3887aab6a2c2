"""A metric of several methods as dots on their intervals, a panel for each pathology or average."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..comparison.captions import cells_said
from ..core import unknown_name
from ..evaluation.chart import Panel, dots
from ..evaluation.derived import DERIVED, DERIVED_SAID
from ..evaluation.schema import Cell
from .board import Board
from .caption import PHANTOMS_SAID, SEEN_SAID, direction_said, failures_said, intervals_said, measured_said
from .data_columns import PHANTOM
from .export import method_head
from .figure import PAGE
from .sheet import in_order
from .zero_shot import seen_in

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def forest(board: Board, methods: Sequence[str] = (), columns: Sequence[str] = (), width: float = PAGE) -> Figure:
    """A board as a forest plot: methods in rows, controls below a line.

    Args:
        board: The table.
        methods: What its rows are called, in the order wanted; the board's own by default.
        columns: Pathologies, "macro" or "micro", a panel each; all by default.
        width: Of the figure in millimetres.

    Raises:
        UnknownNameError: If the board lacks one of the columns.
    """
    folded = {column.casefold(): column for column in board.columns}
    for name in columns:
        if name.casefold() not in folded:
            raise unknown_name("pathology of these results", name, board.columns)
    chosen = [folded[name.casefold()] for name in dict.fromkeys(columns)] or list(board.columns)
    heads = [method_head(row, board) for row in board.rows]
    places = sorted(in_order(heads, methods), key=lambda place: heads[place].control)
    rows = [board.rows[place] for place in places]
    names = [heads[place].shown + DERIVED * board.rows[place].derived for place in places]
    panels = []
    for column in chosen:
        cells = [row.cells[column] for row in rows]
        found = [Cell(value=one.value, low=one.low, high=one.high, std=None, n=one.n) for one in cells]
        title = f"{column[:1].upper()}{column[1:]}\nn = {board.n[column]:,}"
        panels.append(Panel(title, board.metric, found, [board.n[column]] * len(rows)))
    figure = dots(names, panels, rule=sum(not row.run.info.method.control for row in rows), width=width)
    better = "higher" if board.metric.higher_is_better else "lower"
    figure.supxlabel(f"{board.metric.label} ({better} is better), 95 % intervals", fontsize=7)
    return figure


def forest_caption(board: Board) -> str:
    """What the caption of a forest plot must say."""
    said = [f"{board.metric.label} {measured_said([row.run for row in board.rows])}.", direction_said(board.metric)]
    said.append(cells_said(board.metric))
    said.append(intervals_said([row.run.info for row in board.rows], "Lines:"))
    if any(row.run.info.method.control for row in board.rows):
        said.append("Below the line: controls, which are yardsticks, not methods.")
    said += failures_said([(row.run.label, row.run.info) for row in board.rows])
    if board.tells_seen and any(seen_in(row.run.info) for row in board.rows):
        said.append(SEEN_SAID)
    if any(row.derived for row in board.rows):
        said.append(DERIVED_SAID)
    if board.setting.dataset == PHANTOM:
        said.append(PHANTOMS_SAID)
    return " ".join(said)
