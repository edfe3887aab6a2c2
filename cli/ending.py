"""How the process ends: with the run's exit code, whatever a method left behind."""

from __future__ import annotations

import atexit
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, NoReturn

PATIENCE = 10.0
"""Seconds that handlers at the end may take where something holds the process."""

_EXIT = os._exit


@contextmanager
def outlasting_exits() -> Iterator[None]:
    """Within it, ``os._exit`` of this process raises SystemExit, which is told as the failure of whose code calls it.

    A method that ended the process at once would leave an exit code of its own choice, 0 included, and no result.
    """
    process = os.getpid()

    def refuse(status: int) -> NoReturn:
        # Children made by fork end with it, as they must.
        if os.getpid() != process:
            _EXIT(status)
        raise SystemExit(f"os._exit({status})")

    os._exit = refuse
    try:
        yield
    finally:
        os._exit = _EXIT


def end_if_held(code: int) -> None:
    """End the process here where threads or processes that a method started would keep it from ending.

    What is registered to run at exit is run, for at most `PATIENCE` seconds.

    Args:
        code: The exit code.
    """
    children = _children()
    held = [
        thread for thread in threading.enumerate() if thread is not threading.current_thread() and not thread.daemon
    ]
    if not held and not children:
        return
    guard = threading.Timer(PATIENCE, _EXIT, (code,))
    guard.daemon = True
    with suppress(RuntimeError):  # no more threads here: then nothing limits the handlers
        guard.start()
    for child in children:
        child.terminate()
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    _EXIT(code)


def _children() -> list[Any]:
    """Processes that would be waited for."""
    multiprocessing = sys.modules.get("multiprocessing")
    if multiprocessing is None:
        return []
    return [child for child in multiprocessing.active_children() if not child.daemon]
