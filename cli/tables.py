"""Results as tables for the terminal: one for each method and protocol, and an overview of methods."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from rich.box import SIMPLE_HEAD
from rich.markup import escape
from rich.table import Table

from ..core.sizes import counted
from ..core.supervision import ANATOMY, WORDS
from ..evaluation import Result
from ..evaluation.box_choice import describe
from ..evaluation.conditions import describe_condition
from ..evaluation.derived import DERIVED, DERIVED_SAID, is_derived
from ..evaluation.negative_notes import about_negatives, negatives_said
from ..evaluation.numbers import digits_of, write_number
from ..evaluation.resampled import resampled
from ..evaluation.schema import Cell, MetricInfo
from ..evaluation.written import describe as described

_FIRST_COLUMNS = 24
_CELL = 21
_BEST = "*"
_INCOMPLETE = "incomplete: not the whole split, never ranked"


def result_table(result: Result, width: int, alias: str = "") -> Table:
    """Rows: pathologies, macro, micro. Columns: n, and the protocol's headline metrics with 95 % intervals.

    Args:
        result: What to show.
        width: Columns of the terminal; where it is narrow, intervals go below their values.
        alias: What the data set is called in a run over several.
    """
    info = result.info
    metrics = _headline(info.metrics)
    breaks = _breaks(len(metrics), width)
    title = f"{info.method.shown} on {_data(result, alias)}, {info.protocol.name}"
    table = _table(title, _caption(result))
    table.add_column("pathology", no_wrap=True)
    table.add_column("n", justify="right")
    for metric in metrics:
        mark = DERIVED if is_derived(info, metric.key) else ""
        table.add_column(metric.label + mark, justify="right")
    for name, cells in info.pathologies.items():
        _add_row(table, name, cells, metrics, breaks)
    table.add_section()
    _add_row(table, "macro", info.overall.macro, metrics, breaks)
    _add_row(table, "micro", info.overall.micro, metrics, breaks)
    return table


def overview_table(results: Sequence[Result], width: int, alias: str = "") -> Table:
    """The macro averages of several methods under one protocol, a row for each, the best first; controls below.

    Args:
        results: What to show.
        width: Columns of the terminal.
        alias: What the data set is called in a run over several.
    """
    info = results[0].info
    metrics = _headline({metric.key: metric for result in results for metric in result.info.metrics}.values())
    breaks = _breaks(len(metrics), width)
    title = f"macro averages on {_data(results[0], alias)}, {info.protocol.name}"
    methods = _best_first([result for result in results if not result.info.method.control], metrics)
    controls = _best_first([result for result in results if result.info.method.control], metrics)
    # A part of a split says nothing of the whole, so nothing is the best there, as in exports and on the leaderboard.
    complete = all(result.info.complete for result in results)
    best = {metric.key: _best(methods, metric) if complete else None for metric in metrics}
    notes = [f"sorted by {metrics[0].label}"] if max(len(methods), len(controls)) > 1 else []
    if any(value is not None for value in best.values()):
        notes.append(f"{_BEST} the best of the methods")
    if not complete:
        notes.append(_INCOMPLETE)
    if any(result.info.derived for result in results):
        notes.append(DERIVED_SAID.removesuffix("."))
    table = _table(title, "; ".join(notes) or None)
    table.add_column("method", no_wrap=True)
    for metric in metrics:
        table.add_column(metric.label, justify="right")
    for group in (methods, controls):
        for result in group:
            macro = result.info.overall.macro
            most = max(macro[metric.key].n for metric in metrics if metric.key in macro)
            name = result.info.method.shown + (" (control)" if result.info.method.control else "")
            cells: list[str] = []
            for metric in metrics:
                cell = macro.get(metric.key)
                if cell is None:
                    cells.append("")
                    continue
                mark = DERIVED if is_derived(result.info, metric.key) else ""
                if group is methods and cell.value is not None and cell.value == best[metric.key]:
                    mark += _BEST
                cells.append(_format(cell, metric, most, breaks, mark))
            table.add_row(escape(name), *cells)
        table.add_section()
    return table


def _best_first(results: Sequence[Result], metrics: Sequence[MetricInfo]) -> list[Result]:
    """Results by the first metric of which they have a value; those with another one first behind the others."""

    def order(result: Result) -> tuple[int, float]:
        macro = result.info.overall.macro
        for place, metric in enumerate(metrics):
            value = macro[metric.key].value if metric.key in macro else None
            if value is not None:
                return place, -value if metric.higher_is_better else value
        return len(metrics), 0.0

    return sorted(results, key=order)


def _best(results: Sequence[Result], metric: MetricInfo) -> float | None:
    """The best macro average among several; None where there is nothing to be better than."""
    cells = [result.info.overall.macro.get(metric.key) for result in results]
    values = [cell.value for cell in cells if cell is not None and cell.value is not None]
    return (max if metric.higher_is_better else min)(values) if len(values) > 1 else None


def _data(result: Result, alias: str) -> str:
    data = result.info.dataset
    condition = result.info.condition
    under = "" if condition is None else f", {condition.label}"
    name = f"{data.shown} ({data.split}){under}"
    # Of several conditions the alias names the one that the name tells as well.
    told = ("", data.name) if condition is None else ("", data.name, f"{data.name} ({condition.label})")
    return f"{alias}: {name}" if alias not in told else name


def _table(title: str, caption: str | None = None) -> Table:
    return Table(
        title=escape(title),
        caption=escape(caption) if caption else None,
        title_justify="left",
        caption_justify="left",
        title_style="bold",
        box=SIMPLE_HEAD,
        pad_edge=False,
    )


def _headline(metrics: Iterable[MetricInfo]) -> list[MetricInfo]:
    metrics = list(metrics)
    return [metric for metric in metrics if metric.headline] or metrics


def _breaks(columns: int, width: int) -> bool:
    return width < _FIRST_COLUMNS + _CELL * columns


def _add_row(table: Table, name: str, cells: dict[str, Cell], metrics: list[MetricInfo], breaks: bool) -> None:
    most = max(cells[metric.key].n for metric in metrics)
    table.add_row(escape(name), str(most), *(_format(cells[metric.key], metric, most, breaks) for metric in metrics))


def _format(cell: Cell, metric: MetricInfo, most: int, breaks: bool, mark: str = "") -> str:
    if cell.value is None:
        return "-"
    digits = digits_of(metric)
    count = mark + ("" if cell.n == most else f" (n={cell.n})")
    if cell.low is None or cell.high is None:
        return write_number(cell.value, digits) + count
    value, low, high = (write_number(number, digits) for number in (cell.value, cell.low, cell.high))
    between = "\n" if breaks else " "
    return f"{value}{count}{between}\\[{low}, {high}]"


def _caption(result: Result) -> str:
    info = result.info
    notes = [f"value [95 % interval, bootstrap over {resampled([info])}]"]
    if info.method.control:
        notes.append("a control" + (f": {info.method.note}" if info.method.note else ""))
    if info.supervision == ANATOMY:
        notes.append(WORDS[ANATOMY])
    if info.condition is not None:
        notes.append(f"under a condition: {describe_condition(info.condition)}")
    if info.answers is not None:
        notes.append(f"boxes that count: {describe(info.answers)}")
    if info.texts is not None:
        notes.append(described(info.texts))
    if not info.complete:
        notes.append(_INCOMPLETE)
    if info.dataset.n_warnings:
        notes.append(f"{counted(info.dataset.n_warnings, 'warning')} about the data")
    if skipped := info.dataset.n_skipped:
        notes.append(f"{counted(skipped, 'sample')} skipped, without a number")
    if said := negatives_said(info):
        notes.append(said)
    notes += [
        f"{metric.label} {write_number(value, digits_of(metric))}"
        for metric in about_negatives(info)
        if (value := info.overall.macro[metric.key].value) is not None
    ]
    if info.dataset.name == "phantom":
        notes.append("phantoms rank code paths, not clinical ability")
    statuses = Counter[str]()
    for metric in _headline(info.metrics):
        for status, n in info.statuses[metric.key].items():
            statuses[status] = max(statuses[status], n)
    notes.extend(f"{n} {status}" for status, n in sorted(statuses.items()) if status not in ("ok", "negative"))
    if any(is_derived(info, metric.key) for metric in _headline(info.metrics)):
        notes.append(DERIVED_SAID.removesuffix("."))
    return "; ".join(notes)
