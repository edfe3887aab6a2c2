"""A table in the form that a paper, a page or a program wants."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from .tables import Board


class Format(StrEnum):
    """What a table can be written as."""

    LATEX = "latex"
    MARKDOWN = "markdown"
    CSV = "csv"
    JSON = "json"


SUFFIXES = {Format.LATEX: ".tex", Format.MARKDOWN: ".md", Format.CSV: ".csv", Format.JSON: ".json"}


def export(boards: Sequence[Board], form: Format, *, intervals: bool = True) -> str:
    """Write tables out.

    LaTeX and Markdown round as the terminal does: best bold, a dagger at what cannot be told from it, a caption that
    says what was measured. CSV and JSON hold the numbers of `result.json` whole.

    Args:
        boards: One table for each.
        form: LaTeX, Markdown, CSV or JSON.
        intervals: Whether LaTeX and Markdown show the 95 % intervals.
    """
    raise NotImplementedError
