"""`groundcxr export`: tables for a paper, a page or a program."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..core import GroundCXRError
from ..leaderboard.formats import Format


def export(
    results: Annotated[list[Path], typer.Argument(help="Folders of results, of runs, or result.json files.")],
    form: Annotated[Format, typer.Option("--format", help="What to write.")] = Format.MARKDOWN,
    metric: Annotated[
        list[str],
        typer.Option("--metric", help="A metric's key, such as miou; the protocol's headline ones otherwise."),
    ] = [],  # noqa: B006  (typer reads it as the default, nobody changes it)
    intervals: Annotated[bool, typer.Option(help="95 % intervals in LaTeX and Markdown.")] = True,
    out: Annotated[Path | None, typer.Option("--out", help="The file to write; the terminal otherwise.")] = None,
) -> None:
    """Write tables per pathology: one for each data set, protocol and metric among the results.

    The best of a column is bold, and what cannot be told from it is marked. CSV and JSON hold every digit; bibtex is
    what there is to cite. Exit code 0: written; 1: some results could not be used; 2: there is nothing to write.
    """
    from ..leaderboard.export import export as write
    from ..leaderboard.library import Library
    from ..leaderboard.tables import boards
    from .output import write_output

    library = Library.scan(results)
    for problem in library.problems:
        typer.echo(f"warning: {problem}", err=True)
    if not library.runs:
        raise GroundCXRError(f"there is no usable result in {', '.join(map(str, results))}; evaluate makes results")
    text = write(boards(library.runs, metric), form, intervals=intervals)
    if out is None:
        typer.echo(text, nl=False)
    else:
        write_output(out, text.encode())
        typer.echo(out)
    raise typer.Exit(1 if library.problems else 0)
