"""`groundcxr env`: Python environments of the methods' own."""

from __future__ import annotations

import time
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from ..core.sizes import readable_size
from .calling import called
from .console import open_console
from .streams import tell

env = typer.Typer(help="Make, list and remove Python environments of the methods' own.", no_args_is_help=True)


def create(
    method: Annotated[str, typer.Argument(help="FILE.py[:CLASS], or NAME of a bundled method.")],
    python: Annotated[
        str | None,
        typer.Option("--python", help="PATH of an interpreter or VERSION; this Python if the method allows it."),
    ] = None,
) -> None:
    """Make an environment of what a method requires, with uv; `evaluate` uses it from then on.

    The method states `requirements` (and `requires_python`); NumPy is added. One that was made for the same before is
    replaced.
    """
    from ..methods.isolated.making import make_environment

    made, others = make_environment(method, python)
    for other in others:
        tell(
            f"note: the environment {other.id} was made for other requirements of the method and stays; "
            f"groundcxr env remove {other.id} takes it away"
        )
    needs = ", ".join(made.wanted.requirements) or "NumPy alone"
    typer.echo(f"{made.id}: Python {made.python}, {needs}; {readable_size(made.size())} in {made.folder}")


def show() -> None:
    """List the environments that were made, the last used first."""
    from ..methods.isolated.environments import environments_folder, list_environments

    found = list_environments()
    if not found:
        typer.echo(f"there is no environment in {environments_folder()}; `groundcxr env create FILE` makes one")
        return
    table = Table(box=None, pad_edge=False)
    for column in ("id", "method", "Python", "requirements", "size", "last used"):
        table.add_column(column, overflow="fold", no_wrap=column == "id")
    for one in found:
        used = time.strftime("%Y-%m-%d", time.localtime(one.used))
        needs = ", ".join(one.wanted.requirements) or "-"
        row = (one.id, one.wanted.source, one.python, needs, readable_size(one.size()), used)
        table.add_row(*map(escape, row))
    open_console().print(table)
    typer.echo(f"They are in {environments_folder()}.")


def remove(
    target: Annotated[str, typer.Argument(metavar="METHOD|ID", help="NAME, FILE.py[:CLASS], or ID of `env list`.")],
) -> None:
    """Remove an environment, or all that were made for a method."""
    from ..methods.isolated.environments import remove_environments

    for one, size in remove_environments(target):
        typer.echo(f"{one.id} is removed: {readable_size(size)} in {one.folder}, made for {one.wanted.source}")


env.command("create")(called(create))
env.command("list")(called(show))
env.command("remove")(called(remove))
