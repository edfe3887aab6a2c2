"""`groundcxr site`: the leaderboard as static pages."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from ..core import GroundCXRError
from ..core.install import install_step
from .usable import usable_results


def site(
    results: Annotated[list[Path], typer.Argument(help="Folders of results, of runs, or result.json files.")],
    out: Annotated[
        Path, typer.Option("--out", help="The folder of the site: a new one, an empty one, or that of an earlier site.")
    ],
) -> None:
    """Write the leaderboard as static pages, for GitHub Pages, a Hugging Face Space or a mail.

    Tables with sorting and search, any two methods head to head, a page per method, citations and protocols. The site
    needs no server and asks no address; it opens from a disk. Images are on it only of data that everybody may see
    (phantom). Exit code 0: written; 1: written, but some results could not be used; 2: nothing was written.
    """
    if missing := [name for name in ("jinja2", "markdown_it") if find_spec(name) is None]:
        step = install_step(*("markdown-it-py" if name == "markdown_it" else name for name in missing))
        raise GroundCXRError(f"the site needs packages that are not here; `{step}` installs them")
    from ..leaderboard.site import build_site, check_folder, write_site

    check_folder(out)
    library = usable_results(results)
    files = build_site(library)
    write_site(out, files)
    size = sum(map(len, files.values()))
    typer.echo(f"{out / 'index.html'} ({len(files):,} files, {size / 1e6:.1f} MB)")
    raise typer.Exit(1 if library.problems else 0)
