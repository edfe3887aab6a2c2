"""Results written before schema 2: read, ranked and exported with the numbers, to the byte, that they had then."""

from pathlib import Path

import pytest

from groundcxr.evaluation.result import load_result
from groundcxr.leaderboard.board import boards
from groundcxr.leaderboard.export import export
from groundcxr.leaderboard.formats import Format
from groundcxr.leaderboard.library import Library

DATA = Path(__file__).parents[1] / "data" / "schema1"
"""Four methods on 24 phantoms. The exports were written by the code of that time; since then a control is no longer
marked as tied, stands below a rule, may be `above`, and a row that is alone is no longer the best; and LaTeX has a
little space below a caption."""


@pytest.mark.parametrize("form", list(Format))
def test_exports_are_the_same_bytes(form):
    library = Library.scan([DATA / "runs"])
    assert not library.problems
    assert len(library.runs) == 5
    assert export(boards(library.runs, []), form).encode() == (DATA / f"export.{form.value}").read_bytes()


def test_they_are_read_as_what_they_are():
    for file in (DATA / "runs").glob("*/*/*/result.json"):
        result = load_result(file)
        assert result.info.schema_version == 1
        assert result.info.notes is None
        assert result.info.provenance is None
