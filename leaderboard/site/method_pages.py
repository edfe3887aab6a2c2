"""The page of a run: its numbers, where they come from, how to make them again, and what to cite."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from ...evaluation.derived import DERIVED, DERIVED_SAID, is_derived
from ...evaluation.numbers import digits_of, write_number
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
    rows = []
    for metric in run.info.metrics:
        digits = digits_of(metric)
        line = [text(metric.label + (DERIVED if is_derived(run.info, metric.key) else ""))]
        for column in columns:
            cell = cells[column].get(metric.key)
            if cell is None or cell.value is None:
                line.append("-")
                continue
            known = cell.low is not None and cell.high is not None
            ends = [write_number(end, digits) for end in (cell.low, cell.high) if end is not None]
            below = f"[{', '.join(ends)}]" if known else "no interval"
            line.append(
                text(write_number(cell.value, digits)) + element("small", below) + element("small", f"n = {cell.n:,}")
            )
        rows.append(line)
    return table(["metric", *map(text, columns)], rows, label="every metric")


def _known(facts: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [(name, str(value)) for name, value in facts.items() if value not in (None, "")]
