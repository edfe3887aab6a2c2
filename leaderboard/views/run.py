"""The page of one run: where its numbers come from, and how to make them again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from ...evaluation.imported import IMPORT_FILE
from ...evaluation.pair import rows_file
from ...evaluation.reproduction import REPRODUCTION_FILE
from ..reproduction import command
from ..run_facts import command_note, data_facts, method_facts, notes, run_facts
from ..run_html import numbers_said, numbers_table
from ..runs import Run
from .address import choose
from .choices import Chosen
from .frame import open_page
from .markup import element, heading, put, sentence, text


def show() -> None:
    """The page."""
    chosen = open_page([2, 1])
    if chosen is None:
        return
    run = _choose(chosen)
    info = run.info
    line = command(info, run.imported)
    heading("The command that makes it again", command_note(run, line))
    st.code(line, language=None, wrap_lines=True)
    left, right = st.columns(2)
    with left:
        heading("Method")
        put(_facts(method_facts(run)))
        heading("Files")
        put(_facts(_files(run)))
    with right:
        heading("Run")
        put(_facts(run_facts(run)))
        heading("Data and protocol")
        put(_facts(data_facts(run)))
    _put_notes(run)
    heading("Every metric", numbers_said(run))
    put(numbers_table(run))


def _choose(chosen: Chosen) -> Run:
    with chosen.columns[0]:
        return choose("Method", chosen.in_order, "method", named=lambda run: run.label)


def _facts(rows: Mapping[str, Any]) -> str:
    """A two-column table; what is unknown is left out."""
    shown = [[text(key), text(value)] for key, value in rows.items() if value not in (None, "")]
    body = "".join(f'<tr><th scope="row">{key}</th><td>{value}</td></tr>' for key, value in shown)
    return f'<table class="gx-table gx-words"><tbody>{body}</tbody></table>'


def _files(run: Run) -> dict[str, Any]:
    return {
        "result": run.path / "result.json",
        "samples": rows_file(run.path, run.info.samples_sha256),
        "import": run.path / IMPORT_FILE if run.imported else None,
        "made again": run.path / REPRODUCTION_FILE if run.reproduction else None,
        "predictions": run.predictions or "not stored here",
        "samples' hash": run.info.samples_sha256,
    }


def _put_notes(run: Run) -> None:
    """What a reader of the numbers should know, where there is anything."""
    said = notes(run)
    if said:
        heading("To know about these numbers")
        put(element("ul", "".join(element("li", text(sentence(one))) for one in said), "gx-note"))
