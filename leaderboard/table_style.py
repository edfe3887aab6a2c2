"""How a table is printed: what is shown of it, in which order, under which names, and how its numbers are written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ..core import GroundCXRError
from ..evaluation.numbers import digits_of, write_number
from ..evaluation.schema import MetricInfo
from .formats import Format


@dataclass(frozen=True)
class TableStyle:
    """What a user wishes of a printed table.

    Attributes:
        intervals: Whether LaTeX and Markdown show the 95 % intervals.
        percent: Whether shares are in percent.
        digits: Decimals of every number; None for those that its metric has everywhere.
        transpose: Whether methods are columns.
        short_caption: Whether the caption is one sentence, with all else in a note below the table.
        rows: Which methods, in this order; all where empty.
        columns: Which columns, in this order; all where empty.
        renamed: What rows and columns are called instead, by name.
    """

    intervals: bool = True
    percent: bool = False
    digits: int | None = None
    transpose: bool = False
    short_caption: bool = False
    rows: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    renamed: Mapping[str, str] = field(default_factory=dict)

    def refuse(self, form: Format) -> None:
        """Refuse what a format cannot do.

        Raises:
            GroundCXRError: If something is wished of the form of JSON or BibTeX, or a caption of CSV.
        """
        wished = {
            "--transpose": self.transpose,
            "--columns": bool(self.columns),
            "--rename": bool(self.renamed),
            "--percent": self.percent,
            "--digits": self.digits is not None,
            "--caption": self.short_caption,
        }
        if form is Format.CSV:
            wished = {"--caption": self.short_caption}
        elif form in (Format.LATEX, Format.MARKDOWN):
            wished = {}
        if given := [option for option, is_given in wished.items() if is_given]:
            why = "has no caption" if form is Format.CSV else "holds everything as it is"
            raise GroundCXRError(f"{form} {why}; leave out {' and '.join(given)}, or choose another --format")

    def named(self, metric: MetricInfo) -> MetricInfo:
        """A metric under the name that the table has for it."""
        return metric.model_copy(update={"label": f"{metric.label} (%)"}) if self.in_percent(metric) else metric

    def in_percent(self, metric: MetricInfo) -> bool:
        """Whether a metric's values are written in percent."""
        return self.percent and metric.high == 1 and metric.low is not None

    def digits_of(self, metric: MetricInfo) -> int:
        """Decimals of a metric."""
        if self.digits is not None:
            return self.digits
        return max(0, digits_of(metric) - 2) if self.in_percent(metric) else digits_of(metric)

    def write(self, value: float, metric: MetricInfo) -> str:
        """A value of a metric; a share that is not in percent has no leading zero."""
        digits = self.digits_of(metric)
        if not self.in_percent(metric):
            return write_number(value, digits)
        shown = f"{100 * value:.{digits}f}"
        return shown.lstrip("-") if float(shown) == 0 else shown

    def whole(self, value: float, metric: MetricInfo) -> float | str:
        """A value of a metric as CSV holds it: with all its digits, unless others are wished."""
        scaled = 100 * value if self.in_percent(metric) else value
        return scaled if self.digits is None else f"{scaled:.{self.digits}f}"


AS_USUAL = TableStyle()
"""As tables are printed where nothing is wished."""
