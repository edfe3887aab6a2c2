"""The results that a command line names."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..core import GroundCXRError
from .streams import tell

if TYPE_CHECKING:
    from ..leaderboard.library import Library


def usable_results(results: Sequence[Path], store: Path | None = None) -> Library:
    """Every result below some folders; warns on standard error of what could not be used.

    Args:
        results: As of `Library.scan`.
        store: As of `Library.scan`.

    Raises:
        GroundCXRError: If no result is usable.
    """
    from ..leaderboard.library import Library

    library = Library.scan(results, store)
    for problem in library.problems:
        tell(f"warning: {problem}")
    if not library.runs:
        raise GroundCXRError(f"there is no usable result in {', '.join(map(str, results))}; evaluate makes results")
    return library
