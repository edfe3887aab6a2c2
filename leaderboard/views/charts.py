"""Charts below the table: the methods' profiles, and speed against quality."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt
import numpy as np
import pandas as pd
import streamlit as st

from ...evaluation.numbers import digits_of, write_number
from ...evaluation.schema import MetricInfo
from ..library import Run
from ..significance import MACRO
from ..tables import profile, speed_quality
from .frame import Chosen
from .markup import element, note, put, table, text

ACCENT = "#0b6b75"
GREY = "#5d686d"
_FONT = "Source Sans, sans-serif"


def show(chosen: Chosen, runs: Sequence[Run]) -> None:
    """Both charts, in tabs.

    Args:
        chosen: What the page is about.
        runs: The runs of the table, in its order.
    """
    profiles, speed = st.tabs(["Profile over all metrics", "Speed against quality"])
    with profiles:
        put(profile_table(profile(runs), runs, chosen.metrics))
        note("Macro averages. The darker the cell, the higher the method's place among those shown, metric by metric.")
    with speed:
        times = speed_quality(runs, chosen.metric.key)
        if times.empty:
            note("No run of these knows how long its samples took.")
        else:
            st.altair_chart(speed_chart(times, chosen.metric), width="stretch", theme=None)
            note("The time is that of grounding, on the device that each run names; devices differ.")


def profile_table(shares: pd.DataFrame, runs: Sequence[Run], metrics: Sequence[MetricInfo]) -> str:
    """A heat table, `profile` as HTML: methods in rows, metrics in columns."""
    cells = {(row["run"], row["metric"]): row for row in shares.to_dict("records")}
    rows = [[text(run.label), *(_heat(cells.get((run.id, metric.key)), metric) for metric in metrics)] for run in runs]
    heads = ["method", *(text(metric.label) for metric in metrics)]
    return table(heads, rows, "gx-heat", label=f"{MACRO} averages of every metric")


def _heat(row: dict[Any, Any] | None, metric: MetricInfo) -> str:
    if row is None or pd.isna(row["value"]) or pd.isna(row["share"]):
        return element("div", "-", "gx-faint")
    shown = text(write_number(row["value"], digits_of(metric)))
    # White to the accent, no darker than the black digits on it can be read.
    return f'<div style="background:rgba(11,107,117,{0.5 * row["share"]:.2f})">{shown}</div>'


def speed_chart(times: pd.DataFrame, metric: MetricInfo) -> Any:
    """`speed_quality` as a chart: time per sample (logarithmic), value with its interval."""
    tooltip = ["method", "kind", "device", alt.Tooltip("ms", format=".3g"), alt.Tooltip("value", format=".3f")]
    shared = alt.Chart(times.assign(ms=1000 * times["seconds"], left=named_left(times))).encode(
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
    right, left = (
        shared.transform_filter(f"datum.left === {flag}")
        .mark_text(align=align, dx=dx, fontSize=12, font=_FONT)
        .encode(y=value, text="method:N")
        for flag, align, dx in (("false", "left", 9), ("true", "right", -9))
    )
    return styled(interval + points + right + left).properties(height=320)


def named_left(times: pd.DataFrame) -> list[bool]:
    """Which points of `speed_quality` have their name at the left, since another point stands close at the right."""
    place = [*zip(np.log10(times["seconds"]), times["value"], strict=True)]
    across, up = (max(values) - min(values) for values in zip(*place, strict=True))
    return [
        any(0 <= x - at <= 0.15 * across and abs(y - value) <= 0.06 * up and (x, y) != (at, value) for x, y in place)
        for at, value in place
    ]


def styled(chart: Any) -> Any:
    """The typography that all charts share."""
    axis = {"labelFont": _FONT, "titleFont": _FONT, "labelColor": GREY, "titleColor": GREY, "gridColor": "#eceeee"}
    return (
        chart.configure_axis(**axis, labelFontSize=12, titleFontSize=12, titleFontWeight=400, domain=False, ticks=False)
        .configure_view(stroke=None)
        .configure_text(color="#1b2226")
    )
