"""The formats that tables can be written in, and how they are laid out."""

from __future__ import annotations

from enum import StrEnum


class Format(StrEnum):
    """What tables can be written as; BIBTEX is what they rest on."""

    LATEX = "latex"
    MARKDOWN = "markdown"
    CSV = "csv"
    JSON = "json"
    BIBTEX = "bibtex"


class PageFormat(StrEnum):
    """What audit pages can be written as."""

    MARKDOWN = "markdown"
    HTML = "html"


class Caption(StrEnum):
    """How much a caption says; SHORT has all else in a note below the table."""

    LONG = "long"
    SHORT = "short"


class Layout(StrEnum):
    """What columns are: a data set's pathologies, metrics, all data sets, or what conditions change."""

    PATHOLOGIES = "pathologies"
    METRICS = "metrics"
    DATASETS = "datasets"
    CONDITIONS = "conditions"


SUFFIXES = {
    Format.LATEX: ".tex",
    Format.MARKDOWN: ".md",
    Format.CSV: ".csv",
    Format.JSON: ".json",
    Format.BIBTEX: ".bib",
}
