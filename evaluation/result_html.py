"""A result as a notebook shows it: the table that the command line prints, in HTML."""

from __future__ import annotations

from html import escape

from ..core.fingerprint import SHORT
from ..core.sizes import counted
from .derived import DERIVED, DERIVED_SAID, is_derived
from .direction import direction_of
from .numbers import digits_of, write_number
from .resampled import resampled
from .schema import Cell, MetricInfo, ResultFile


def result_html(info: ResultFile) -> str:
    """Pathologies in rows, then macro and micro; the headline metrics in columns, with their 95 % intervals.

    Args:
        info: The result.
    """
    metrics = [metric for metric in info.metrics if metric.headline] or info.metrics
    data = info.dataset
    under = "" if info.condition is None else f", {info.condition.label}"
    title = f"{info.method.shown} on {data.shown} ({data.split}){under}, {info.protocol.name}"
    heads = ["pathology", "n", *(one.label + DERIVED * is_derived(info, one.key) for one in metrics)]
    groups = {**info.pathologies, "macro": info.overall.macro, "micro": info.overall.micro}
    rows = "".join(_row(name, cells, metrics) for name, cells in groups.items())
    notes = [f"value [95 % interval, bootstrap over {resampled([info])}]", direction_of(metrics)]
    if info.method.control:
        notes.append("a control, which is a yardstick and no method")
    if not info.complete:
        notes.append("incomplete: not the whole split, never ranked")
    if info.n_failed:
        notes.append(f"{counted(info.n_failed, 'sample')} failed")
    if data.name == "phantom":
        notes.append("phantoms rank code paths, not clinical ability")
    if any(is_derived(info, metric.key) for metric in metrics):
        notes.append(DERIVED_SAID.removesuffix("."))
    notes.append(
        f"data fingerprint {data.fingerprint[:SHORT]}, protocol version {info.protocol.version}, "
        f"hash {info.protocol.hash[:SHORT]}"
    )
    return (
        f"<table><caption><b>{escape(title)}</b></caption><thead><tr>"
        + "".join(f'<th scope="col">{escape(head)}</th>' for head in heads)
        + f"</tr></thead><tbody>{rows}</tbody></table><small>{escape('; '.join(notes))}</small>"
    )


def _row(name: str, cells: dict[str, Cell], metrics: list[MetricInfo]) -> str:
    most = max(cells[metric.key].n for metric in metrics)
    values = "".join(f"<td>{_cell(cells[metric.key], metric, most)}</td>" for metric in metrics)
    return f'<tr><th scope="row">{escape(name)}</th><td>{most:,}</td>{values}</tr>'


def _cell(cell: Cell, metric: MetricInfo, most: int) -> str:
    if cell.value is None:
        return "-"
    digits = digits_of(metric)
    count = "" if cell.n == most else f" (n={cell.n:,})"
    shown = write_number(cell.value, digits) + count
    if cell.low is None or cell.high is None:
        return shown
    return f"{shown} <small>[{write_number(cell.low, digits)}, {write_number(cell.high, digits)}]</small>"
