"""Progress on stderr, so that stdout holds nothing but results."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from datetime import timedelta
from threading import Event, Thread
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn, TimeElapsedColumn
from rich.text import Text

from .stderr import say

SECONDS_BETWEEN_LINES = 30.0

_hidden: ContextVar[bool] = ContextVar("hidden", default=False)


class Advance(Protocol):
    """Reports that some more of the announced total is done."""

    def __call__(self, count: int = 1, *, at_hand: bool = False) -> None:
        """Count `count` more as done.

        Args:
            count: How many.
            at_hand: Whether they took no work, as what an earlier run has stored: they say nothing of the pace.
        """
        ...


@contextmanager
def without_progress() -> Iterator[None]:
    """Hides all progress in the block."""
    before = _hidden.set(True)
    try:
        yield
    finally:
        _hidden.reset(before)


@contextmanager
def progress(label: str, total: int) -> Iterator[Advance]:
    """A progress bar on stderr; where that is no terminal, as in a cluster's log, a line now and then.

    Args:
        label: What is being done.
        total: How many steps there are.
    """
    console, pace = Console(stderr=True), Pace(total)
    if _hidden.get():
        yield pace.advance
        return
    if not console.is_terminal:
        ended = Event()
        teller = Thread(target=_tell_until, args=(ended, label, pace), daemon=True)
        with suppress(RuntimeError):  # where no more threads are allowed, no lines
            teller.start()
        try:
            yield pace.advance
        finally:
            ended.set()
            if teller.ident is not None:
                teller.join()  # no line of it comes after what is told next
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), _Left(pace))
    bar = Progress(*columns, console=console)
    task = bar.add_task(label, total=total)

    def advance(count: int = 1, *, at_hand: bool = False) -> None:
        pace.advance(count, at_hand=at_hand)
        bar.advance(task, count)

    try:
        with suppress(RuntimeError):  # as above, no moving bar
            bar.start()
        yield advance
    finally:
        bar.stop()


class Pace:
    """How much is done, and when the rest will be, at the mean pace so far.

    The first step counts only until there is a second: a model is loaded in it.
    """

    def __init__(self, total: int) -> None:
        """Start the clock.

        Args:
            total: How many steps there are.
        """
        self.total, self.done = total, 0
        self._start = self._last = self._from = time.monotonic()
        self._worked = self._worked_before = 0

    def advance(self, count: int = 1, *, at_hand: bool = False) -> None:
        """Count more as done; see `Advance`."""
        self.done += count
        if at_hand:
            return
        if self._worked and not self._worked_before:
            self._from, self._worked_before = self._last, self._worked
        self._worked, self._last = self._worked + count, time.monotonic()

    def spent(self) -> float:
        """Seconds so far."""
        return time.monotonic() - self._start

    def left(self) -> float | None:
        """Seconds until the end; None where nothing was worked on yet, or the next step is long overdue."""
        worked = self._worked - self._worked_before
        if not worked:
            return None
        left = (self.total - self.done) * (self._last - self._from) / worked - (time.monotonic() - self._last)
        return left if left >= 0 else None

    def line(self, label: str) -> str:
        """What a log says of it."""
        left = self.left()
        about = "" if left is None or self.done == self.total else f", about {_clock(left)} left"
        return f"{label}: {self.done} of {self.total}, {_clock(self.spent())} so far{about}"


class _Left(ProgressColumn):
    """The time that is left, which goes down from one step to the next as a clock does."""

    def __init__(self, pace: Pace) -> None:
        super().__init__()
        self._pace = pace

    def render(self, task: Task) -> Text:
        left = self._pace.left()
        return Text("-:--:--" if left is None else str(_clock(left)), style="progress.remaining")


def _tell_until(ended: Event, label: str, pace: Pace) -> None:
    """Write a line every now and then, also while a single step takes long."""
    while not ended.wait(SECONDS_BETWEEN_LINES):
        say(pace.line(label))


def _clock(seconds: float) -> timedelta:
    return timedelta(seconds=round(seconds))
