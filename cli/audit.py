"""`groundcxr audit`: one page per method for a paper's appendix."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..core import GroundCXRError
from ..leaderboard.formats import PageFormat
from .streams import tell


def audit(
    results: Annotated[
        list[Path],
        typer.Argument(
            help="result.json files or folders of results: those of the method, and those of the controls, conditions "
            "and other methods that are to stand beside it."
        ),
    ],
    form: Annotated[PageFormat, typer.Option("--format", help="What to write.")] = PageFormat.MARKDOWN,
    out: Annotated[Path | None, typer.Option("--out", help="The file to write; the terminal otherwise.")] = None,
) -> None:
    """Write one page per method: what its numbers are worth, and how far they can be trusted.

    Its values with the controls beside them, what of the score survives the wrong phrase, what changed inputs do to it,
    which pathologies rest on few samples, and the smallest difference that the data could show. Exit code 0: written;
    1: some results could not be used; 2: there is nothing to write.
    """
    from ..leaderboard.audit import audit as pages_of
    from ..leaderboard.audit_export import export_audit
    from ..leaderboard.library import Library
    from .output import check_output, print_or_write

    if out is not None:
        check_output(out)
    library = Library.scan(results)
    for problem in library.problems:
        tell(f"warning: {problem}")
    pages = pages_of(library.runs)
    if not pages:
        raise GroundCXRError(
            f"there is no result to audit in {', '.join(map(str, results))} (one under a condition stands beside the "
            "plain one); evaluate makes results"
        )
    print_or_write(export_audit(pages, form), out)
    raise typer.Exit(1 if library.problems else 0)
