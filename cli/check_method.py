"""`groundcxr check-method`: does a method keep the contract?"""

from __future__ import annotations

from typing import Annotated

import typer

from .arguments import Device, Settings, open_methods
from .places import Pythons, Timeout
from .streams import tell_trace, traced


def check_method(
    method: Annotated[str, typer.Argument(help="FILE.py[:CLASS] or NAME.")],
    settings: Settings = [],  # noqa: B006  (typer reads it as the default, nobody changes it)
    python: Pythons = [],  # noqa: B006
    timeout: Timeout = None,
    *,
    device: Device,
) -> None:
    """Check a method on phantom images: shape, finite values, same answer twice, same answer for any batch size.

    Exit code 0: it keeps the contract; 1: it does not; 2: it cannot be loaded.
    """
    from ..evaluation.check_method import run_checks

    with traced():
        (entry,) = open_methods([method], settings, python, timeout)
    failed = False
    for check in run_checks(entry.method, device):
        failed = failed or check.problem is not None
        typer.echo(
            f"{'ok    ' if check.problem is None else 'FAILED'}  {check.name}"
            + (f": {check.problem}" if check.problem else "")
        )
        tell_trace(check.trace)
    raise typer.Exit(1 if failed else 0)
