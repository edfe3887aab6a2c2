"""The page of exports: a table of the board or over all data sets, as a paper or a program wants it, and its look."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from pathlib import Path

import streamlit as st

from ...comparison.setting import Setting
from ...core import GroundCXRError
from ..export_layouts import tables_of_layout
from ..formats import SUFFIXES, Format, Layout
from ..preview import preview
from ..runs import Run
from ..sheet import Sheet
from ..table_style import AS_USUAL, TableStyle
from .address import choose
from .choices import Chosen
from .frame import ALL_DATA, open_page
from .markup import note, put, sentence

_NAMES = {
    Format.LATEX: "LaTeX",
    Format.MARKDOWN: "Markdown",
    Format.CSV: "CSV",
    Format.JSON: "JSON",
    Format.BIBTEX: "BibTeX",
}
_LOOKS = Path(__file__).resolve().parent.parent / "theme" / "cite.css"
_LONGEST = 20_000
"""Characters that are shown; the file has all."""


def show() -> None:
    """The page."""
    chosen = open_page([1, 1.4])
    if chosen is None:
        return
    st.html(_LOOKS)
    with chosen.columns[0]:
        form = choose("Format", list(Format), "format", named=_NAMES.__getitem__)
    left, middle, right = st.columns([1.6, 1.6, 4], vertical_alignment="bottom")
    altered = _altered(chosen)
    with right:
        all_data = st.toggle("All data sets", key=ALL_DATA, bind="query-params", help="The table of Overview.")
    with left:
        offered = [Layout.PATHOLOGIES, Layout.METRICS, *([Layout.CONDITIONS] if altered else [])]
        of_one = choose("Columns are", offered, "layout", disabled=all_data)
    layout = Layout.DATASETS if all_data else of_one
    with middle:
        # Methods by one metric is no table to print.
        fixed = form is Format.BIBTEX or layout is Layout.METRICS
        every = st.toggle("Every headline metric", key="every", bind="query-params", disabled=fixed)
    every = every or layout is Layout.METRICS
    metrics = () if every else (chosen.metric.key,)
    pool = altered if layout is Layout.CONDITIONS else chosen.runs
    zero_shot = all_data and chosen.zero_shot
    try:
        whole = tables_of_layout(pool, layout, metrics, only_zero_shot=zero_shot)
        style = _style(pool, form, layout, whole.sheets(AS_USUAL))
        runs = [run for run in pool if not style.rows or run.label in style.rows]
        tables = tables_of_layout(runs, layout, metrics, only_zero_shot=zero_shot) if style.rows else whole
        content = tables.write(form, style)
        shown = [] if form in (Format.JSON, Format.BIBTEX) else tables.sheets(style)
    except GroundCXRError as error:
        note(sentence(str(error)), "gx-problems")
        return
    data = "datasets" if all_data else chosen.setting.dataset
    parts = [data, chosen.setting.protocol, "headline" if every else chosen.metric.key]
    name = re.sub(r"[^\w.-]+", "_", "-".join(["groundcxr", *parts])) + SUFFIXES[form]
    st.download_button(f"Download {name}", content, name, mime="text/plain", type="primary", on_click="ignore")
    code, look = st.columns(2) if shown else (st.container(), None)
    with code:
        _code(content)
    if look is not None:
        with look:
            put("".join(preview(sheet, style) for sheet in shown))
    note("The same on the command line:")
    words = ["groundcxr", "export", *(str(run.path) for run in pool), "--format", form]
    words += [] if every else ["--metric", chosen.metric.key]
    words += ["--layout", layout] if layout is not Layout.PATHOLOGIES else []
    words += ["--only-zero-shot"] if zero_shot else []
    # A folder's name may hold letters that are none in Unicode, which no page can show.
    st.code(shlex.join([*words, *_options(style)]).encode(errors="backslashreplace").decode(), language=None,
            wrap_lines=True)  # fmt: skip


def _style(runs: Sequence[Run], form: Format, layout: Layout, sheets: Sequence[Sheet]) -> TableStyle:
    """How the tables are to be printed, and of which methods."""
    marked = form in (Format.LATEX, Format.MARKDOWN)
    shaped = marked or form is Format.CSV
    places = st.columns([1.3, 1.2, 1.2, 1.5, 1.3, 2.5], vertical_alignment="center")
    with places[0]:
        intervals = st.toggle("95 % intervals", value=True, key="intervals", bind="query-params", disabled=not marked)
    with places[1]:
        transpose = st.toggle("Transpose", key="transpose", bind="query-params", disabled=not shaped)
    with places[2]:
        percent = st.toggle("Percent", key="percent", bind="query-params", disabled=not shaped)
    with places[3]:
        short = st.toggle("Short caption", key="short", bind="query-params", disabled=not marked)
    with places[4]:
        digits = choose(
            "Decimals", [None, *range(5)], "digits", disabled=not shaped,
            named=lambda one: "as usual" if one is None else str(one),
        )  # fmt: skip
    methods = list(dict.fromkeys(run.label for run in runs))
    columns = list(dict.fromkeys(head.name for sheet in sheets for head in sheet.columns))
    left, middle, right = st.columns([2, 2, 2], vertical_alignment="top")
    with left:
        rows = st.multiselect(
            "Methods, in this order", methods, key="rows", placeholder="all", help="Marks go by those that are shown."
        )
    with middle:
        picked = st.multiselect(
            "Columns, in this order", columns, key=f"columns-{layout}", placeholder="all", disabled=not shaped
        )
    with right:
        named = st.text_area(
            "Names, a line each", key="names", placeholder="biovil=BioViL-T (ours)", height=68, disabled=not shaped
        )
    pairs = [line.partition("=") for line in (named or "").splitlines()] if shaped else []
    return TableStyle(
        intervals=intervals or not marked,
        percent=percent and shaped,
        digits=digits if shaped else None,
        transpose=transpose and shaped,
        short_caption=short and marked,
        rows=tuple(rows),
        columns=tuple(picked) if shaped else (),
        renamed={
            old.strip(): " ".join(new.split()) for old, equals, new in pairs if equals and old.strip() and new.strip()
        },
    )


def _altered(chosen: Chosen) -> list[Run]:
    """The runs on the data set's samples as they are and under conditions; none where there are no conditions."""
    plain = Setting.without_condition(chosen.runs[0].info)
    alike = [run for run in chosen.library.runs if Setting.without_condition(run.info) == plain]
    return alike if any(run.setting.condition for run in alike) else []


def _options(style: TableStyle) -> list[str]:
    """The words of a command line that wish for a style."""
    words = ["--no-intervals"] if not style.intervals else []
    words += ["--transpose"] if style.transpose else []
    words += ["--percent"] if style.percent else []
    words += ["--digits", str(style.digits)] if style.digits is not None else []
    words += ["--caption", "short"] if style.short_caption else []
    renamed = [f"{old}={new}" for old, new in style.renamed.items()]
    for option, names in (("--rows", style.rows), ("--columns", style.columns), ("--rename", renamed)):
        words += [option, *names] if names else []
    return words


def _code(content: str) -> None:
    st.code(content[:_LONGEST], language=None, wrap_lines=True)
    if len(content) > _LONGEST:
        note(f"The first {_LONGEST:,} characters of {len(content):,}; the file has all.")
