"""The page of the tables: methods in rows, pathologies in columns."""

from __future__ import annotations

from ...core import GroundCXRError
from ..board import board
from ..board_html import board_notes, board_table
from ..caption import blind_said
from ..words import TASK, metric_sentence
from . import charts, conditions, published
from .address import linked
from .choices import Chosen
from .frame import open_page
from .markup import element, note, put, sentence, text


def show() -> None:
    """The page."""
    chosen = open_page([], without_runs=True)
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
    put(element("p", text(f"{TASK} {metric_sentence(shown)}"), "gx-lead"))
    put(board_table(shown, lambda run: linked("run", method=run.label)))
    if said := blind_said(shown):
        put(element("p", text(" ".join(said)), "gx-verdict"))
    note(board_notes(shown))
    conditions.show(chosen)
    charts.show(chosen)
