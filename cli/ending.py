"""How the process ends: with the run's exit code, whatever a method left behind."""

from __future__ import annotations

import atexit
import os
import posix
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any, NoReturn

PATIENCE = 10.0
"""Seconds that handlers at the end may take where something holds the process."""

_EXIT = os._exit
_ENDS: dict[str, Callable[..., NoReturn]] = {
    "_exit": os._exit,
    "abort": os.abort,
    "execv": os.execv,
    "execve": os.execve,
}


@contextmanager
def outlasting_exits() -> Iterator[None]:
    """Within it, what ends or replaces this process at once raises SystemExit, told as the failure of who calls it.

    A method that ended the process would leave an exit code of its own choice, 0 included, and no result.
    """
    process = os.getpid()

    def refusing(name: str, end: Callable[..., NoReturn]) -> Callable[..., NoReturn]:
        def refuse(*arguments: object) -> NoReturn:
            # Children made by fork end with it, as they must.
            if os.getpid() != process:
                end(*arguments)
            raise SystemExit(f"os.{name}({', '.join(map(repr, arguments[:1]))})")

        return refuse

    _put({name: refusing(name, end) for name, end in _ENDS.items()})
    try:
        yield
    finally:
        _put(_ENDS)


def become(program: str, words: Sequence[str]) -> NoReturn:
    """Replace this process by a program, as no code but the command's own may.

    Args:
        program: Its path.
        words: Its name and its arguments.
    """
    _ENDS["execv"](program, words)


def keep_code(code: int) -> None:
    """From here on ``os._exit``, which a handler at exit may call, ends this process with the run's exit code.

    Args:
        code: The exit code.
    """
    process = os.getpid()

    def end(status: int) -> NoReturn:
        _EXIT(code if os.getpid() == process else status)

    _put({"_exit": end})


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


def _put(functions: Mapping[str, Callable[..., NoReturn]]) -> None:
    for name, function in functions.items():
        for module in (os, posix):
            setattr(module, name, function)


def _children() -> list[Any]:
    """Processes that would be waited for."""
    multiprocessing = sys.modules.get("multiprocessing")
    if multiprocessing is None:
        return []
    return [child for child in multiprocessing.active_children() if not child.daemon]
