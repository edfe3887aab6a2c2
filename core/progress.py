"""Progress on stderr, so that stdout holds nothing but results."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

SECONDS_BETWEEN_LINES = 30.0


class Advance(Protocol):
    """Reports that some more of the announced total is done."""

    def __call__(self, count: int = 1) -> None:
        """Count `count` more as done."""
        ...


@contextmanager
def progress(label: str, total: int) -> Iterator[Advance]:
    """A progress bar on stderr; where that is no terminal, as in a cluster's log, a line now and then.

    Args:
        label: What is being done.
        total: How many steps there are.
    """
    console = Console(stderr=True)
    if not console.is_terminal:
        yield _Lines(label, total)
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console) as bar:
        task = bar.add_task(label, total=total)

        def advance(count: int = 1) -> None:
            bar.advance(task, count)

        yield advance


class _Lines:
    """Lines in a log, none of what is done before the first is due."""

    def __init__(self, label: str, total: int) -> None:
        self._label, self._total, self._done = label, total, 0
        self._start = self._told = time.monotonic()
        self._done_then = 0

    def __call__(self, count: int = 1) -> None:
        self._done += count
        now = time.monotonic()
        if now - self._told < SECONDS_BETWEEN_LINES:
            return
        line = f"{self._label}: {self._done} of {self._total}, {_clock(now - self._start)} so far"
        if self._told > self._start:
            # The pace since the last line; up to the first, much may have been done by an earlier run.
            left = (self._total - self._done) * (now - self._told) / (self._done - self._done_then)
            line += f", about {_clock(left)} left"
        sys.stderr.write(line + "\n")
        sys.stderr.flush()
        self._told, self._done_then = now, self._done


def _clock(seconds: float) -> timedelta:
    return timedelta(seconds=round(seconds))
