"""Work spread over processes: as many as this process may use of the machine, and what to do where there are none."""

from __future__ import annotations

import signal
import warnings
from collections.abc import Callable, Generator, Iterable
from typing import Any, TypeVar

T = TypeVar("T")
R = TypeVar("R")

_IDLE_SECONDS = 10
"""How long processes wait for more work before they end."""


def processors() -> int:
    """How many processors this process may use, by its affinity and by the quota of its container."""
    from joblib import cpu_count

    return cpu_count()


def in_processes(function: Callable[[T], R], items: Iterable[T], jobs: int) -> Generator[R, None, None]:
    """A function's results for all items, in order, from other processes.

    Close it (`contextlib.closing`) to end the work early. Ctrl-C is left to this process.

    Args:
        function: Sent to the processes with each item.
        items: What it is called with.
        jobs: How many processes; -1 for one for each processor.

    Raises:
        Exception: What the function raises.
        BrokenProcessPool: If a process ends, or cannot take in what it is sent.
    """
    from joblib import Parallel, delayed

    with Parallel(
        n_jobs=jobs,
        return_as="generator",
        initializer=_leave_interrupts,
        idle_worker_timeout=_IDLE_SECONDS,
        max_nbytes=None,  # arrays are sent as they are, never left in files of /dev/shm
    ) as parallel:
        results: Any = parallel(delayed(function)(item) for item in items)
        try:
            for result in results:  # noqa: UP028  (`yield from` would close them itself, with the warning)
                yield result
        finally:
            with warnings.catch_warnings():  # of work that is given up, which is what was asked for
                warnings.simplefilter("ignore")
                results.close()


def _leave_interrupts() -> None:
    """Leave Ctrl-C to the process that waits for this one."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
