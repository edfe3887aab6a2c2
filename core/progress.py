"""Progress on stderr, so that stdout holds nothing but results."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn


class Advance(Protocol):
    """Reports that some more of the announced total is done."""

    def __call__(self, count: int = 1) -> None:
        """Count `count` more as done."""
        ...


@contextmanager
def progress(label: str, total: int) -> Iterator[Advance]:
    """A progress bar on stderr; silent where stderr is no terminal.

    Args:
        label: What is being done.
        total: How many steps there are.
    """
    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task(label, total=total)

        def advance(count: int = 1) -> None:
            bar.advance(task, count)

        yield advance
