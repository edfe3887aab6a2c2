"""The umbrella command, and how errors reach the user: one sentence on stderr, exit code 2."""

from __future__ import annotations

import errno
import os
import signal
from collections.abc import Callable
from types import FrameType

import typer

from ..core import GroundCXRError
from .anatomy import anatomy
from .answers import answers
from .arguments import Version
from .audit import audit
from .calling import called
from .check_method import check_method
from .compare import compare
from .config import config
from .doctor import doctor
from .ending import end_if_held, keep_code, outlasting_exits
from .env import env
from .evaluate import EvaluateCommand, evaluate
from .export import export
from .fetch import fetch
from .figure import figure
from .ground import ground
from .import_results import import_results
from .leaderboard import leaderboard
from .listing import list_names
from .lists import ListsCommand
from .reproduce import STOPPED as NOT_REPRODUCED
from .reproduce import reproduce
from .samples import samples
from .score import score
from .site import site
from .store import app as store_app
from .streams import lost_output, take_streams, tell
from .tune import tune
from .tune_data import tune_data

STOPPED = 130
"""Exit code after Ctrl-C, as shells have it."""

app = typer.Typer(
    name="groundcxr",
    help="Phrase grounding on chest X-rays: evaluate methods, and compare them under named protocols.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@app.callback()
def _umbrella(version: Version = False) -> None:
    """Phrase grounding on chest X-rays: evaluate methods, and compare them under named protocols."""


app.command("evaluate", cls=EvaluateCommand)(called(evaluate))
app.command("score", cls=EvaluateCommand)(called(score))
app.command("list")(called(list_names))
app.command("doctor")(called(doctor, verdict=True))
app.command("check-method")(called(check_method, verdict=True))
app.command("answers")(called(answers))
app.command("ground", cls=EvaluateCommand)(called(ground))
app.command("samples")(called(samples))
app.command("reproduce")(called(reproduce, verdict=True, stopped=NOT_REPRODUCED))
app.command("leaderboard")(called(leaderboard))
app.command("compare")(called(compare))
app.command("export", cls=ListsCommand)(called(export))
app.command("figure", cls=ListsCommand)(called(figure))
app.command("audit")(called(audit))
app.command("anatomy")(called(anatomy))
app.command("site")(called(site))
app.command("import")(called(import_results))
app.command("tune")(called(tune))
app.command("tune-data")(called(tune_data))
app.add_typer(env, name="env")
app.command("fetch")(called(fetch))
app.add_typer(store_app, name="store")
app.add_typer(config, name="config")

_evaluate_app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
_evaluate_app.command("evaluate", cls=EvaluateCommand)(called(evaluate))


def main() -> None:
    """Entry point of `groundcxr`."""
    _guarded(app)


def evaluate_main() -> None:
    """Entry point of `evaluate`, the same as `groundcxr evaluate`."""
    _guarded(_evaluate_app)


def _guarded(command: Callable[[], object]) -> None:
    # Before PyTorch is loaded: the threads of its OpenMP spin while they wait, and beside other work on the same cores
    # everything takes seven times as long.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    ours = take_streams()
    signal.signal(signal.SIGINT, _stop)
    with outlasting_exits():
        code = _run(command)
        lost = lost_output()  # of --help; commands have told of theirs
        if lost is not None and lost.errno != errno.EPIPE:
            tell(f"error: standard output could not be written ({lost.strerror or lost})")
            code = 2
        if ours:
            end_if_held(code)
    if ours:
        keep_code(code)
    raise SystemExit(code)


def _run(command: Callable[[], object]) -> int:
    """Call a command; its exit code."""
    try:
        command()
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 2
    except GroundCXRError as error:
        tell(f"error: {error}")
        return 2
    except KeyboardInterrupt:
        return STOPPED
    return 0


def _stop(number: int, frame: FrameType | None) -> None:
    # Unlike SystemExit, nobody takes it for a method's failure; Typer, too, makes exit code 130 of it.
    raise KeyboardInterrupt
