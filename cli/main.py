"""The umbrella command, and how errors reach the user: one sentence on stderr, exit code 2."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable
from types import FrameType

import typer

from ..core import GroundCXRError
from .check_method import check_method
from .doctor import doctor
from .evaluate import EvaluateCommand, evaluate
from .export import export
from .ground import ground
from .import_results import import_results
from .leaderboard import leaderboard
from .listing import list_names
from .samples import samples
from .score import score

app = typer.Typer(
    name="groundcxr",
    help="Phrase grounding on chest X-rays: evaluate methods, and compare them under named protocols.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command("evaluate", cls=EvaluateCommand)(evaluate)
app.command("score", cls=EvaluateCommand)(score)
app.command("list")(list_names)
app.command("doctor")(doctor)
app.command("check-method")(check_method)
app.command("ground", cls=EvaluateCommand)(ground)
app.command("samples")(samples)
app.command("leaderboard")(leaderboard)
app.command("export")(export)
app.command("import")(import_results)

_evaluate_app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
_evaluate_app.command("evaluate", cls=EvaluateCommand)(evaluate)


def main() -> None:
    """Entry point of `groundcxr`."""
    _guarded(app)


def evaluate_main() -> None:
    """Entry point of `evaluate`, the same as `groundcxr evaluate`."""
    _guarded(_evaluate_app)


def _guarded(command: Callable[[], object]) -> None:
    signal.signal(signal.SIGINT, _stop)
    try:
        command()
    except GroundCXRError as error:
        sys.stderr.write(f"error: {error}\n")
        raise SystemExit(2) from None


def _stop(number: int, frame: FrameType | None) -> None:
    sys.stderr.write("\nstopped; the predictions made so far are kept, and the same command goes on from there\n")
    raise SystemExit(130)
