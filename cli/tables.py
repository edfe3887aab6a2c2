"""Results on the terminal: one table per method and protocol, then where everything is."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

from rich.console import Console
from rich.table import Table

from ..evaluation import Result, Shard
from ..evaluation.schema import Cell, MetricInfo

_WIDE = 160
_SHOWN_PROBLEMS = 5


def report(results: list[Result], errors: list[str]) -> int:
    """Print tables, problems (on stderr) and the results' paths, in this order.

    Args:
        results: What could be run.
        errors: A sentence for each method that could not.

    Returns:
        The exit code: 0 when every sample was scored, 1 when some failed, 2 when nothing could be run.
    """
    # Without a terminal there is no width to fit into; wrapped cells would only be harder to read.
    console = Console(width=None if sys.stdout.isatty() else _WIDE)
    for result in results:
        console.print(result_table(result))
    for result in results:
        _tell_problems(result)
    for error in errors:
        sys.stderr.write(f"error: {error}\n")
    for result in results:
        if result.path is not None:
            sys.stdout.write(f"{result.path}\n")
    if not results:
        return 2
    return 1 if errors or any(result.info.n_failed for result in results) else 0


def result_table(result: Result) -> Table:
    """Rows: pathologies, macro, micro. Columns: the protocol's headline metrics with 95 % intervals, and n."""
    info = result.info
    metrics = [metric for metric in info.metrics if metric.headline] or info.metrics
    dataset = info.dataset
    title = f"{info.method.label} on {dataset.name} {dataset.version} ({dataset.split}), {info.protocol.name}"
    table = Table(title=title, caption=_caption(result), title_justify="left", caption_justify="left")
    table.add_column("pathology", no_wrap=True)
    table.add_column("n", justify="right")
    for metric in metrics:
        table.add_column(metric.label + ("" if metric.higher_is_better else " (lower is better)"), justify="right")
    for name, cells in info.pathologies.items():
        _add_row(table, name, cells, metrics)
    table.add_section()
    _add_row(table, "macro", info.overall.macro, metrics)
    _add_row(table, "micro", info.overall.micro, metrics)
    return table


def tell_shard(shard: Shard, store: Path) -> None:
    """Say what to do once all shards are done."""
    sys.stdout.write(
        f"shard {shard.index}/{shard.count} is in {store}; when all are, `groundcxr score` with the same options "
        "writes the result\n"
    )


def _add_row(table: Table, name: str, cells: dict[str, Cell], metrics: list[MetricInfo]) -> None:
    most = max(cells[metric.key].n for metric in metrics)
    table.add_row(name, str(most), *(_format(cells[metric.key], most) for metric in metrics))


def _format(cell: Cell, most: int) -> str:
    if cell.value is None:
        return "-"
    interval = "" if cell.low is None or cell.high is None else f" [{_number(cell.low)}, {_number(cell.high)}]"
    return f"{_number(cell.value)}{interval}" + ("" if cell.n == most else f" n={cell.n}")


def _number(value: float) -> str:
    return f"{value:.3f}" if abs(value) < 1e4 else f"{value:.3g}"


def _caption(result: Result) -> str:
    info = result.info
    notes = ["value [95 % interval, bootstrap over patients]"]
    if info.method.control:
        notes.append("a control" + (f": {info.method.note}" if info.method.note else ""))
    if not info.complete:
        notes.append("incomplete: not the whole split, never ranked")
    if info.dataset.n_skipped:
        notes.append(f"{info.dataset.n_skipped} samples skipped by the protocol")
    if info.dataset.name == "phantom":
        notes.append("phantoms rank code paths, not clinical ability")
    statuses = Counter[str]()
    for counts in info.statuses.values():
        for status, n in counts.items():
            statuses[status] = max(statuses[status], n)
    notes.extend(f"{n} {status}" for status, n in sorted(statuses.items()) if status != "ok")
    return "; ".join(notes)


def _tell_problems(result: Result) -> None:
    problems = list(result.problems.items())
    if not problems:
        return
    label, total = result.info.method.label, result.info.dataset.n_samples
    sys.stderr.write(f"{len(problems)} of {total} samples failed with {label} ({result.info.protocol.name}):\n")
    for sample_id, message in problems[:_SHOWN_PROBLEMS]:
        sys.stderr.write(f"  {sample_id}: {message}\n")
    if len(problems) > _SHOWN_PROBLEMS:
        sys.stderr.write(
            f"  and {len(problems) - _SHOWN_PROBLEMS} more; the column `error` of samples.parquet names all\n"
        )
