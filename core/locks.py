"""One writer at a time: by the disk's locks, or, where it has none, by one process that claims a folder for itself."""

from __future__ import annotations

import atexit
import fcntl
import os
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Lock

from .errors import StoreError
from .files import REFUSED, give_access, told, without
from .process import is_alive, this_process
from .regular import read_regular
from .stderr import say

_LOCK = ".lock"
_CLAIM = ".writer"
_POLL = 0.02
_PATIENCE = 15.0
"""Seconds of waiting after which it is said what for."""

_claimed: set[Path] = set()
_claiming = Lock()
_threads: defaultdict[Path, Lock] = defaultdict(Lock)


@contextmanager
def locked(folder: Path, claim: Path | None = None) -> Iterator[None]:
    """Keep other processes and threads that ask for the same folder waiting.

    On a disk without locks, threads wait, and another process is refused for as long as this one lives.

    Args:
        folder: What is written; made where it is not there.
        claim: What a process has for itself where there are no locks; `folder` by default.

    Raises:
        StoreError: If the folder cannot be made or written, or another process has claimed it.
    """
    path = folder / _LOCK
    with told(folder):
        folder.mkdir(parents=True, exist_ok=True)
        handle = _open(path)
    try:
        with told(folder):
            held = _wait(handle, path)
        if held:
            yield
        else:
            _claim(claim or folder)
            with _threads[folder.absolute()]:
                yield
    finally:
        # Closing gives the lock back.
        with suppress(OSError):
            os.close(handle)


def _open(path: Path) -> int:
    flags = os.O_RDWR | os.O_CLOEXEC | os.O_NONBLOCK
    try:
        handle = os.open(path, flags | os.O_CREAT | os.O_EXCL, 0o666)
    except FileExistsError:
        return os.open(path, flags)
    # Whoever may write in the folder may lock it.
    mode = path.parent.stat().st_mode & 0o666
    if os.fstat(handle).st_mode & 0o666 != mode:
        give_access(path, mode)
    return handle


def _wait(handle: int, path: Path) -> bool:
    """Take the lock, however long that takes; False where the disk has none."""
    since, told_of = time.monotonic(), False
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            if not told_of and time.monotonic() - since > _PATIENCE:
                told_of = True
                say(f"note: waiting for another run that has the lock {path}")
            time.sleep(_POLL)
        except OSError as error:
            if error.errno not in REFUSED:
                raise
            without("has no locks, so only one run at a time can write there", path.parent, error)
            return False


def _claim(folder: Path) -> None:
    """Have a folder for this process until it ends.

    Raises:
        StoreError: If another process has it, or may have it.
    """
    path = folder.absolute() / _CLAIM
    with _claiming:
        if path in _claimed and _owner(path) == this_process():
            return
        with told(path):
            if _is_dead(path):
                path.unlink(missing_ok=True)
            try:
                handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
            except FileExistsError:
                raise _refusal(path) from None
            with os.fdopen(handle, "w", encoding="ascii") as file:
                file.write(this_process() + "\n")
        _claimed.add(path)
        atexit.register(_release, path)


def _is_dead(path: Path) -> bool:
    return is_alive(_owner(path)) is False


def _owner(path: Path) -> str:
    """The process that a claim names; "" where it names none."""
    try:
        return read_regular(path, 1000).decode("ascii", errors="replace").strip()
    except OSError:
        return ""


def _refusal(path: Path) -> StoreError:
    owner = _owner(path)
    host, pid, _ = (*owner.rsplit("-", 2), "", "")[:3]
    whose = f"process {pid} on {host}" if pid else "another process"
    step = "wait until it ends" if is_alive(owner) else f"wait until it ends (if it has ended, delete {path})"
    return StoreError(
        f"{whose} writes in {path.parent}, whose disk has no locks, so only one run at a time can write there; {step}, "
        "or choose another folder with --out or --store"
    )


def _release(path: Path) -> None:
    # A forked child ends too, and the claim is not its own.
    if _owner(path) == this_process():
        with suppress(OSError):
            path.unlink()
