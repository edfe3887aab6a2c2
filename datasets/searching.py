"""Walks through a user's folders: nearest first, ending in time, and saying how far they are."""

from __future__ import annotations

import os
import re
import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path

from ..core.stderr import say

MOST_FOLDERS = 50_000
"""Seconds on a local disk, a minute on most network disks: a root may be / or a home folder."""
MOST_SECONDS = 120.0
SECONDS_BETWEEN_LINES = 10.0


class Search:
    """How far a walk is.

    Attributes:
        folders: How many folders were read.
        ended: Whether the walk was ended before all folders were read.
    """

    def __init__(self, what: str, root: Path) -> None:
        """Start the clock.

        Args:
            what: What is looked for, for the lines on stderr: "images".
            root: Where the walk begins.
        """
        self.folders = 0
        self.ended = False
        self._what, self._root = what, root
        self._start = self._told = time.monotonic()

    def goes_on(self) -> bool:
        """Count one more folder; False where it must not be read any more."""
        now = time.monotonic()
        self.ended = self.folders >= MOST_FOLDERS or now - self._start > MOST_SECONDS
        if now - self._told > SECONDS_BETWEEN_LINES:
            self._told = now
            say(f"looking for {self._what} below {self._root}: {self.folders:,} folders so far")
        self.folders += not self.ended
        return not self.ended

    def sentence(self) -> str:
        """That the walk was ended, and what helps."""
        return (
            f"the search for {self._what} below {self._root} ended after {self.folders:,} folders; "
            "give a folder nearer to the annotations and images as --root"
        )


def walk(
    root: Path, search: Search, not_entered: re.Pattern[str], depth: int
) -> Iterator[tuple[int, Path, list[str], list[str]]]:
    """The folders below a root, nearest first, then by name.

    Args:
        root: Where to begin.
        search: Counts the folders, and ends the walk.
        not_entered: Names of folders that are passed over, such as those of single patients.
        depth: How many folders deep.

    Yields:
        How deep the folder is, the folder, the names of the folders in it, the names of its files.

    Raises:
        OSError: If the root itself cannot be read.
    """
    waiting = deque([(0, root)])
    while waiting and search.goes_on():
        deep, folder = waiting.popleft()
        try:
            with os.scandir(folder) as entries:
                kinds = sorted((entry.name, entry.is_dir()) for entry in entries)
        except OSError:  # a folder of somebody else's below the root
            if deep == 0:
                raise
            continue
        folders = [name for name, is_folder in kinds if is_folder]
        yield deep, folder, folders, [name for name, is_folder in kinds if not is_folder]
        if deep < depth:
            waiting.extend((deep + 1, folder / name) for name in folders if not not_entered.fullmatch(name))
