"""A run's numbers as HTML: the same on the app's page and on a static site."""

from __future__ import annotations

from ..comparison.significance import MACRO, MICRO
from ..evaluation.derived import DERIVED, DERIVED_SAID, is_derived
from ..evaluation.numbers import digits_of, write_number
from ..evaluation.schema import MetricInfo
from .caption import NOTHING_SAID, averages_said, intervals_said
from .markup import element, table, text
from .runs import Run
from .tables import cells_of
from .words import metric_words


def numbers_said(run: Run) -> str:
    """What a reader of `numbers_table` must know."""
    cells = [cell for column in (MACRO, *run.info.pathologies, MICRO) for cell in cells_of(run.info, column).values()]
    nothing = [NOTHING_SAID] if any(cell.value is None for cell in cells) else []
    derived = [DERIVED_SAID] if run.info.derived else []
    return " ".join([averages_said(run.info.metrics), intervals_said([run.info]), *nothing, *derived])


def numbers_table(run: Run) -> str:
    """Every metric of a run; a cell says its own number of samples where it has fewer than its column."""
    columns = [MACRO, *run.info.pathologies, MICRO]
    most = {column: max((cell.n for cell in cells_of(run.info, column).values()), default=0) for column in columns}

    def shown(metric: MetricInfo, column: str) -> str:
        cell, digits = cells_of(run.info, column)[metric.key], digits_of(metric)
        if cell.value is None:
            return "-"
        value = text(write_number(cell.value, digits))
        if cell.low is not None and cell.high is not None:
            value += element("small", f"[{write_number(cell.low, digits)}, {write_number(cell.high, digits)}]")
        return value if cell.n == most[column] else value + element("small", f"n = {cell.n:,}")

    rows = [
        [
            element(
                "span",
                text(metric.label + (DERIVED if is_derived(run.info, metric.key) else "")),
                title=metric_words(metric, run.setting.protocol),
            ),
            *(shown(metric, column) for column in columns),
        ]
        for metric in run.info.metrics
    ]
    heads = ["metric", *(text(column) + element("small", f"n = {most[column]:,}") for column in columns)]
    return table(heads, rows, label=f"every metric of {run.label}")
