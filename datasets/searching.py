"""Walks through a user's folders end in time, and say how far they are."""

from __future__ import annotations

import time
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
