"""Standard output and error that never end a run: closed, full, without a reader, or without the letters."""

from __future__ import annotations

import errno
import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TextIO

from ..core import GroundCXRError
from ..core.names import escaped
from ..core.tracebacks import trace_of

LETTERS = "backslashreplace"
"""What becomes of letters that a stream's encoding lacks, and of bytes in a path that are none."""


class _Stream(io.FileIO):
    """A standard stream's file; what it does not take is dropped, and the first reason kept.

    Everything above (Rich, Typer, ``print``) writes into a stream that works, and nothing is left to fail when the
    interpreter flushes at its end.
    """

    def __init__(self, number: int, *, closed: bool) -> None:
        super().__init__(number, "w", closefd=False)
        self._closed_from_start = closed
        self.lost: OSError | None = None

    def write(self, content: Any, /) -> int:
        """Write what the file takes, and say that it took all."""
        if self._closed_from_start:
            self.lost = self.lost or OSError(errno.EBADF, "it is closed")
        if self.lost is None:
            rest = memoryview(content).cast("B")
            try:
                while rest:
                    rest = rest[super().write(rest) or 0 :]
            except OSError as error:
                self.lost = error
        return memoryview(content).nbytes


class _Text(io.TextIOWrapper):
    """Stays open whoever closes it: a method that does would take the table along."""

    def close(self) -> None:
        """Write what is buffered."""
        self.flush()


def take_streams() -> bool:
    """Make the process's standard streams safe to write; of streams that somebody else has put there, only letters are.

    Returns:
        Whether the process's own standard output was there to take, so that the process is ours to end.
    """
    _hold_numbers()
    ours = sys.stdout is sys.__stdout__
    if ours:
        sys.stdout = _over(1, sys.stdout)
    if sys.stderr is sys.__stderr__:
        sys.stderr = _over(2, sys.stderr)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=LETTERS)
    return ours


def lost_output() -> OSError | None:
    """Why standard output did not take everything that was printed so far; told once, then None."""
    sys.stdout.flush()
    raw = getattr(getattr(sys.stdout, "buffer", None), "raw", None)
    if not isinstance(raw, _Stream) or raw.lost is None:
        return None
    # A file that says nothing more: what comes later is lost for the same reason.
    lost, sys.stdout = raw.lost, _nowhere()
    return lost


def tell(message: str) -> None:
    """Write a message to standard error as one line; what is no letter, as in a hostile file's name, is escaped."""
    sys.stderr.write(escaped(" ".join(message.splitlines())) + "\n")


def tell_trace(trace: str) -> None:
    """Write a traceback to standard error, line by line; nothing where there is none."""
    for line in trace.splitlines():
        tell(line.expandtabs())


@contextmanager
def traced(wanted: bool = True) -> Iterator[None]:
    """Writes the traceback of what an author's code raises in the block, if it is wanted, before its sentence."""
    try:
        yield
    except GroundCXRError as error:
        if wanted:
            tell_trace(trace_of(error))
        raise


def _hold_numbers() -> None:
    """Open what is closed of 0, 1 and 2: the next file opened would get the number, and what is printed into it."""
    while True:
        number = os.open(os.devnull, os.O_RDWR)
        if number > 2:
            os.close(number)
            return
        os.set_inheritable(number, True)


def _over(number: int, stream: TextIO | None) -> TextIO:
    raw = _Stream(number, closed=stream is None)
    return _Text(
        io.BufferedWriter(raw),
        encoding=getattr(stream, "encoding", None) or "utf-8",
        line_buffering=number == 2 or getattr(stream, "line_buffering", False),
        write_through=getattr(stream, "write_through", False),
    )


def _nowhere() -> TextIO:
    return io.TextIOWrapper(io.BytesIO(), encoding="utf-8", errors=LETTERS)
