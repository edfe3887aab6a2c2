"""`groundcxr fetch`: what a method needs from elsewhere, brought to this machine before a node without internet."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Annotated

import typer

from ..core import GroundCXRError
from ..core.names import one_line
from ..core.sizes import readable_size
from .arguments import Settings, open_methods

_OFFLINE = "HF_HUB_OFFLINE"


def fetch(
    method: Annotated[str, typer.Argument(help="NAME or FILE.py[:CLASS].")],
    settings: Settings = [],  # noqa: B006  (typer reads it as the default, nobody changes it)
) -> None:
    """Bring everything that a method needs from model hubs, check that it loads, and say where it is.

    The method is loaded on the cpu. What it has brought is then loaded once more without the hub, as on a node without
    internet, where HF_HUB_OFFLINE=1 keeps it from asking.
    """
    from ..methods.fetching import fetch as fetch_method

    (entry,) = open_methods([method], settings)
    label, found = entry.label, fetch_method(entry.method)
    del entry  # the model is loaded again below
    for one in found:
        typer.echo(f"{one.name}: {readable_size(one.size)} in {one.folder}")
        for name, size in one.files.items():
            typer.echo(f"{readable_size(size):>10}  {name}")
    total = sum(one.size for one in found if one.from_hub)
    if not total:
        typer.echo(f"{label} needs nothing from elsewhere")
        return
    if not os.environ.get(_OFFLINE):
        _check_offline(method, settings)
    typer.echo(f"{label} loads without internet ({_OFFLINE}=1): {readable_size(total)}")


def _check_offline(method: str, settings: list[str]) -> None:
    """Do the same in a process that may not ask the hub.

    Raises:
        GroundCXRError: If it fails.
    """
    words = [*(word for setting in settings for word in ("--set", setting)), "--", method]
    command = [sys.executable, "-P", "-c", "from groundcxr.cli.main import main; main()", "fetch", *words]
    ran = subprocess.run(  # noqa: S603  (this Python with the words that it was called with, no shell)
        command, env={**os.environ, _OFFLINE: "1"}, capture_output=True, encoding="utf-8", errors="replace", check=False
    )
    if ran.returncode:
        last = one_line(" ".join(ran.stderr.splitlines()[-1:])).removeprefix("error: ")
        raise GroundCXRError(
            f"everything was brought, but {method} does not load without the hub: {last}; have its setup read what it "
            "has brought"
        )
