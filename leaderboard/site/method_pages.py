"""The page of a run: its numbers, where they come from, how to make them again, and what to cite."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from ...evaluation.derived import DERIVED, DERIVED_SAID, is_derived
from ...evaluation.numbers import digits_of, write_number
from ...evaluation.schema import MetricInfo
from ..citation import bibtex
from ..markup import element, table, text
from ..reproduction import command
from ..run_facts import command_note, data_facts, method_facts, notes, run_facts
from ..runs import Run
from ..tables import MACRO, MICRO, cells_of
from .pictures import Gallery
from .places import Place


def method_page(run: Run, place: Place, places: Sequence[Place], gallery: Gallery) -> dict[str, object]:
    """The words of `method.html`.

    Raises:
        StoreError: If the rows of a run cannot be read any more.
    """
    line = command(run.info, run.imported)
    return {
        "label": run.label,
        "place": place,
        "others": [
            (f"{one.data}, {one.protocol}", one.method(other))
            for one in places
            for other in one.runs
            if one is not place and other.info.method.label == run.info.method.label
        ],
        "notes": notes(run),
        "numbers": Markup(numbers_table(run)),  # noqa: S704  (texts are escaped)
        "derived": DERIVED_SAID if run.info.derived else "",
        "examples": gallery.examples(run),
        "command": line,
        "command_note": command_note(run, line),
        "blocks": [
            ("Method", _known(method_facts(run))),
            ("Run", _known(run_facts(run))),
            ("Data and protocol", _known(data_facts(run))),
        ],
        "bibtex": bibtex([run]),
    }


def numbers_table(run: Run) -> str:
    """Every metric of a run as HTML: the averages, then each pathology."""
    columns = [MACRO, *run.info.pathologies, MICRO]
    cells = {column: cells_of(run.info, column) for column in columns}
    most = {column: max((cell.n for cell in cells[column].values()), default=0) for column in columns}

    def shown(metric: MetricInfo, column: str) -> str:
        cell, digits = cells[column].get(metric.key), digits_of(metric)
        if cell is None or cell.value is None:
            return "-"
        ends = "no interval"
        if cell.low is not None and cell.high is not None:
            ends = f"[{write_number(cell.low, digits)}, {write_number(cell.high, digits)}]"
        own = element("small", f"n = {cell.n:,}") if cell.n != most[column] else ""
        return text(write_number(cell.value, digits)) + element("small", ends) + own

    heads = ["metric", *(text(column) + element("small", f"n = {most[column]:,}") for column in columns)]
    rows = [
        [
            text(metric.label + (DERIVED if is_derived(run.info, metric.key) else "")),
            *(shown(metric, column) for column in columns),
        ]
        for metric in run.info.metrics
    ]
    return table(heads, rows, label="every metric")


def _known(facts: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [(name, str(value)) for name, value in facts.items() if value not in (None, "")]
