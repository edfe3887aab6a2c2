"""Why samples failed, by kind: what is the same but for numbers, names and paths is one reason."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ..core.names import one_line, printable
from .prediction import Failure

_PLACE = re.compile(r"[^:]+:\d+ in [^:]+: ")
"""The line that a failure happened in, as `Failure` says it: another line is another reason."""

_COMPARED = 1000
"""Signs of a message that are looked at; a library may put a whole listing into one."""

_SHOWN = 300

_VARIABLE = re.compile(
    r"""
    (?<!\w)'[^']*'(?!\w) | "[^"]*" | `[^`]*`    # quoted names; an apostrophe within a word quotes nothing
    | (?:(?<=\s)|^)[^\s,;]*[/\\][^\s,;:]*       # paths
    | \b0x[0-9a-f]+\b                           # addresses
    | \b[0-9a-f]*\d[0-9a-f]{6,}\b               # hashes
    | [-+]?\d+(?:[.,]\d+)*(?:e[-+]?\d+)?        # numbers
    """,
    re.VERBOSE | re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason for failures.

    Attributes:
        count: How many samples failed for it.
        sample_id: The first of them.
        message: What it said there, on one line; may quote paths and phrases, so it is for the user alone.
    """

    count: int
    sample_id: str
    message: str


class Reasons:
    """Counts reasons and keeps the first example of each."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}
        self._examples: dict[str, tuple[str, str]] = {}

    def add(self, sample_id: str, failure: Failure | str) -> bool:
        """Count one more failed sample.

        Args:
            sample_id: Which.
            failure: Why.

        Returns:
            Whether this reason is a new one.
        """
        said = str(failure)
        place = _PLACE.match(said)
        start = place.end() if place else 0
        kind = said[:start] + _VARIABLE.sub("#", " ".join(said[start:_COMPARED].split()))
        self._counts[kind] = self._counts.get(kind, 0) + 1
        self._examples.setdefault(kind, (sample_id, printable(one_line(said), _SHOWN)))
        return self._counts[kind] == 1

    def commonest(self) -> list[Reason]:
        """All reasons, the commonest first; those that are equally common in the order in which they were met."""
        kinds = sorted(self._counts, key=lambda kind: -self._counts[kind])
        return [Reason(self._counts[kind], *self._examples[kind]) for kind in kinds]
