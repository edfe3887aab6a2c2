"""`groundcxr export`: tables for a paper, a page or a program."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..core import GroundCXRError
from ..leaderboard.formats import Format, Layout


def export(
    results: Annotated[list[Path], typer.Argument(help="Folders of results, of runs, or result.json files.")],
    form: Annotated[Format, typer.Option("--format", help="What to write.")] = Format.MARKDOWN,
    metric: Annotated[
        list[str],
        typer.Option("--metric", help="A metric's key or label, such as miou; the protocol's headline ones otherwise."),
    ] = [],  # noqa: B006  (typer reads it as the default, nobody changes it)
    layout: Annotated[
        Layout,
        typer.Option(
            "--layout",
            help="Columns: a data set's pathologies, all data sets in one table, or what conditions change.",
        ),
    ] = Layout.PATHOLOGIES,
    only_zero_shot: Annotated[
        bool, typer.Option("--only-zero-shot", help="Leave out what methods have on data sets that they have seen.")
    ] = False,
    only_native: Annotated[
        bool,
        typer.Option("--only-native", help="Leave out methods whose values are derived from another kind of answer."),
    ] = False,
    intervals: Annotated[bool, typer.Option(help="95 % intervals in LaTeX and Markdown.")] = True,
    out: Annotated[Path | None, typer.Option("--out", help="The file to write; the terminal otherwise.")] = None,
) -> None:
    """Write tables: per pathology for each data set, protocol and metric, over all data sets, or of conditions.

    The best of a column is bold, and what cannot be told from it is marked. CSV and JSON hold every digit; bibtex is
    what there is to cite. Exit code 0: written; 1: some results could not be used; 2: there is nothing to write.
    """
    from ..leaderboard.conditions import condition_tables
    from ..leaderboard.export import export as write
    from ..leaderboard.export_conditions import export_changes
    from ..leaderboard.export_overview import export_overviews
    from ..leaderboard.library import Library
    from ..leaderboard.overview import overviews
    from ..leaderboard.tables import boards
    from ..leaderboard.zero_shot import only_zero_shot as unseen
    from .output import print_or_write

    library = Library.scan(results)
    for problem in library.problems:
        typer.echo(f"warning: {problem}", err=True)
    if not library.runs:
        raise GroundCXRError(f"there is no usable result in {', '.join(map(str, results))}; evaluate makes results")
    if only_zero_shot and not unseen(library.runs):
        raise GroundCXRError(
            f"no result in {', '.join(map(str, results))} is zero-shot: every method has seen its data set, or does "
            "not state what its weights were trained on"
        )
    if layout is Layout.CONDITIONS:
        runs = unseen(library.runs) if only_zero_shot else library.runs
        text = export_changes(condition_tables(runs, metric), form, intervals=intervals)
    elif layout is Layout.DATASETS:
        tables = overviews(library.runs, metric, only_zero_shot=only_zero_shot, only_native=only_native)
        text = export_overviews(tables, form, intervals=intervals)
    else:
        runs = unseen(library.runs) if only_zero_shot else library.runs
        text = write(boards(runs, metric, only_native=only_native), form, intervals=intervals)
    print_or_write(text, out)
    raise typer.Exit(1 if library.problems else 0)
