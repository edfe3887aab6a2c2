"""BibTeX of everything that a table rests on."""

from __future__ import annotations

from collections.abc import Sequence

from .library import Run


def bibtex(runs: Sequence[Run]) -> str:
    """BibTeX of the toolkit, and of the runs' methods, data sets and protocols; each entry once.

    Args:
        runs: The runs of a table.
    """
    raise NotImplementedError
