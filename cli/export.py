"""`groundcxr export`: tables for a paper, a page or a program."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from ..core import GroundCXRError
from ..core.names import printable
from ..leaderboard.formats import Caption, Format, Layout
from .streams import tell
from .usable import usable_results


def export(
    results: Annotated[list[Path], typer.Argument(help="Folders of results, of runs, or result.json files.")],
    form: Annotated[Format, typer.Option("--format", help="What to write.")] = Format.MARKDOWN,
    metric: Annotated[
        list[str],
        typer.Option(
            "--metric", help="Keys or labels of metrics, such as miou; the protocol's headline ones otherwise."
        ),
    ] = [],  # noqa: B006  (typer reads it as the default, nobody changes it)
    layout: Annotated[
        Layout,
        typer.Option(
            "--layout",
            help="Columns: a data set's pathologies, metrics (macro averages), all data sets, or conditions.",
        ),
    ] = Layout.PATHOLOGIES,
    transpose: Annotated[bool, typer.Option("--transpose", help="Methods in columns instead of rows.")] = False,
    rows: Annotated[
        list[str],
        typer.Option("--rows", metavar="NAME...", help="Only these methods, in this order; marks go by them."),
    ] = [],  # noqa: B006
    columns: Annotated[
        list[str], typer.Option("--columns", metavar="NAME...", help="Only these columns, in this order.")
    ] = [],  # noqa: B006
    rename: Annotated[
        list[str],
        typer.Option("--rename", metavar="OLD=NEW...", help="What rows and columns are called instead."),
    ] = [],  # noqa: B006
    percent: Annotated[bool, typer.Option("--percent", help="Shares in percent.")] = False,
    digits: Annotated[
        int | None, typer.Option("--digits", help="Decimals of every number; the metric's own otherwise.", min=0, max=6)
    ] = None,
    caption: Annotated[
        Caption, typer.Option("--caption", help="short: one sentence, and all else in a note below the table.")
    ] = Caption.LONG,
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
    """Write tables: per pathology, over metrics or over all data sets, or of what conditions change.

    The best of a column is bold, and what cannot be told from it is marked. CSV and JSON hold every digit unless
    others are wished; bibtex is what there is to cite. Options of several names take them one after another, behind
    the results: export results --rows a b. Exit code 0: written; 1: some results could not be used; 2: there is
    nothing to write.
    """
    from ..leaderboard.export_latex import SMALLEST, smallest_type
    from ..leaderboard.export_layouts import tables_of_layout
    from ..leaderboard.sheet import chosen_runs
    from ..leaderboard.table_style import TableStyle
    from ..leaderboard.zero_shot import only_zero_shot as unseen
    from .output import print_or_write

    library = usable_results(results)
    if only_zero_shot and not unseen(library.runs):
        raise GroundCXRError(
            f"no result in {', '.join(map(str, results))} is zero-shot: every method has seen its data set, or does "
            "not state what its weights were trained on"
        )
    runs = chosen_runs(library.runs, rows)
    style = TableStyle(
        intervals=intervals,
        percent=percent,
        digits=digits,
        transpose=transpose,
        short_caption=caption is Caption.SHORT,
        rows=tuple(rows),
        columns=tuple(columns),
        renamed=renamed(rename, {name for run in runs for name in (run.label, *run.info.pathologies)}),
    )
    tables = tables_of_layout(runs, layout, metric, only_zero_shot=only_zero_shot, only_native=only_native)
    text = tables.write(form, style)
    print_or_write(text, out)
    if form is Format.LATEX and (points := smallest_type(text)) < SMALLEST:
        tell(
            f"note: the intervals are set in about {points:.1f} pt on a page of 17 cm; --transpose, fewer --rows or "
            "--columns, or --no-intervals make a table larger"
        )
    raise typer.Exit(1 if library.problems else 0)


def renamed(items: Sequence[str], known: set[str]) -> dict[str, str]:
    """What rows and columns are called instead, by name.

    Args:
        items: OLD=NEW each.
        known: Names that may hold the sign =, so that it is no end of theirs.

    Raises:
        GroundCXRError: If an item has another form, or a name occurs twice.
    """
    found: dict[str, str] = {}
    for item in items:
        old = max((name for name in known if item.startswith(f"{name}=")), key=len, default=item.partition("=")[0])
        new = " ".join(item[len(old) + 1 :].split())
        if not (old and new) or "=" not in item:
            raise GroundCXRError(f"--rename '{printable(item)}' does not fit: write OLD=NEW, such as v1='Ours (v1)'")
        if old in found:
            raise GroundCXRError(f"--rename names '{printable(old)}' twice; give it one name")
        found[old] = new
    return found
