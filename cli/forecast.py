"""What `evaluate --dry-run` prints: a row for each method, what its figures rest on, and what would go wrong."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from rich.box import SIMPLE_HEAD
from rich.filesize import decimal
from rich.markup import escape
from rich.table import Table

from ..core import GroundCXRError
from ..core.names import one_line
from ..evaluation.dry_run import Forecast
from .console import open_console
from .running import Ran
from .streams import tell

_COLUMNS = ("images", "phrases", "stored", "failed before", "to ground", "batches", "time", "space")


def tell_forecasts(ran: Sequence[Ran[Forecast]], errors: Sequence[GroundCXRError], store: Path) -> int:
    """Print what a run would do.

    Args:
        ran: Of the methods that could be run, on each data set.
        errors: One for each method or data set that could not.
        store: Where its predictions would be.

    Returns:
        The exit code: 0, 1 where some method could not be run, 2 where none could.
    """
    forecasts = [one.outcome for one in ran]
    several = any(one.label for one in ran)
    if forecasts:
        table = Table(box=SIMPLE_HEAD, pad_edge=False)
        table.add_column("method", overflow="fold")
        if several:
            table.add_column("data set", overflow="fold")
        for column in _COLUMNS:
            table.add_column(column, justify="right", overflow="fold")
        for one in ran:
            names = [one.outcome.label, *([one.label] if several else [])]
            table.add_row(*map(escape, names), *_cells(one.outcome))
        open_console().print(table)
        for one in ran:
            where = f" on {one.label}" if several else ""
            sys.stdout.write(f"{one.outcome.label}{where}: {_basis(one.outcome)}\n")
        _tell_space(forecasts, store)
    for one in forecasts:
        _tell_missing(one)
    for error in errors:
        tell(f"error: {error}")
    return (1 if forecasts else 2) if errors else 0


def _cells(one: Forecast) -> list[str]:
    counts = (one.images, one.phrases, one.stored, one.failed, one.asked, one.batches)
    time = "unknown" if one.seconds is None else str(timedelta(seconds=round(one.seconds)))
    space = "unknown" if one.bytes is None else decimal(round(one.bytes))
    return [*map(str, counts), time, space]


def _basis(one: Forecast) -> str:
    """What time and space rest on."""
    if not one.keeps:
        return "a control that reads the ground truth; it answers while it is scored, and nothing is stored"
    if not one.asked:
        return "nothing is left to ground; stored predictions are scored"
    about = one.experience
    if about.pace is None:
        if about.devices:
            return f"no earlier run on {one.device} tells the time; there are some on {' and '.join(about.devices)}"
        return "no answer in this store tells time or space; make some first, with --limit 20"
    whose = "of this method" if about.pace_of_this else "of the method with other code, weights or options"
    return (
        f"{about.pace.seconds:.3g} s a phrase on {one.device}, from {about.pace.samples} phrases {whose}; the time to "
        "load it and to score comes on top"
    )


def _tell_space(forecasts: Sequence[Forecast], store: Path) -> None:
    place = next(folder for folder in (store, *store.parents) if folder.is_dir())
    free = shutil.disk_usage(place).free
    sys.stdout.write(f"free on the disk of {store}: {decimal(free)}\n")
    needed = sum(one.bytes or 0 for one in forecasts)
    if needed > free:
        tell(
            f"warning: the predictions need about {decimal(round(needed))} and {decimal(free)} are free; free space or "
            "choose another folder with --out or --store"
        )


def _tell_missing(one: Forecast) -> None:
    if one.unreadable:
        reason = next(iter(one.unreadable.values()))
        tell(f"warning: {len(one.unreadable)} of {one.images} images cannot be read, the first: {one_line(reason)}")
    if one.refused:
        tell(f"warning: {one.label} has no question for {one.refused} samples, which would fail")
