"""The page of exports: the table of the first page in the form that a paper or a program wants."""

from __future__ import annotations

import re
import shlex

import streamlit as st

from ..export import export
from ..formats import SUFFIXES, Format
from ..tables import boards
from .address import choose
from .frame import open_page
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
    left, middle, right = st.columns([1.4, 1.6, 4], vertical_alignment="center")
    marked = form in (Format.LATEX, Format.MARKDOWN)
    with left:
        intervals = st.toggle("95 % intervals", value=True, key="intervals", bind="query-params", disabled=not marked)
    with middle:
        every = st.toggle("Every headline metric", key="every", bind="query-params", disabled=form is Format.BIBTEX)
    content = export(boards(chosen.runs, () if every else (chosen.metric.key,)), form, intervals=intervals)
    parts = [chosen.setting.dataset, chosen.setting.protocol, "headline" if every else chosen.metric.key]
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
    words += ["--no-intervals"] if marked and not intervals else []
    # A folder's name may hold letters that are none in Unicode, which no page can show.
    st.code(shlex.join(words).encode(errors="backslashreplace").decode(), language=None, wrap_lines=True)
