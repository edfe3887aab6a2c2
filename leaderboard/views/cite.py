"""The page of exports: the table of the first page, or that over all data sets, as a paper or a program wants it."""

from __future__ import annotations

import re
import shlex

import streamlit as st

from ..export import export
from ..export_overview import export_overviews
from ..formats import SUFFIXES, Format
from ..overview import overviews
from ..tables import boards
from .address import choose
from .frame import ALL_DATA, open_page
from .markup import note

_NAMES = {
    Format.LATEX: "LaTeX",
    Format.MARKDOWN: "Markdown",
    Format.CSV: "CSV",
    Format.JSON: "JSON",
    Format.BIBTEX: "BibTeX",
}
_LONGEST = 20_000
"""Characters that are shown; the file has all."""


def show() -> None:
    """The page."""
    chosen = open_page([1, 1.4])
    if chosen is None:
        return
    with chosen.columns[0]:
        form = choose("Format", list(Format), "format", named=_NAMES.__getitem__)
    left, middle, whole, right = st.columns([1.4, 1.6, 1.3, 3], vertical_alignment="center")
    marked = form in (Format.LATEX, Format.MARKDOWN)
    with left:
        intervals = st.toggle("95 % intervals", value=True, key="intervals", bind="query-params", disabled=not marked)
    with middle:
        every = st.toggle("Every headline metric", key="every", bind="query-params", disabled=form is Format.BIBTEX)
    with whole:
        all_data = st.toggle("All data sets", key=ALL_DATA, bind="query-params", help="The table of Overview.")
    metrics = () if every else (chosen.metric.key,)
    if all_data:
        tables = overviews(chosen.runs, metrics, only_zero_shot=chosen.zero_shot)
        content = export_overviews(tables, form, intervals=intervals)
    else:
        content = export(boards(chosen.runs, metrics), form, intervals=intervals)
    data = "datasets" if all_data else chosen.setting.dataset
    parts = [data, chosen.setting.protocol, "headline" if every else chosen.metric.key]
    name = re.sub(r"[^\w.-]+", "_", "-".join(["groundcxr", *parts])) + SUFFIXES[form]
    with right:
        st.download_button(f"Download {name}", content, name, mime="text/plain", type="primary", on_click="ignore")
    cut = len(content) > _LONGEST
    st.code(content[:_LONGEST], language=None, wrap_lines=True)
    if cut:
        note(f"The first {_LONGEST:,} characters of {len(content):,}; the file has all.")
    note("The same on the command line:")
    words = ["groundcxr", "export", *(str(run.path) for run in chosen.runs), "--format", form]
    words += [] if every else ["--metric", chosen.metric.key]
    words += ["--layout", "datasets"] if all_data else []
    words += ["--only-zero-shot"] if all_data and chosen.zero_shot else []
    words += ["--no-intervals"] if marked and not intervals else []
    # A folder's name may hold letters that are none in Unicode, which no page can show.
    st.code(shlex.join(words).encode(errors="backslashreplace").decode(), language=None, wrap_lines=True)
