"""Lines on standard error that no run depends on."""

from __future__ import annotations

import sys
from contextlib import suppress


def say(line: str) -> None:
    """Write a line to standard error, unless that is full, or closed, or None as in a program without a terminal."""
    with suppress(OSError, ValueError, AttributeError):
        sys.stderr.write(f"{line}\n")
        sys.stderr.flush()
