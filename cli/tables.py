"""Results on the terminal: one table per method and protocol, then where everything is."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from rich.box import SIMPLE_HEAD
from rich.markup import escape
from rich.table import Table

from ..core import GroundCXRError, StoppedError
from ..core.sizes import counted
from ..core.supervision import ANATOMY, WORDS
from ..evaluation import Result, Shard
from ..evaluation.box_choice import describe
from ..evaluation.conditions import describe_condition
from ..evaluation.derived import DERIVED, DERIVED_SAID, is_derived
from ..evaluation.negative_notes import about_negatives, negatives_said
from ..evaluation.numbers import digits_of, write_number
from ..evaluation.place_notes import warnings_of
from ..evaluation.reasons import Reasons
from ..evaluation.schema import Cell, MetricInfo
from ..evaluation.written import describe as described
from .console import open_console
from .running import Ran
from .streams import tell

_FIRST_COLUMNS = 24
_CELL = 21
_SHOWN_REASONS = 5


def report(ran: Sequence[Ran[Result]], errors: Sequence[GroundCXRError]) -> int:
    """Print tables, problems (on stderr) and the results' paths, in this order.

    Args:
        ran: What could be run.
        errors: One for each method or data set that could not, or was stopped.

    Returns:
        The exit code: 0 when every sample was scored, 1 when some failed, 2 when nothing could be run.
    """
    console = open_console()
    results = [one.outcome for one in ran]
    for one in ran:
        console.print(result_table(one.outcome, console.width, one.label))
    for label, protocol in dict.fromkeys((one.label, one.outcome.info.protocol.name) for one in ran):
        compared = [one.outcome for one in ran if (one.label, one.outcome.info.protocol.name) == (label, protocol)]
        if len(compared) > 1:
            console.print(comparison_table(compared, console.width, label))
    # Under another protocol the same answers are as doubtful as under the first.
    for warning in dict.fromkeys(
        f"{one.outcome.info.method.label}{f' on {one.label}' if one.label else ''}: {doubt}"
        for one in ran
        for doubt in one.outcome.doubts
    ):
        tell(f"warning: {warning}")
    for warning in warnings_of(results):
        tell(f"warning: {warning}")
    for one in ran:
        _tell_problems(one.outcome, one.label)
    for error in errors:
        tell(f"error: {error}")
    for result in results:
        if result.path is not None:
            sys.stdout.write(f"{result.path}\n")
    if not results:
        return _without_any(errors)
    return 1 if errors or any(result.info.n_failed for result in results) else 0


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
    title = f"{info.method.label} on {_data(result, alias)}, {info.protocol.name}"
    table = _table(title, _caption(result))
    table.add_column("pathology", no_wrap=True)
    table.add_column("n", justify="right")
    for metric in metrics:
        mark = DERIVED if is_derived(info, metric.key) else ""
        table.add_column(metric.label + mark, justify="right", overflow="fold")
    for name, cells in info.pathologies.items():
        _add_row(table, name, cells, metrics, breaks)
    table.add_section()
    _add_row(table, "macro", info.overall.macro, metrics, breaks)
    _add_row(table, "micro", info.overall.micro, metrics, breaks)
    return table


def comparison_table(results: list[Result], width: int, alias: str = "") -> Table:
    """The macro averages of several methods under one protocol, a row for each."""
    info = results[0].info
    metrics = _headline({metric.key: metric for result in results for metric in result.info.metrics}.values())
    breaks = _breaks(len(metrics), width)
    title = f"macro averages on {_data(results[0], alias)}, {info.protocol.name}"
    table = _table(title, DERIVED_SAID if any(result.info.derived for result in results) else None)
    table.add_column("method", no_wrap=True)
    for metric in metrics:
        table.add_column(metric.label, justify="right", overflow="fold")
    for result in results:
        macro = result.info.overall.macro
        most = max(macro[metric.key].n for metric in metrics if metric.key in macro)
        name = result.info.method.label + (" (control)" if result.info.method.control else "")
        cells = (
            _format(macro[m.key], m, most, breaks, derived=is_derived(result.info, m.key)) if m.key in macro else ""
            for m in metrics
        )
        table.add_row(escape(name), *cells)
    return table


def tell_shard(shard: Shard, store: Path, failed: Sequence[int], errors: Sequence[GroundCXRError]) -> int:
    """Say how many samples failed, and what to do once all shards are done.

    Args:
        shard: What was grounded.
        store: Where it is.
        failed: How many samples failed with each method that could be run, on each data set.
        errors: One for each method that could not, or was stopped.

    Returns:
        The exit code, as of `report`.
    """
    for error in errors:
        tell(f"error: {error}")
    if not failed:
        return _without_any(errors)
    if any(failed):
        tell(f"{sum(failed)} samples failed; the same command tries them again, and `groundcxr score` names them")
    sys.stdout.write(
        f"shard {shard.index}/{shard.count} is in {store}; when all are, `groundcxr score` with the same options "
        "writes the result\n"
    )
    return 1 if errors or any(failed) else 0


def _data(result: Result, alias: str) -> str:
    data = result.info.dataset
    condition = result.info.condition
    under = "" if condition is None else f", {condition.label}"
    name = f"{data.name} {data.version} ({data.split}){under}"
    # Of several conditions the alias names the one that the name tells as well.
    told = ("", data.name) if condition is None else ("", data.name, f"{data.name} ({condition.label})")
    return f"{alias}: {name}" if alias not in told else name


def _without_any(errors: Sequence[GroundCXRError]) -> int:
    """The exit code where no method got to its end: a run that its user's limit stopped has failed, but was one."""
    return 1 if any(isinstance(error, StoppedError) for error in errors) else 2


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


def _format(cell: Cell, metric: MetricInfo, most: int, breaks: bool, *, derived: bool = False) -> str:
    if cell.value is None:
        return "-"
    digits = digits_of(metric)
    count = (DERIVED if derived else "") + ("" if cell.n == most else f" (n={cell.n})")
    if cell.low is None or cell.high is None:
        return write_number(cell.value, digits) + count
    value, low, high = (write_number(number, digits) for number in (cell.value, cell.low, cell.high))
    return f"{value}{count}\n\\[{low},{high}]" if breaks else f"{value}{count} \\[{low}, {high}]"


def _caption(result: Result) -> str:
    info = result.info
    notes = ["value [95 % interval, bootstrap over patients]"]
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
        notes.append("incomplete: not the whole split, never ranked")
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


def _tell_problems(result: Result, alias: str) -> None:
    if not result.problems:
        return
    label, total = result.info.method.label, result.info.dataset.n_samples
    where = f"{alias}, {result.info.protocol.name}" if alias else result.info.protocol.name
    tell(f"{len(result.problems)} of {total} samples failed with {label} ({where}):")
    reasons = Reasons()
    for sample_id, message in result.problems.items():
        reasons.add(sample_id, message)
    found = reasons.commonest()
    for reason in found[:_SHOWN_REASONS]:
        times = "" if reason.count == 1 else f"{reason.count} times, first in "
        tell(f"  {times}{reason.sample_id}: {reason.message}")
    left = sum(reason.count for reason in found[_SHOWN_REASONS:])
    if left:
        tell(f"  and {left} more; the column `error` of samples.parquet marks all")
    if result.info.texts is not None and result.info.texts.unparseable:
        shown = f"`groundcxr answers {result.path or 'RESULT'} --unparseable` shows them"
        tell(f"  {counted(result.info.texts.unparseable, 'text')} among them could not be read; {shown}")
