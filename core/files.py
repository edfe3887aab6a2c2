"""Writing files so that a reader sees the old content or the new, never half of it, on whatever disk there is."""

from __future__ import annotations

import errno
import os
import secrets
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from .errors import StoreError
from .process import is_alive, this_process
from .regular import check_regular
from .stderr import say

_UMASK = os.umask(0)
os.umask(_UMASK)

_PART = ".part"
_OLD = 24 * 3600.0
"""Seconds after which an unfinished file is nobody's, where its process cannot be asked for."""

_PAUSE = 0.2

REFUSED = frozenset(
    {errno.EPERM, errno.EACCES, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL, errno.ENOLCK, 524}
)
"""How disks say that they do not have something (SMB, NFS, FUSE); 524 is Linux's own ENOTSUPP, which leaks out."""

_said: set[str] = set()


def write_atomically(path: Path, content: bytes, *, private: bool = False, lasting: bool = True) -> None:
    """Write a file of a result or a store whole; see `write_whole`.

    Raises:
        StoreError: If the disk is full or the folder cannot be written.
    """
    with told(path):
        write_whole(path, content, private=private, lasting=lasting)


def write_whole(path: Path, content: bytes, *, private: bool = False, lasting: bool = True) -> None:
    """Write a file whole: temporary file in the same folder, fsync, rename.

    Args:
        path: The file.
        content: What it will hold.
        private: Whether it is for its owner alone, see `make_private`; else as the umask has it.
        lasting: Whether it waits until the disk has the file (fsync), so that no power cut takes it.

    Raises:
        OSError: If the disk is full or the folder cannot be written.
    """
    temporary = path.with_name(f".{this_process()}-{secrets.token_hex(4)}{_PART}")
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            if lasting:
                _keep(file.fileno(), path)
        mode = 0o666 & (_access(path.parent) if private else ~_UMASK)
        if mode != 0o600:
            give_access(temporary, mode)
        rename(temporary, path)
    except BaseException:
        # An unlink that fails says less than what failed before it.
        with suppress(OSError):
            temporary.unlink()
        raise


def append(path: Path, lines: str) -> None:
    """Add lines to a private file.

    Raises:
        StoreError: If the disk is full or the file cannot be written.
    """
    with told(path):
        new = not path.exists()
        if not new:
            check_regular(path)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "a", encoding="ascii") as file:
            file.write(lines)
        if new and (mode := 0o666 & _access(path.parent)) != 0o600:
            give_access(path, mode)


def make_private(folder: Path, top: Path) -> None:
    """Make a folder and those above it up to `top` for their owner alone, where they are not there yet.

    Where a group (or everybody) may write the folder above, as in a `top` that a lab shares, so may they in this one.

    Raises:
        StoreError: If it cannot be made.
    """
    if folder.is_dir():
        return
    with told(folder):
        if folder == top:
            folder.parent.mkdir(parents=True, exist_ok=True)
        else:
            make_private(folder.parent, top)
        try:
            folder.mkdir(0o700)
        except FileExistsError:
            if not folder.is_dir():
                raise
            return
        if folder != top and (mode := _access(folder.parent)) != 0o700:
            # The bit that hands the group on to new files stays.
            give_access(folder, mode | (folder.stat().st_mode & 0o7000))


def remove_leftovers(folder: Path) -> None:
    """Remove, in a folder and below it, the unfinished files of processes that were killed; never a live one's."""
    for place, _, files in os.walk(folder):
        for name in files:
            if name.startswith(".") and name.endswith(_PART) and _is_left(Path(place, name)):
                with suppress(OSError):
                    Path(place, name).unlink()


@contextmanager
def told(path: Path) -> Iterator[None]:
    """Say in a sentence what the disk refuses about a file or a folder.

    Raises:
        StoreError: Instead of an OSError.
    """
    try:
        yield
    except OSError as error:
        step = "free space or choose" if error.errno in (errno.ENOSPC, errno.EDQUOT) else "choose"
        raise StoreError(
            f"cannot write {path}: {error.strerror or error}; {step} another folder with --out or --store"
        ) from error


def without(what: str, place: Path, error: OSError) -> None:
    """Say, once in a process, what a disk does not have.

    Args:
        what: A sentence's middle: "has no locks, so only one run at a time can write there".
        place: A folder on the disk.
        error: What the disk said.
    """
    if what not in _said:
        _said.add(what)
        say(f"note: the disk of {place} {what} ({error.strerror or error})")


def give_access(path: Path, mode: int) -> None:
    """Set a file's or folder's permissions, where its disk has any."""
    try:
        path.chmod(mode)
    except OSError as error:
        if error.errno not in REFUSED:
            raise
        without("does not take permissions, so files there have those that it gives them", path.parent, error)


def rename(temporary: Path, path: Path) -> None:
    """Put one file in the place of another, at once."""
    try:
        temporary.replace(path)
    except OSError as error:
        # Some network disks do not replace a file while another process reads it, which takes a moment.
        if error.errno not in (errno.EACCES, errno.EPERM, errno.EBUSY, errno.ETXTBSY):
            raise
        time.sleep(_PAUSE)
        temporary.replace(path)


def _access(folder: Path) -> int:
    """What may be done with private things in a folder, as a mask of permissions: of its owner, and of those it serves.

    Who may write in it is served by it.
    """
    mode = folder.stat().st_mode
    return 0o700 | (0o070 if mode & stat.S_IWGRP else 0) | (0o007 if mode & stat.S_IWOTH else 0)


def _keep(descriptor: int, path: Path) -> None:
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in REFUSED:
            raise
        without("does not say when a file is safe, so the last ones may be lost if it stops", path.parent, error)


def _is_left(part: Path) -> bool:
    alive = is_alive(part.name.removeprefix(".").removesuffix(_PART).rpartition("-")[0])
    if alive is not None:
        return not alive
    try:
        return time.time() - part.stat().st_mtime > _OLD
    except OSError:
        return False
