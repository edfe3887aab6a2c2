"""Progress on stderr, so that stdout holds nothing but results."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from threading import Event, Thread
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from .stderr import say

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
        lines, ended = Lines(label, total), Event()
        teller = Thread(target=_tell_until, args=(ended, lines), daemon=True)
        with suppress(RuntimeError):  # where no more threads are allowed, no lines
            teller.start()
        try:
            yield lines.advance
        finally:
            ended.set()
            if teller.ident is not None:
                teller.join()  # no line of it comes after what is told next
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    bar = Progress(*columns, console=console)
    task = bar.add_task(label, total=total)

    def advance(count: int = 1) -> None:
        bar.advance(task, count)

    try:
        with suppress(RuntimeError):  # as above, no moving bar
            bar.start()
        yield advance
    finally:
        bar.stop()


class Lines:
    """What a log says of progress."""

    def __init__(self, label: str, total: int) -> None:
        """Start the clock.

        Args:
            label: What is being done.
            total: How many steps there are.
        """
        self._label, self._total, self._done = label, total, 0
        self._start = self._told = time.monotonic()
        self._done_then = 0

    def advance(self, count: int = 1) -> None:
        """Count more as done."""
        self._done += count

    def line(self) -> str:
        """How far it is now, and what is left at the pace since the line before."""
        now, done = time.monotonic(), self._done
        line = f"{self._label}: {done} of {self._total}, {_clock(now - self._start)} so far"
        # Up to the first line, much may have been done by an earlier run.
        if self._told > self._start and done > self._done_then:
            left = (self._total - done) * (now - self._told) / (done - self._done_then)
            line += f", about {_clock(left)} left"
        self._told, self._done_then = now, done
        return line


def _tell_until(ended: Event, lines: Lines) -> None:
    """Write a line every now and then, also while a single step takes long."""
    while not ended.wait(SECONDS_BETWEEN_LINES):
        say(lines.line())


def _clock(seconds: float) -> timedelta:
    return timedelta(seconds=round(seconds))
