"""The SHA-256 of image files that were read before and have not changed since: they need not be read again for it."""

from __future__ import annotations

import hashlib
import os
import secrets
import threading
import time
import zlib
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ...core import GroundCXRError, image_digest
from ...core.cache import cache_folder
from ...core.files import make_private, remove_leftovers, write_atomically
from ...core.regular import read_regular

_RECORD = np.dtype(
    [
        ("key", "<u8"),
        ("size", "<u8"),
        ("mtime", "<i8"),
        ("ctime", "<i8"),
        ("inode", "<u8"),
        ("looked", "<i8"),
        ("sha256", "u1", 32),
    ]
)
_MAGIC = b"groundcxr digests 1\n"
_ENDING = ".digests"
_FRESH = 2_000_000_000
"""Nanoseconds in which a file may change and keep its times: two seconds on FAT and some network disks."""

_UNSAVED = 5_000
_FILES = 16
_MOST = 2_000_000


class Look(NamedTuple):
    """What the disk said of a file before its bytes were read.

    Attributes:
        size: In bytes.
        mtime: When its content was last changed, in nanoseconds.
        ctime: When anything of it was last changed, in nanoseconds; no program can set it.
        inode: Its number on the disk.
        looked: When this was asked, in nanoseconds.
    """

    size: int
    mtime: int
    ctime: int
    inode: int
    looked: int

    @property
    def settled(self) -> bool:
        """Whether a later change would show: a file that changed this moment may change again within one tick."""
        return max(self.mtime, self.ctime) < self.looked - _FRESH


class Digests:
    """A cache of image digests, shared by all runs of a user, without a lock: each saving is a file of its own.

    An entry counts as long as the file has the size, the times and the inode that it had then. It can be lost or
    deleted at any moment. What it holds names no path: entries are under a hash of it.

    Args:
        folder: Where it is kept.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._new: dict[int, tuple[Look, str]] = {}
        self._loaded: np.ndarray[Any, Any] | None = None
        self._lock = threading.Lock()

    def of(self, path: Path) -> str:
        """SHA-256 (hex) of an image file's bytes; the file is read only where it is not known.

        Raises:
            ImageError: If the file is missing or unreadable.
        """
        look = self.look(path)
        sha256 = self.known(path, look)
        if sha256 is None:
            sha256 = image_digest(path)
            self.remember(path, sha256, look)
        return sha256

    def known(self, path: Path, look: Look | None) -> str | None:
        """The digest of a file that is as it was when that was remembered; None where it has to be read.

        Args:
            path: The file.
            look: What `look` says of it now.
        """
        return None if look is None else self._find(path, look)

    def look(self, path: Path) -> Look | None:
        """What to give to `remember` after reading the file; None where there is no file to look at."""
        looked = time.time_ns()
        try:
            stat = os.stat(path)  # noqa: PTH116 (Path's own raises for fewer names)
        except (OSError, ValueError):
            return None
        return Look(stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino, looked)

    def remember(self, path: Path, sha256: str, look: Look | None) -> None:
        """Keep the digest of a file that was read.

        Args:
            path: The file.
            sha256: Of its bytes, as hex.
            look: What `look` said before they were read; a file that changed just then is not remembered.
        """
        if look is None or not look.settled:
            return
        with self._lock:
            self._new[_key(path)] = (look, sha256)
            full = len(self._new) >= _UNSAVED
        if full:
            self.save()

    def save(self) -> None:
        """Write what is new; a folder that cannot be written is no reason to stop."""
        with self._lock:
            new, self._new = self._new, {}
            if not new:
                return
            records = np.array(
                [(key, *look, tuple(bytes.fromhex(sha256))) for key, (look, sha256) in new.items()], dtype=_RECORD
            )
            self._loaded = _merged([self._records(), records])
        with suppress(GroundCXRError, OSError):
            make_private(self._folder, self._folder)
            self._write(records)
            self._tidy()

    def _find(self, path: Path, look: Look) -> str | None:
        key = _key(path)
        with self._lock:
            new = self._new.get(key)
            if new is not None:
                return new[1] if new[0][:4] == look[:4] else None
            records = self._records()
        place = int(np.searchsorted(records["key"], np.uint64(key)))
        if place == len(records) or int(records["key"][place]) != key:
            return None
        found = records[place]
        same = (int(found["size"]), int(found["mtime"]), int(found["ctime"]), int(found["inode"])) == look[:4]
        return found["sha256"].tobytes().hex() if same else None

    def _records(self) -> np.ndarray[Any, Any]:
        if self._loaded is None:
            self._loaded = _merged([_read(file) for file in self._files()])
        return self._loaded

    def _files(self) -> list[Path]:
        try:
            return sorted(path for path in self._folder.iterdir() if path.name.endswith(_ENDING))
        except OSError:
            return []

    def _write(self, records: np.ndarray[Any, Any]) -> None:
        content = records.tobytes()
        head = _MAGIC + zlib.crc32(content).to_bytes(4, "little")
        path = self._folder / f"{secrets.token_hex(8)}{_ENDING}"
        write_atomically(path, head + content, private=True)

    def _tidy(self) -> None:
        """Make one file of many; another process that does so at the same time makes the same of them."""
        files = self._files()
        if len(files) < _FILES:
            return
        remove_leftovers(self._folder)
        self._write(_merged([_read(file) for file in files]))
        for file in files:
            with suppress(OSError):
                file.unlink()


def digests() -> Digests:
    """The user's cache of image digests; call `save` at the end of a step that read images."""
    return _digests(cache_folder("digests").absolute())


@cache
def _digests(folder: Path) -> Digests:
    return Digests(folder)


def _key(path: Path) -> int:
    name = os.fsencode(os.path.abspath(path))  # noqa: PTH100 (links stay: what they lead to is told by the inode)
    return int.from_bytes(hashlib.sha256(name).digest()[:8], "little")


def _read(file: Path) -> np.ndarray[Any, Any]:
    """A file's entries; none where it is gone or damaged."""
    empty = np.empty(0, dtype=_RECORD)
    try:
        content = read_regular(file)
    except OSError:
        return empty
    start = len(_MAGIC) + 4
    body = content[start:]
    whole = content.startswith(_MAGIC) and zlib.crc32(body).to_bytes(4, "little") == content[len(_MAGIC) : start]
    return np.frombuffer(body, dtype=_RECORD) if whole and len(body) % _RECORD.itemsize == 0 else empty


def _merged(parts: list[np.ndarray[Any, Any]]) -> np.ndarray[Any, Any]:
    """All entries by key, each path's latest; of too many the latest."""
    records = np.concatenate([np.empty(0, dtype=_RECORD), *parts])
    records = records[np.lexsort((records["looked"], records["key"]))]
    last = np.ones(len(records), dtype=bool)
    last[:-1] = records["key"][1:] != records["key"][:-1]
    records = records[last]
    if len(records) > _MOST:
        records = records[records["looked"] >= np.sort(records["looked"])[-_MOST]]
    return records
