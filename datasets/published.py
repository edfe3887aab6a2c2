"""What a release has otherwise than published, told in the same words of every data set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from .tables import closest


def otherwise_counted(place: Path, called: str, counts: Mapping[str, int], published: Mapping[str, int]) -> list[str]:
    """One sentence if a file has not as many of some things as published.

    Args:
        place: The annotation file.
        called: The data set and its version.
        counts: How many of what there are.
        published: How many of what there should be.
    """
    wrong = [
        f"{counts[what]:,} {what} (published: {count:,})" for what, count in published.items() if counts[what] != count
    ]
    return [f"{place} is not {called} as published: it has {', '.join(wrong)}"] if wrong else []


def like(name: str, known: Sequence[str]) -> str:
    """What an unknown name may be meant as, in brackets; "" where nothing is like it."""
    guess = closest(name, known)
    return f" (the closest is {guess!r})" if guess else ""
