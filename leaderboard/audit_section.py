"""A part of an audit page, and how values and differences are written in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from ..evaluation.derived import DERIVED, is_derived
from ..evaluation.numbers import digits_of, write_number
from ..evaluation.schema import Cell, MetricInfo
from .differences import Difference
from .runs import Run

NOTHING = "-"
"""What a cell of a table says where there is no value."""


@dataclass(frozen=True)
class Section:
    """A part of a page.

    Attributes:
        title: Its headline.
        sentences: What is said before the table.
        head: The table's columns; empty for no table.
        rows: Its cells, as plain text.
    """

    title: str
    sentences: Sequence[str] = ()
    head: Sequence[str] = ()
    rows: Sequence[Sequence[str]] = field(default_factory=list)


def cell_words(cell: Cell, metric: MetricInfo, run: Run) -> str:
    """A cell's value with its interval."""
    if cell.value is None:
        return NOTHING
    digits = digits_of(metric)
    ends = (
        "" if cell.low is None or cell.high is None else f" [{number(cell.low, digits)}, {number(cell.high, digits)}]"
    )
    return value_words(cell.value, metric, run) + ends


def difference_words(found: Difference, metric: MetricInfo) -> list[str]:
    """Difference with interval, p, and the smallest difference that would show."""
    digits = digits_of(metric)
    ends = (
        ""
        if found.low is None or found.high is None
        else f" [{number(found.low, digits)}, {number(found.high, digits)}]"
    )
    p = NOTHING if found.p is None else f"{found.p:.4f}".lstrip("0") if found.p < 1 else "1"
    return [number(found.value, digits) + ends, p, number(found.smallest, digits)]


def number(value: float | None, digits: int) -> str:
    """A number to so many digits, or what stands for none."""
    return NOTHING if value is None else write_number(value, digits)


def value_words(value: float | None, metric: MetricInfo, run: Run) -> str:
    """A value of a run, marked where it is of the view that its method does not give."""
    mark = DERIVED if value is not None and is_derived(run.info, metric.key) else ""
    return number(value, digits_of(metric)) + mark
