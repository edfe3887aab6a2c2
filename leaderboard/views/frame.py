"""Which pages there are, and what all of them share: the look, the headline, the choices above them."""

from __future__ import annotations

from collections.abc import Sequence
from contextvars import ContextVar
from dataclasses import replace
from pathlib import Path

import streamlit as st

from .address import SHARED
from .choices import Chosen, make_choices
from .markup import element, note, put, text

OVERVIEW = "app_pages/overview.py"
"""The page over all data sets, whose choices are those of all runs."""

CITE = "app_pages/cite.py"
"""The page of exports, which are of one data set or of all."""

ALL_DATA = "all_data"
"""The name in URLs of the switch to all data sets on the page of exports."""

PAGES = (
    ("app_pages/leaderboard.py", "Leaderboard"),
    (OVERVIEW, "Overview"),
    ("app_pages/compare.py", "Compare"),
    ("app_pages/head_to_head.py", "Head to head"),
    ("app_pages/failures.py", "Failures"),
    ("app_pages/run.py", "Method and run"),
    (CITE, "Cite"),
)

_CHOSEN: ContextVar[Chosen | None] = ContextVar("chosen", default=None)
"""From `app.py` to the page that it runs."""


def is_about_everything(page: str) -> bool:
    """Whether a page is about all data sets.

    The choices above a page are made before its own switch is drawn, which the address alone tells of at first.

    Args:
        page: One of `PAGES`.
    """
    if page == CITE:
        return bool(st.session_state.get(ALL_DATA, st.query_params.get(ALL_DATA) == "true"))
    return page == OVERVIEW


def frame(here: Path, title: str, *, everything: bool) -> None:
    """The look of every page, its headline, and the choices that all share.

    Streamlit keeps the value of a widget over a change of page only where `app.py` itself draws it.

    Args:
        here: The folder of `app.py`.
        title: The page's.
        everything: Whether the page is about all data sets.
    """
    theme = here / "theme"
    for sheet in ("tables.css", "leaderboard.css"):
        st.html(theme / sheet)
    st.logo(theme / "wordmark.svg", size="large")
    with st.container(key="gx_script"):
        put(f'<div class="gx-shared" data-names="{" ".join(SHARED)}"></div>')
        # Not a component, for which a browser loads 200 kB first. The scripts are our own, whatever the results hold.
        scripts = "\n".join((theme / name).read_text(encoding="utf-8") for name in ("tables.js", "links.js"))
        st.html(f"<script>{scripts}</script>", unsafe_allow_javascript=True)
    put(element("h1", text(title), "gx-h1"))
    _CHOSEN.set(make_choices(everything))


def open_page(widths: Sequence[float], *, without_runs: bool = False) -> Chosen | None:
    """What the user chose, with places beside the choices for a page's own.

    Args:
        widths: Relative widths of these places.
        without_runs: Whether the page has something to show where published numbers are wanted and no run is left.

    Returns:
        None where there is nothing to show, which the page then says.
    """
    chosen = _CHOSEN.get()
    if chosen is None:
        return None
    if not chosen.runs and not (without_runs and chosen.published):
        note("No method is left: take a filter back.")
        return None
    places = chosen.columns[0].columns(widths, vertical_alignment="bottom") if widths else ()
    return replace(chosen, columns=places)
