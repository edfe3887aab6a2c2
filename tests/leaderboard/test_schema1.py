"""Results written before schema 2: read, ranked and exported to the byte as they were then."""

import json
import re
from pathlib import Path

import pytest

from groundcxr.evaluation.result import load_result
from groundcxr.leaderboard.caption import SEEN_SAID
from groundcxr.leaderboard.export import export
from groundcxr.leaderboard.formats import Format
from groundcxr.leaderboard.library import Library
from groundcxr.leaderboard.tables import boards

DATA = Path(__file__).parents[1] / "data" / "schema1"
"""Four methods on 24 phantoms; the exports were written by the code of that time."""


def without_seen(text, form):
    """An export without what exports of that time did not say: which methods have seen the data."""
    if form is Format.JSON:
        tables = json.loads(text)
        seen = [row.pop("seen") is not None for table in tables for row in table["rows"]]
        assert 0 < seen.count(True) < len(seen)
        return json.dumps(tables, indent=2) + "\n"
    if form is Format.CSV:
        head, *lines = text.splitlines()
        assert head.endswith(",seen")
        cut = re.compile(r',("phantom \(12,000[^"]*")?$')
        return "".join(line + "\n" for line in (head.removesuffix(",seen"), *(cut.sub("", line) for line in lines)))
    return text.replace(" (seen)", "").replace(f" {SEEN_SAID}", "")


@pytest.mark.parametrize("form", list(Format))
def test_exports_are_the_same_bytes(form):
    library = Library.scan([DATA / "runs"])
    assert not library.problems
    assert len(library.runs) == 5
    assert (
        without_seen(export(boards(library.runs, []), form), form).encode()
        == (DATA / f"export.{form.value}").read_bytes()
    )


def test_they_are_read_as_what_they_are():
    for file in (DATA / "runs").glob("*/*/*/result.json"):
        result = load_result(file)
        assert result.info.schema_version == 1
        assert result.info.notes is None
        assert result.info.provenance is None
