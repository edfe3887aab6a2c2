"""The page of one run: where its numbers come from, and how to make them again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from ...evaluation.derived import DERIVED, DERIVED_SAID, is_derived
from ...evaluation.imported import IMPORT_FILE
from ...evaluation.numbers import digits_of, write_number
from ...evaluation.pair import rows_file
from ...evaluation.reproduction import REPRODUCTION_FILE
from ...evaluation.schema import MetricInfo
from ..caption import INTERVALS_SAID
from ..reproduction import command
from ..run_facts import command_note, data_facts, method_facts, notes, run_facts
from ..runs import Run
from ..tables import cells_of
from ..words import metric_words
from .address import choose
from .frame import Chosen, open_page
from .markup import element, heading, put, sentence, table, text


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
    heading("Every metric", " ".join([INTERVALS_SAID, *([DERIVED_SAID] if run.info.derived else [])]))
    put(_numbers(run))


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


def _numbers(run: Run) -> str:
    """Every metric of a run; a cell says its own number of samples where it has fewer than its column."""
    columns = ["macro", *run.info.pathologies, "micro"]
    most = {column: max(cell.n for cell in cells_of(run.info, column).values()) for column in columns}

    def shown(metric: MetricInfo, column: str) -> str:
        cell, digits = cells_of(run.info, column)[metric.key], digits_of(metric)
        if cell.value is None:
            return "-"
        value = text(write_number(cell.value, digits))
        if cell.low is not None and cell.high is not None:
            value += element("small", f"[{write_number(cell.low, digits)}, {write_number(cell.high, digits)}]")
        return value if cell.n == most[column] else value + element("small", f"n = {cell.n:,}")

    rows = [
        [
            element(
                "span",
                text(metric.label + (DERIVED if is_derived(run.info, metric.key) else "")),
                title=metric_words(metric, run.setting.protocol),
            ),
            *(shown(metric, column) for column in columns),
        ]
        for metric in run.info.metrics
    ]
    heads = ["metric", *(text(column) + element("small", f"n = {most[column]:,}") for column in columns)]
    return table(heads, rows, label=f"every metric of {run.label}")
