"""`groundcxr leaderboard`: browse, compare and cite results in a browser."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from ..core import GroundCXRError, unknown_name
from ..core.install import install_step
from .data_sets import Secret
from .ending import become

PORT = 8501

Results = Annotated[
    list[Path],
    typer.Option("--results", show_default="results", help="Folder of results; may be given several times."),
]


def leaderboard(
    results: Results = [],  # noqa: B006  (typer reads it as the default, nobody changes it)
    store: Annotated[
        Path | None, typer.Option("--store", help="Folder of the predictions; RESULTS/store otherwise.")
    ] = None,
    data: Annotated[
        list[str], typer.Option("--data", help="NAME=ROOT: your copy of a data set; not needed for phantom.")
    ] = [],  # noqa: B006
    secret: Secret = None,
    port: Annotated[int, typer.Option("--port", help="Port on localhost.", min=1, max=65535)] = PORT,
) -> None:
    """Open the leaderboard: tables, heatmaps side by side, failures, exports.

    It answers on this machine only (STREAMLIT_SERVER_ADDRESS opens it to others), reads the folders given and writes
    nothing; no other configuration of Streamlit counts. New results appear when the page is loaded again.
    """
    from ..datasets import DATASETS
    from ..leaderboard.options import Options
    from ..leaderboard.serve import command, url

    if find_spec("streamlit") is None:
        raise GroundCXRError(f"the leaderboard needs Streamlit; `{install_step('streamlit', 'altair')}` installs it")
    options = Options.of(results, store, data, secret)
    known = DATASETS.names()
    for name in options.data:
        if name not in known:
            raise unknown_name("dataset", name, known, see="`groundcxr list datasets` shows all.")
    given = {name: options.data[name] for name, _, _ in (item.partition("=") for item in data)}
    for option, path, step in _folders(options.results, store, given):
        if not os.path.exists(path):  # noqa: PTH110  (unlike Path's it bears a folder above that may not be read)
            raise GroundCXRError(f"there is no folder {path} ({option}); {step}")
    if _taken(port):
        raise GroundCXRError(f"the port {port} is taken; give another with --port")
    typer.echo(f"{url(port)} (Ctrl-C stops it)")
    sys.stdout.flush()
    become(sys.executable, command(port, options.arguments()))


def _folders(results: tuple[Path, ...], store: Path | None, data: Mapping[str, Path]) -> list[tuple[str, Path, str]]:
    """Each folder that must exist: the option that names it, the folder, and what to do where it does not."""
    makes_results = "`make demo` or `evaluate` makes results"
    named = [("--results", path, makes_results) for path in results]
    named += [("--store", store, makes_results)] if store else []
    return [*named, *((f"--data {name}", root, "name your copy of the data") for name, root in data.items())]


def _taken(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("localhost", port)) == 0
