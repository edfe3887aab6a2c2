"""The page of a run: its numbers, where they come from, how to make them again, and what to cite."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from ..citation import bibtex
from ..reproduction import command
from ..run_facts import command_note, data_facts, method_facts, notes, run_facts
from ..run_html import numbers_said, numbers_table
from ..runs import Run
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
        "said": numbers_said(run),
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


def _known(facts: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [(name, str(value)) for name, value in facts.items() if value not in (None, "")]
