"""`groundcxr figure`: pictures of methods side by side, or their numbers as dots, for a paper."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..core import GroundCXRError
from .data_sets import Secret
from .output import check_output, write_output
from .streams import tell
from .usable import usable_results

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from ..leaderboard.library import Library
    from ..leaderboard.options import Options
    from ..leaderboard.overlays import Style


def figure(
    results: Annotated[
        list[Path],
        typer.Argument(show_default="results", help="Folders of results, of runs, or result.json files."),
    ] = [],  # noqa: B006  (typer reads it as the default, nobody changes it)
    methods: Annotated[
        list[str], typer.Option("--methods", metavar="NAME...", help="The methods, from left to right.")
    ] = [],  # noqa: B006
    sample: Annotated[
        list[str], typer.Option("--sample", metavar="ID...", help="The samples, a row each; Compare tells their ids.")
    ] = [],  # noqa: B006
    forest: Annotated[
        bool, typer.Option("--forest", help="Dots and 95 % intervals of one metric instead of pictures.")
    ] = False,
    metric: Annotated[
        str | None,
        typer.Option("--metric", help="Stands below each picture; of --forest the one shown, the first otherwise."),
    ] = None,
    columns: Annotated[
        list[str],
        typer.Option("--columns", metavar="NAME...", help="Of --forest: pathologies, macro, micro; all otherwise."),
    ] = [],  # noqa: B006
    protocol: Annotated[
        str | None, typer.Option("--protocol", help="Whose results; the first that has all otherwise.")
    ] = None,
    width: Annotated[
        float, typer.Option("--width", min=40, max=400, help="Millimetres: 174 fits a page, 85 a column.")
    ] = 174.0,
    threshold: Annotated[
        float, typer.Option("--threshold", min=0, max=1, help="Where a map's contour is, on the protocol's scale.")
    ] = 0.5,
    opacity: Annotated[float, typer.Option("--opacity", min=0, max=1, help="Of a map's colours.")] = 0.45,
    store: Annotated[
        Path | None, typer.Option("--store", help="Folder of the predictions; RESULTS/store otherwise.")
    ] = None,
    data: Annotated[
        list[str], typer.Option("--data", help="NAME=ROOT: your copy of a data set; not needed for phantom.")
    ] = [],  # noqa: B006
    secret: Secret = None,
    *,
    out: Annotated[Path, typer.Option("--out", help="The file to write: .pdf, .png or .svg.")],
) -> None:
    """Draw samples as a paper shows them: the image, the truth, and a column for each method, all on one scale.

    Options of several names take them one after another, behind the results: --methods a b --sample ID ID. Shown is
    what is stored, and what controls answer to the truth; images come from your own copy of the data. A caption goes to
    the terminal, to be edited. Exit code 0: drawn; 1: some results could not be used; 2: there is nothing to draw.
    """
    from ..core.paths import user_path
    from ..leaderboard.figure import TALLEST
    from ..leaderboard.figure_file import check_suffix, written
    from ..leaderboard.options import Options
    from ..leaderboard.overlays import Style

    out = user_path(out)
    check_suffix(out)
    check_output(out)
    options = Options.of(results, store, data, secret)
    library = usable_results(options.results, options.store)
    if forest:
        if sample:
            raise GroundCXRError("--forest shows numbers over all samples; leave out --sample, or --forest")
        drawn, caption = _forest(library, methods, protocol, metric, columns, width)
    else:
        if columns:
            raise GroundCXRError("--columns is an option of --forest; add --forest, or leave it out")
        if not (methods and sample):
            raise GroundCXRError(
                f"say what to draw: {'--sample ID...' if methods else '--methods NAME...'}, or --forest for numbers"
            )
        drawn, caption = _pictures(
            library, options, methods, sample, protocol, metric, Style(opacity, threshold), width
        )
    write_output(out, written(drawn, out.suffix))
    typer.echo(out)
    tell(f"caption: {caption}")
    if (tall := 25.4 * drawn.get_size_inches()[1]) > TALLEST:
        tell(f"note: the figure is {tall:.0f} mm high, more than a page's {TALLEST:.0f}; fewer rows make it lower")
    raise typer.Exit(1 if library.problems else 0)


def _pictures(
    library: Library,
    options: Options,
    methods: list[str],
    samples: list[str],
    protocol: str | None,
    metric: str | None,
    style: Style,
    width: float,
) -> tuple[Figure, str]:
    from ..leaderboard.caption import measured_said
    from ..leaderboard.figure import draw_figure, figure_caption
    from ..leaderboard.figure_rows import (
        figure_rows,
        joined_for,
        refuse_empty_columns,
        runs_of_figure,
        values_said,
    )

    runs = runs_of_figure(library, methods, samples, protocol)
    rows = figure_rows(runs, samples, joined_for(runs[0], options), metric)
    refuse_empty_columns(rows)
    data = runs[0].info.dataset
    if data.credentialed:
        tell(
            f"note: the figure shows images and phrases of {data.name}, which its owners give to credentialed users; "
            "their terms say whether and where it may be shown"
        )
    # A control may have been asked about another phrase than the one that stands above its pictures.
    notes = [
        f" {run.label}: {run.info.method.note}." for run in runs if run.info.method.control and run.info.method.note
    ]
    if metric is not None:
        notes.insert(0, f" {values_said(runs, metric)}")
    return draw_figure(rows, style, width), figure_caption(rows, style, measured_said(runs)) + "".join(notes)


def _forest(
    library: Library, methods: list[str], protocol: str | None, metric: str | None, columns: list[str], width: float
) -> tuple[Figure, str]:
    from ..leaderboard.board import board
    from ..leaderboard.figure_rows import metric_key, runs_of_figure
    from ..leaderboard.forest import forest, forest_caption

    runs = runs_of_figure(library, methods, [], protocol)
    shown = board(runs, metric_key(runs, metric))
    return forest(shown, methods, columns, width), forest_caption(shown)
