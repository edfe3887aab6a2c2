"""Charts below the table: the methods' profiles, and speed against quality."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import altair as alt
import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from ...comparison.significance import MACRO
from ...evaluation.derived import DERIVED, DERIVED_SAID
from ...evaluation.numbers import digits_of, write_number
from ...evaluation.schema import MetricInfo
from ..board_html import marks_html
from ..caption import NOTHING_SAID
from ..profiles import profile, speed_quality
from ..runs import Run
from .choices import Chosen
from .markup import element, note, put, table, text

ACCENT = "#0b6b75"
GREY = "#5d686d"
_FONT = "Source Sans, sans-serif"
_WIDTH, _HEIGHT = 1000, 320
_PLACES: dict[str, tuple[Literal["left", "center", "right"], int, int]] = {
    "right": ("left", 9, 0),
    "left": ("right", -9, 0),
    "above": ("center", 0, -13),
    "below": ("center", 0, 13),
}
"""How a name stands to its point: its alignment, and pixels from the point."""


def show(chosen: Chosen) -> None:
    """The profile of the chosen runs, or their speed: in tabs, of which the one that is open is drawn."""
    profiles, speed = st.tabs(
        ["Profile over all metrics", "Speed against quality"], key="chart", on_change="rerun", bind="query-params"
    )
    # A browser loads 2.5 MB for its first chart, which hardly anybody looks at.
    with profiles if profiles.open else speed:
        (_show_profile if profiles.open else _show_speed)(chosen)


def _show_profile(chosen: Chosen) -> None:
    runs = chosen.in_order
    shares = profile(runs)
    valued = shares.dropna(subset="value")["metric"].unique().tolist()
    metrics = [metric for metric in chosen.metrics if metric.key in valued]
    put(profile_table(shares, runs, metrics))
    said = ["Macro averages. The darker the cell, the higher the method's place among those shown, metric by metric."]
    if without := [metric.label for metric in chosen.metrics if metric.key not in valued]:
        said.append(f"Left out, since no method has a value of it: {', '.join(without)}.")
    if shares.loc[shares["metric"].isin(valued), "value"].isna().any():
        said.append(NOTHING_SAID)
    if any(run.info.derived for run in runs):
        said.append(DERIVED_SAID)
    note(" ".join(said))


def _show_speed(chosen: Chosen) -> None:
    times = speed_quality(chosen.in_order, chosen.metric.key)
    if times.empty:
        note("No run of these knows how long its samples took.")
    else:
        st.altair_chart(speed_chart(times, chosen.metric), width="stretch", theme=None)
        said = ["The time is that of grounding, on the device that each run names; devices differ."]
        shown = set(times["run"])
        if without := [run.label for run in chosen.in_order if run.id not in shown]:
            said.append(f"Without a time or a value of {chosen.metric.label}: {', '.join(without)}.")
        note(" ".join(said))


def profile_table(shares: pd.DataFrame, runs: Sequence[Run], metrics: Sequence[MetricInfo]) -> str:
    """A heat table, `profile` as HTML: methods in rows, metrics in columns."""
    cells = {(row["run"], row["metric"]): row for row in shares.to_dict("records")}
    rows = [
        [text(run.label) + marks_html(run), *(_heat(cells.get((run.id, metric.key)), metric) for metric in metrics)]
        for run in runs
    ]
    heads = ["method", *(text(metric.label) for metric in metrics)]
    return table(heads, rows, "gx-heat", label=f"{MACRO} averages of every metric")


def _heat(row: dict[Any, Any] | None, metric: MetricInfo) -> str:
    if row is None or pd.isna(row["value"]) or pd.isna(row["share"]):
        return element("div", "-", "gx-faint")
    shown = text(write_number(row["value"], digits_of(metric)) + (DERIVED if row["derived"] else ""))
    # From the page to the accent, no stronger than the digits on it can be read.
    share = f"{50 * row['share']:.0f}%"
    return f'<div style="background:color-mix(in srgb, var(--gx-heat) {share}, transparent)">{shown}</div>'


def speed_chart(times: pd.DataFrame, metric: MetricInfo) -> Any:
    """`speed_quality` as a chart: time per sample (logarithmic), value with its interval."""
    tooltip = ["method", "kind", "device", alt.Tooltip("ms", format=".3g"), alt.Tooltip("value", format=".3f")]
    shared = alt.Chart(times.assign(ms=1000 * times["seconds"], place=name_places(times))).encode(
        x=alt.X(
            "ms:Q",
            scale=alt.Scale(type="log", nice=True, padding=30),
            axis=alt.Axis(tickCount=5, format="~g"),
            title="milliseconds per sample",
        ),
        tooltip=tooltip,
    )
    colour = alt.condition("datum.control", alt.value(GREY), alt.value(ACCENT))
    value = alt.Y("value:Q", title=f"{metric.label} (macro)", scale=alt.Scale(zero=False, padding=15))
    interval = shared.mark_rule(strokeWidth=1.5).encode(y=alt.Y("low:Q"), y2="high:Q", color=colour)
    points = shared.mark_point(filled=True, size=70, opacity=1).encode(y=value, color=colour)
    names = (
        shared.transform_filter(alt.datum.place == place)
        .mark_text(align=align, dx=dx, dy=dy, fontSize=12, font=_FONT)
        .encode(y=value, text="method:N")
        for place, (align, dx, dy) in _PLACES.items()
    )
    return styled(alt.layer(interval, points, *names)).properties(height=_HEIGHT)


def name_places(times: pd.DataFrame) -> list[str]:
    """Where the name of each point of `speed_quality` stands: in the first of `_PLACES` where it covers nothing.

    "" where there is none: pointing at the point tells its name. Sizes are those of a window of usual width.
    """
    seconds, values = (times[column].to_numpy(dtype=np.float64) for column in ("seconds", "value"))
    across, down = _share(np.log10(seconds)), _share(-values)
    spots = [*zip(across * _WIDTH, down * _HEIGHT, strict=True)]
    taken = [(x - 5, y - 5, x + 5, y + 5) for x, y in spots]
    places = []
    for (x, y), name in zip(spots, times["method"], strict=True):
        width, found = 6.5 * len(name), ""
        for place, (align, dx, dy) in _PLACES.items():
            left = x + dx - width * {"left": 0, "center": 0.5, "right": 1}[align]
            box = (left, y + dy - 7, left + width, y + dy + 7)
            if not any(box[0] < o[2] and o[0] < box[2] and box[1] < o[3] and o[1] < box[3] for o in taken):
                taken.append(box)
                found = place
                break
        places.append(found)
    return places


def _share(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return (values - values.min()) / max(np.ptp(values), 1e-9)


def styled(chart: Any) -> Any:
    """The typography that all charts share."""
    axis = {"labelFont": _FONT, "titleFont": _FONT, "labelColor": GREY, "titleColor": GREY, "gridColor": "#eceeee"}
    return (
        chart.configure_axis(
            **axis,
            labelFontSize=12,
            titleFontSize=12,
            titleLimit=_HEIGHT,
            titleFontWeight=400,
            domain=False,
            ticks=False,
        )
        .configure_view(stroke=None)
        .configure_text(color="#1b2226")
    )
