"""A result as a chart: dots on their intervals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from textwrap import fill
from typing import TYPE_CHECKING

from .derived import DERIVED, DERIVED_SAID, is_derived
from .metric_names import metric_key
from .numbers import digits_of, write_number
from .resampled import resampled
from .schema import Cell, MetricInfo, ResultFile

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_COLUMNS = 4
"""Panels beside one another."""
_INK, _OTHER, _GRID = "#0b6b75", "#1b2226", "#e3e7e8"
_SENSIBLE = 1e6
"""Values beyond it (a protocol may count no noise as float32's maximum) have no place on an axis; they are written."""
_INCH = 25.4
_NAMES, _NARROWEST, _LETTERS = 42.0, 24.0, 26
"""In print: millimetres of the rows' names and of a panel, and letters in a line of a name."""


@dataclass(frozen=True)
class Panel:
    """One panel of a chart.

    Attributes:
        title: Stands above it.
        metric: Of what its cells are.
        cells: By row; None where a row has none.
        most: By row, the most samples that a cell of it rests on; a cell with fewer says so.
    """

    title: str
    metric: MetricInfo
    cells: Sequence[Cell | None]
    most: Sequence[int]


def plot_result(info: ResultFile, metrics: Sequence[str] = ()) -> Figure:
    """Pathologies in rows, then macro and micro; a panel for each metric.

    Args:
        info: The result.
        metrics: Keys or labels of metrics; the headline ones by default.

    Raises:
        UnknownNameError: If the result does not have one of the metrics.
    """
    known = {metric.key: metric for metric in info.metrics}
    chosen = [known[key] for key in dict.fromkeys(metric_key(name, info.metrics, "this result") for name in metrics)]
    chosen = chosen or [metric for metric in info.metrics if metric.headline] or info.metrics
    groups = {**info.pathologies, "macro": info.overall.macro, "micro": info.overall.micro}
    most = [max(cells[metric.key].n for metric in chosen) for cells in groups.values()]
    panels = [
        Panel(
            f"{metric.label}{DERIVED if is_derived(info, metric.key) else ''} "
            f"({'higher' if metric.higher_is_better else 'lower'} is better)",
            metric,
            [cells[metric.key] for cells in groups.values()],
            most,
        )
        for metric in chosen
    ]
    names = [f"{name} (n={n:,})" for name, n in zip(groups, most, strict=True)]
    figure = dots(names, panels, rule=len(groups) - 2)
    across = figure.get_size_inches()[0]
    data = info.dataset
    part = "" if info.complete else f", incomplete: {data.n_samples:,} samples"
    title = f"{info.method.shown} on {data.shown} ({data.split}{part}), protocol {info.protocol.name}"
    figure.suptitle(fill(title, int(11 * across)), fontsize=11, parse_math=False)
    said = f"95 % intervals: bootstrap over {resampled([info])}"
    if data.name == "phantom":
        said += "; phantoms rank code paths, not clinical ability"
    if any(is_derived(info, metric.key) for metric in chosen):
        said += f"; {DERIVED_SAID.removesuffix('.')}"
    figure.supxlabel(fill(said, int(14 * across)), fontsize=8, color="#5d686d")
    return figure


def dots(names: Sequence[str], panels: Sequence[Panel], *, rule: int, width: float | None = None) -> Figure:
    """Dots on their 95 % intervals, in panels that share their rows.

    Args:
        names: Of the rows.
        panels: The panels; of one metric they share its axis.
        rule: The first row below a line, of other kind than those above.
        width: In millimetres, for print, in small letters; as wide as the panels need by default.
    """
    # The object-oriented interface needs no display and leaves a caller's own matplotlib settings alone.
    from matplotlib.figure import Figure

    small = width is not None
    most = _COLUMNS if width is None else max(1, min(_COLUMNS, int((width - _NAMES) / _NARROWEST)))
    columns = min(len(panels), most)
    rows = -(-len(panels) // columns)
    across = 2.0 + 3.0 * columns if width is None else width / _INCH
    names = [fill(name, _LETTERS) for name in names] if small else list(names)
    lines = sum(name.count("\n") + 1 for name in names)
    size = (across, 0.3 + rows * (0.5 + 0.14 * lines)) if small else (across, 1.0 + rows * (0.8 + 0.3 * lines))
    figure = Figure(figsize=size, layout="constrained")
    alike = len({panel.metric.key for panel in panels}) == 1
    axes = figure.subplots(rows, columns, squeeze=False, sharey=True, sharex=alike).ravel()
    for axis, panel in zip(axes, panels, strict=False):
        axis.set_title(panel.title, fontsize=7 if small else 9, parse_math=False)
        _panel(axis, panel, rule, small=small)
    for place, axis in enumerate(axes):
        if place >= len(panels):
            axis.set_axis_off()
        elif place + columns >= len(panels):
            axis.tick_params(labelbottom=True)
    axes[0].set_yticks(range(len(names)), names, parse_math=False)
    axes[0].set_ylim(len(names) - 0.5, -0.5)
    return figure


def _panel(axis: Axes, panel: Panel, rule: int, *, small: bool) -> None:
    """A dot for each cell, on its interval; a cell that rests on fewer samples than the row says so."""
    letters = 6 if small else 8
    for place, cell in enumerate(panel.cells):
        colour = _INK if place < rule else _OTHER
        if cell is None or cell.value is None or abs(cell.value) >= _SENSIBLE:
            said = (
                "no value" if cell is None or cell.value is None else write_number(cell.value, digits_of(panel.metric))
            )
            axis.text(
                0.5, place, said, transform=axis.get_yaxis_transform(), ha="center", va="center", fontsize=letters
            )
            continue
        if cell.low is not None and cell.high is not None:
            ends = [max(cell.low, -_SENSIBLE), min(cell.high, _SENSIBLE)]
            axis.plot(ends, [place, place], color=colour, linewidth=1.0 if small else 1.6, solid_capstyle="butt")
        marker, across = ("o" if place < rule else "D"), (2.6 if small else 5)
        axis.plot([cell.value], [place], marker=marker, color=colour, markersize=across, clip_on=False)
        if cell.n != panel.most[place]:
            axis.annotate(
                f"n={cell.n:,}",
                (cell.value, place),
                (0, 3 if small else 6),
                textcoords="offset points",
                ha="center",
                fontsize=letters - 1,
            )
    if 0 < rule < len(panel.cells):
        axis.axhline(rule - 0.5, color="#9aa5a8", linewidth=0.8)
    axis.grid(axis="x", color=_GRID)
    axis.set_axisbelow(True)
    axis.tick_params(length=0, labelsize=letters)
    axis.spines[["top", "right", "left", "bottom"]].set_visible(False)
