"""What the files in a method's folder hold, by their directories: read once, and looked at again when files change."""

from __future__ import annotations

import errno
import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, TypeVar

from .batch_file import (
    DamagedPredictionsError,
    Item,
    VanishedError,
    content_of,
    opened,
    read_directory,
    unreadable,
)

BATCHES = "batches"
ENDING = ".batch"

_LOOKS = 10
_TICK = 2_000_000_000
"""Nanoseconds within which a folder may change and still have the same time, see `Look.settled`."""

_T = TypeVar("_T")


class Index:
    """The answers in a folder of files that others add to and put together at the same time.

    Args:
        folder: Of the files.

    Attributes:
        damaged: The files whose directory is damaged, or that are shorter than it says, and the sentence about each.
    """

    def __init__(self, folder: Path) -> None:
        self.damaged: dict[str, DamagedPredictionsError] = {}
        self._folder = folder
        self._files: dict[str, list[Item]] = {}
        # All copies of an answer, with their files; there are several where two runs made it at once.
        self._copies: dict[str, dict[str, list[tuple[Item, str]]]] = {}
        self._seen: int | None = None
        self._open: tuple[str, BinaryIO] | None = None
        self._lock = threading.RLock()

    def __del__(self) -> None:
        if self._open is not None:  # else a session, or a method, that asks for all warnings is warned of it
            self._open[1].close()

    def refresh(self, *, forced: bool = False) -> None:
        """Look at the folder again, where it has changed.

        Raises:
            StoreError: If a file cannot be read.
        """
        with self._lock:
            stamp = _stamp(self._folder)
            if not forced and stamp is not None and stamp == self._seen:
                return
            settled = stamp is not None and stamp < time.time_ns() - _TICK
            names = self._listed()
            while True:
                self._take(names)
                # A listing may pass over a file that is made, and over those that it replaces, while it goes on: what
                # the first has missed the second has.
                again = self._listed()
                if names <= again:
                    break
                names = again
            self._take(again)
            self._seen = stamp if settled and stamp == _stamp(self._folder) else None

    def of(self, image: str) -> dict[str, Item]:
        """The answers about an image that count, by query key."""
        with self._lock:
            return {query: copies[0][0] for query, copies in self._copies.get(image, {}).items()}

    def items(self) -> Iterator[Item]:
        """Every answer that counts."""
        with self._lock:
            return iter([copies[0][0] for queries in self._copies.values() for copies in queries.values()])

    def files(self) -> dict[str, int]:
        """The files that can be read, by name, and how many bytes their answers have."""
        with self._lock:
            return {name: size_of(items) for name, items in self._files.items()}

    def content(self, image: str, query: str) -> bytes | None:
        """The compressed bytes of an answer that counts; None where there is none.

        Raises:
            DamagedPredictionsError: If they are damaged.
            StoreError: If they cannot be read.
        """
        return self._patiently(lambda: self._content(image, query))

    def contents(self, image: str) -> dict[str, bytes]:
        """The compressed bytes of all answers about an image, by query key.

        Raises:
            DamagedPredictionsError: If one is damaged.
            StoreError: If one cannot be read.
        """

        def read() -> dict[str, bytes]:
            found = {query: self._content(image, query) for query in self.of(image)}
            return {query: content for query, content in found.items() if content is not None}

        return self._patiently(read)

    def added(self, name: str, items: list[Item]) -> None:
        """Take in a file that was just written here, without reading it."""
        with self._lock:
            if name not in self._files:
                self._enter(name, items)

    def _patiently(self, read: Callable[[], _T]) -> _T:
        """Read again where files were put together meanwhile."""
        for _ in range(_LOOKS):
            try:
                with self._lock:
                    return read()
            except VanishedError:
                self.refresh(forced=True)
        with self._lock:
            return read()

    def _content(self, image: str, query: str) -> bytes | None:
        copies = self._copies.get(image, {}).get(query)
        if copies is None:
            return None
        item, name = copies[0]
        path = self._folder / name
        try:
            return content_of(self._file(name), item, path)
        except OSError as error:
            self._close()
            if error.errno == errno.ESTALE:  # what NFS says of an open file that another machine has deleted
                raise VanishedError(f"{path} is not there") from error
            raise unreadable(path, error) from error

    def _file(self, name: str) -> BinaryIO:
        """An open file; one stays open, since answers are asked for in the order in which they were made."""
        if self._open is None or self._open[0] != name:
            self._close()
            self._open = name, opened(self._folder / name)
        return self._open[1]

    def _close(self) -> None:
        if self._open is not None:
            with suppress(OSError):
                self._open[1].close()
            self._open = None

    def _listed(self) -> set[str]:
        try:
            return {name for name in os.listdir(self._folder) if name.endswith(ENDING)}  # noqa: PTH208
        except FileNotFoundError:
            return set()
        except OSError as error:
            raise unreadable(self._folder, error) from error

    def _take(self, names: set[str]) -> None:
        gone = self._files.keys() - names
        for name in gone:
            self._leave(name)
        for name in self.damaged.keys() - names:
            del self.damaged[name]
        if self._open is not None and self._open[0] in gone:
            self._close()
        for name in sorted(names - self._files.keys() - self.damaged.keys()):
            path = self._folder / name
            try:
                items, whole = read_directory(path)
            except VanishedError:
                continue
            except DamagedPredictionsError as error:
                self.damaged[name] = error
                continue
            self._enter(name, items)
            if not whole:
                self.damaged[name] = DamagedPredictionsError.of(path, "it is not as long as it was")

    def _enter(self, name: str, items: list[Item]) -> None:
        self._files[name] = items
        for item in items:
            copies = self._copies.setdefault(item.image, {}).setdefault(item.query, [])
            copies.append((item, name))
            if len(copies) > 1:
                copies.sort(key=lambda copy: (copy[0].rank, copy[1]))

    def _leave(self, name: str) -> None:
        for item in self._files.pop(name):
            queries = self._copies[item.image]
            left = [copy for copy in queries[item.query] if copy[1] != name]
            if left:
                queries[item.query] = left
            else:
                del queries[item.query]


def size_of(items: Iterable[Item]) -> int:
    """How many bytes answers have."""
    return sum(item.length for item in items)


def _stamp(folder: Path) -> int | None:
    try:
        return folder.stat().st_mtime_ns
    except OSError:
        return None


def read_all(folder: Path, name: str, items: Iterable[Item]) -> Iterator[tuple[Item, bytes | None]]:
    """Every answer in a file with its compressed bytes, None for those that are damaged.

    Raises:
        VanishedError: If the file is not there.
        StoreError: If it cannot be read.
    """
    path = folder / name
    with opened(path) as file:
        for item in items:
            try:
                yield item, content_of(file, item, path)
            except DamagedPredictionsError:
                yield item, None
            except OSError as error:
                raise unreadable(path, error) from error
