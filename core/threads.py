"""Many small waits or pieces of work at once, also where the system gives no more threads."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from threading import Lock, Thread
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")


def mapped(
    function: Callable[[T], R], items: Iterable[T], workers: int, done: Callable[[], object] = lambda: None
) -> list[R]:
    """A function's results for all items, in order; the calling thread works too, so it gets on without any other.

    Args:
        function: Waits for a disk, or works in NumPy or Pillow, most of the time; called from several threads.
        items: What it is called with.
        workers: The most threads that work at once, the calling one among them.
        done: Called after each item, by one thread at a time.

    Raises:
        BaseException: The first that `function` raised, an interruption before any other; what was not begun by then is
            left.
    """
    waiting = list(items)
    results: dict[int, R] = {}
    failures: list[BaseException] = []
    places = iter(range(len(waiting)))
    lock = Lock()

    def work() -> None:
        while True:
            with lock:
                place = None if failures else next(places, None)
            if place is None:
                return
            try:
                result = function(waiting[place])
                with lock:
                    results[place] = result
                    done()
            except BaseException as error:
                failures.append(error)

    helpers = start(work, min(workers, len(waiting)) - 1)
    try:
        work()
    finally:
        for helper in helpers:
            helper.join()
    if failures:
        raise next((error for error in failures if isinstance(error, KeyboardInterrupt)), failures[0])
    return [results[place] for place in range(len(waiting))]


def start(work: Callable[[], object], count: int) -> list[Thread]:
    """Start up to so many threads: as many as the system gives (limits of processes, memory or a container)."""
    threads: list[Thread] = []
    for _ in range(count):
        thread = Thread(target=work, daemon=True)
        try:
            thread.start()
        except (RuntimeError, MemoryError):
            break
        threads.append(thread)
    return threads
