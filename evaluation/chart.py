"""A result as a chart: dots on their intervals."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import fill
from typing import TYPE_CHECKING

from .derived import DERIVED, DERIVED_SAID, is_derived
from .metric_names import metric_key
from .numbers import digits_of, write_number
from .schema import Cell, MetricInfo, ResultFile

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_COLUMNS = 4
"""Panels beside one another."""
_INK, _OVERALL, _GRID = "#0b6b75", "#1b2226", "#e3e7e8"
_SENSIBLE = 1e6
"""Values beyond it (a protocol may count no noise as float32's maximum) have no place on an axis; they are written."""


def plot_result(info: ResultFile, metrics: Sequence[str] = ()) -> Figure:
    """Pathologies in rows, then macro and micro; a panel for each metric.

    Args:
        info: The result.
        metrics: Keys or labels of metrics; the headline ones by default.

    Raises:
        UnknownNameError: If the result does not have one of the metrics.
    """
    # The object-oriented interface needs no display and leaves a caller's own matplotlib settings alone.
    from matplotlib.figure import Figure

    known = {metric.key: metric for metric in info.metrics}
    chosen = [known[key] for key in dict.fromkeys(metric_key(name, info.metrics, "this result") for name in metrics)]
    chosen = chosen or [metric for metric in info.metrics if metric.headline] or info.metrics
    groups = {**info.pathologies, "macro": info.overall.macro, "micro": info.overall.micro}
    columns = min(len(chosen), _COLUMNS)
    rows = -(-len(chosen) // columns)
    size = (2.0 + 3.0 * columns, 1.0 + rows * (0.8 + 0.3 * len(groups)))
    figure = Figure(figsize=size, layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False, sharey=True).ravel()
    most = [max(cells[metric.key].n for metric in chosen) for cells in groups.values()]
    for axis, metric in zip(axes, chosen, strict=False):
        name = metric.label + (DERIVED if is_derived(info, metric.key) else "")
        axis.set_title(f"{name} ({'higher' if metric.higher_is_better else 'lower'} is better)", fontsize=9)
        _panel(axis, metric, [cells[metric.key] for cells in groups.values()], most)
    for axis in axes[len(chosen) :]:
        axis.set_axis_off()
    names = [f"{name} (n={n:,})" for name, n in zip(groups, most, strict=True)]
    axes[0].set_yticks(range(len(groups)), names, parse_math=False)
    axes[0].set_ylim(len(groups) - 0.5, -0.5)
    data = info.dataset
    part = "" if info.complete else f", incomplete: {data.n_samples:,} samples"
    title = f"{info.method.label} on {data.name} {data.version} ({data.split}{part}), protocol {info.protocol.name}"
    figure.suptitle(fill(title, int(11 * size[0])), fontsize=11, parse_math=False)
    said = "95 % intervals: bootstrap over patients"
    if data.name == "phantom":
        said += "; phantoms rank code paths, not clinical ability"
    if any(is_derived(info, metric.key) for metric in chosen):
        said += f"; {DERIVED_SAID.removesuffix('.')}"
    figure.supxlabel(fill(said, int(14 * size[0])), fontsize=8, color="#5d686d")
    return figure


def _panel(axis: Axes, metric: MetricInfo, cells: Sequence[Cell], most: Sequence[int]) -> None:
    """One metric: a dot for each cell, on its interval; a cell that rests on fewer samples than the row says so."""
    averages = len(cells) - 2
    for place, cell in enumerate(cells):
        colour = _INK if place < averages else _OVERALL
        if cell.value is None or abs(cell.value) >= _SENSIBLE:
            said = "no value" if cell.value is None else write_number(cell.value, digits_of(metric))
            axis.text(0.5, place, said, transform=axis.get_yaxis_transform(), ha="center", va="center", fontsize=8)
            continue
        if cell.low is not None and cell.high is not None:
            ends = [max(cell.low, -_SENSIBLE), min(cell.high, _SENSIBLE)]
            axis.plot(ends, [place, place], color=colour, linewidth=1.6, solid_capstyle="butt")
        axis.plot([cell.value], [place], marker="o" if place < averages else "D", color=colour, markersize=5)
        if cell.n != most[place]:
            axis.annotate(
                f"n={cell.n:,}", (cell.value, place), (0, 6), textcoords="offset points", ha="center", fontsize=7
            )
    axis.axhline(averages - 0.5, color="#9aa5a8", linewidth=0.8)
    axis.grid(axis="x", color=_GRID)
    axis.set_axisbelow(True)
    axis.tick_params(length=0, labelsize=8)
    axis.spines[["top", "right", "left", "bottom"]].set_visible(False)
