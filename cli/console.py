"""Standard output as tables are printed on it."""

from __future__ import annotations

import sys

from rich.console import Console

WIDE = 200
"""Columns where there is no terminal."""


def open_console() -> Console:
    """Standard output. Without a terminal there is no width to fit into; wrapped cells would only be harder to read."""
    return Console(width=None if sys.stdout.isatty() else WIDE)
