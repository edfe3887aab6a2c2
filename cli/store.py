"""`groundcxr store`: what the prediction store holds, whether it is sound, and what of it no result needs."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..core import GroundCXRError
from ..core.config import STORE_FOLDER, results_folder
from ..core.sizes import counted, readable_size
from .arguments import Store
from .calling import called
from .console import open_console
from .streams import tell

if TYPE_CHECKING:
    from ..evaluation.store.housekeeping import State

Outs = Annotated[
    list[Path],
    typer.Option(
        "--out",
        default_factory=lambda: [results_folder()],
        show_default="results",
        help="Folder of results that may use the store; may be given several times.",
    ),
]
Older = Annotated[
    float | None,
    typer.Option("--older", min=0, help="Only what was last written more than so many days ago."),
]
Yes = Annotated[bool, typer.Option("--yes", help="Delete without asking.")]


def list_states(
    older: Older = None,
    *,
    out: Outs,
    store: Store,
) -> None:
    """List each state of a method that has predictions: how many, their size, and whether a result has used them."""
    from rich.markup import escape
    from rich.table import Table

    states, used, problems = _states(out, store)
    for problem in problems:
        tell(f"warning: {problem}")
    table = Table(box=None, pad_edge=False)
    table.add_column("method", overflow="fold")
    table.add_column("fingerprint", no_wrap=True)
    for column in ("predictions", "failures", "size", "written"):
        table.add_column(column, justify="right", no_wrap=True)
    table.add_column("used", no_wrap=True)
    for state in states:
        if older is None or state.is_older(older):
            table.add_row(*map(escape, (*_words(state), "yes" if state.serves(used) else "no")))
    open_console().print(table)


def prune(
    older: Older = None,
    yes: Yes = False,
    *,
    out: Outs,
    store: Store,
) -> None:
    """Delete the predictions of states that no result uses, after saying which and asking.

    A run that has not been scored yet has no result: leave it out with --older. Name every folder of results that uses
    the store with --out.
    """
    from ..evaluation.store.housekeeping import remove_state, state_of, unused

    states, used, problems = _states(out, store)
    if problems:
        raise GroundCXRError(
            f"{problems[0]}; until every result can be read, nobody knows which predictions are needed, and nothing is "
            "deleted"
        )
    found = unused(states, used, older)
    if not found:
        left = ": a result uses every state" if older is None else f" that is older than {older:g} days"
        typer.echo(f"there is nothing to delete{left}")
        return
    for state in found:
        name, fingerprint, predictions, _, size, written = _words(state)
        typer.echo(f"{name} {fingerprint}: {predictions} predictions, {size}, last written {written}")
    if not yes and not _confirmed(
        f"Delete {counted(len(found), 'state')} ({readable_size(sum(one.size for one in found))})?"
    ):
        typer.echo("nothing was deleted")
        return
    deleted: list[State] = []
    for state in found:
        if state_of(state.folder) == state:
            remove_state(state)
            deleted.append(state)
        else:  # the question may have stood there for hours
            typer.echo(f"{state.name} {state.fingerprint[:8]} has changed meanwhile and stays")
    typer.echo(f"deleted {counted(len(deleted), 'state')}, {readable_size(sum(state.size for state in deleted))}")


def verify(
    older: Older = None,
    *,
    out: Outs,
    store: Store,
) -> None:
    """Read every byte of the store. Exit code 0: all is sound; 1: some files are damaged, which are named."""
    from ..evaluation.store.housekeeping import convert_states, state_folders, state_of, verified

    folder = _folder(out, store)
    convert_states(folder)
    damaged, predictions, folders = 0, 0, state_folders(folder)
    for one in folders:
        state = state_of(one)
        if older is not None and not state.is_older(older):
            continue
        found = verified(one)
        predictions, damaged = predictions + state.predictions, damaged + len(found)
        for sentence in found:
            tell(f"error: {sentence}")
    if damaged:
        typer.echo(f"damaged files: {damaged}")
        raise typer.Exit(1)
    typer.echo(f"{predictions:,} predictions are as they were written")


app = typer.Typer(help="List, check and clean up the predictions that are stored.", no_args_is_help=True)
app.command("list")(called(list_states))
app.command("prune")(called(prune))
app.command("verify")(called(verify, verdict=True))


def _folder(out: list[Path], store: Path | None) -> Path:
    return store or out[0] / STORE_FOLDER


def _states(out: list[Path], store: Path | None) -> tuple[list[State], set[str], tuple[str, ...]]:
    """The states of the store, the fingerprints of methods in results, and what of the results cannot be read."""
    from ..evaluation.store.housekeeping import convert_states, state_folders, state_of
    from ..leaderboard.library import Library

    folder = _folder(out, store)
    convert_states(folder)
    # States first: a result that comes meanwhile is then seen to use its own.
    states = [state_of(one) for one in state_folders(folder)]
    library = Library.scan(out, folder)
    return states, {run.info.method.fingerprint for run in library.runs}, library.problems


def _words(state: State) -> tuple[str, str, str, str, str, str]:
    written = datetime.fromtimestamp(state.written).strftime("%Y-%m-%d")
    counts = f"{state.predictions:,}", f"{state.failures:,}"
    return state.name, state.fingerprint[:8], *counts, readable_size(state.size), written


def _confirmed(question: str) -> bool:
    try:
        return typer.confirm(question)
    except typer.Abort:
        typer.echo()  # the question's line has no end yet
        raise GroundCXRError("nobody answered, so nothing was deleted; give --yes to delete without asking") from None
