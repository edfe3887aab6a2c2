"""The page of two methods on the samples that both have."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import altair as alt
import numpy as np
import pandas as pd
import streamlit as st

from ...comparison.captions import difference_said, p_equals, p_shown, signed
from ...comparison.head_to_head import head_to_head
from ...comparison.significance import LEVEL, MACRO
from ...core import Sample
from ...evaluation.derived import DERIVED, DERIVED_SAID, is_derived
from ...evaluation.numbers import digits_of, write_number
from ...evaluation.schema import MetricInfo
from ..blind import never_looks
from ..board import board
from ..board_html import marks_html
from ..joining import join_run
from ..runs import Run
from .address import choose, linked
from .charts import ACCENT, styled
from .choices import Chosen
from .frame import open_page
from .markup import element, heading, interval, note, put, sentence, table, text
from .pictures import put_looks, thumbnail

_LISTED = 6
"""Largest differences on each side."""

_THUMB = 112
_POINTS = 3000
"""Points of the scatter; a browser draws each as an element of its own."""


# The page asks for the same two again whenever something else on it changes.
_compared = lru_cache(maxsize=32)(head_to_head)


def show() -> None:
    """The page."""
    chosen = open_page([1, 1])
    if chosen is None:
        return
    runs = [run for run in chosen.runs if run.metric(chosen.metric.key) is not None]
    if len(runs) < 2:
        note(f"It takes two methods that have {chosen.metric.label}; there is {len(runs)} here.")
        return
    first, second = _two(chosen, runs)
    if first == second:
        note("Choose two different methods.")
        return
    found = _compared(first, second, chosen.metric.key)
    metric = chosen.metric
    heading(f"{first.label} minus {second.label}, {metric.label}", _summary(found.table, first, second, metric))
    if found.samples.empty:
        return
    put(difference_table(found.table, first, second, metric))
    said = difference_said(metric, first.label, [first.info, second.info])
    derived = f" {DERIVED_SAID}" if any(is_derived(run.info, metric.key) for run in (first, second)) else ""
    note(f"{said} In colour: corrected p below {LEVEL:g}.{derived}")
    put_looks()
    with st.spinner("Reading the data set …"):
        joined = join_run(first.info, chosen.options)
    left, right = st.columns([1.1, 1], gap="large")
    with left:
        some = found.samples
        if len(some) > _POINTS:
            some = some.sample(_POINTS, random_state=0)
        drawn = "" if some is found.samples else f" {_POINTS:,} of {len(found.samples):,} samples, drawn at random."
        heading("Sample by sample", f"A click on a point opens the sample in Compare.{drawn}")
        chart = scatter_chart(_with_links(some, joined.samples, first, second), first, second, metric)
        st.altair_chart(chart, width="stretch", theme=None, key="scatter")
    with right:
        heading("Largest differences", "" if joined.samples else sentence(joined.reason))
        for ahead, samples in largest(found.samples):
            label = (first if ahead > 0 else second).label
            put(element("h3", text(f"{label} higher"), "gx-method"))
            put(largest_table(samples, joined.samples, first, second, metric, label))


def _two(chosen: Chosen, runs: list[Run]) -> tuple[Run, Run]:
    # The best two methods at first, then controls, of which those that a method must beat: what a reader comes for.
    ordered = [row.run for row in board(runs, chosen.metric.key).rows]
    ordered.sort(key=lambda run: (run.info.method.control, not never_looks(run.info.method)))
    with chosen.columns[0]:
        first = choose("First", ordered, "first", named=lambda run: run.label)
    with chosen.columns[1]:
        second = choose("Second", ordered, "second", named=lambda run: run.label, first=1)
    return first, second


def _summary(found: pd.DataFrame, first: Run, second: Run, metric: MetricInfo) -> str:
    macro = found.loc[found["column"] == MACRO].iloc[0]
    if pd.isna(macro["difference"]):
        return "No sample has a value of both."
    ahead = first if (macro["difference"] > 0) == metric.higher_is_better else second
    verdict = f"{ahead.label} is better" if macro["p_corrected"] < LEVEL else "the two cannot be told apart"
    # It says nothing of the whole, so `groundcxr compare` refuses it.
    part = "" if first.setting.complete else " of this part of the split"
    return (
        f"On the macro average{part} {verdict}: difference {signed(macro['difference'], metric)}, "
        f"{p_equals(macro['p'])}, over {int(macro['n']):,} samples."
    )


def difference_table(found: pd.DataFrame, first: Run, second: Run, metric: MetricInfo) -> str:
    """`HeadToHead.table` as HTML; each difference has a dot on its interval, with a line at zero."""
    digits = digits_of(metric)
    # Of few patients no interval may be known at all.
    ends = found[["low", "high", "difference"]].astype(float).abs()
    reach = float(ends.fillna(0.0).max(axis=None)) or 1.0
    rows = []
    for row in found.to_dict("records"):
        real = "gx-best" if row["p_corrected"] < LEVEL else ""
        rows.append(
            [
                text(row["column"]) + element("small", f"n = {row['n']:,}"),
                _mean(row["first"], digits),
                _mean(row["second"], digits),
                element("span", signed(row["difference"], metric), real) + _ends(row, metric),
                element("div", _drawn(row, reach), "gx-best-cell" if real else ""),
                element("span", text(p_shown(row["p_corrected"])), real),
                f"{row['wins']:,} / {row['ties']:,} / {row['losses']:,}",
            ]
        )
    names = tuple(text(run.label + (DERIVED if is_derived(run.info, metric.key) else "")) for run in (first, second))
    sides = "".join(element("span", f"{name} higher") for name in reversed(names))
    marked = [name + marks_html(run) for name, run in zip(names, (first, second), strict=True)]
    heads = [
        "pathology",
        *marked,
        "difference",
        element("span", sides, "gx-sides"),
        "p, corrected",
        "won / tied / lost",
    ]
    return table(heads, rows, "gx-head-to-head", label=f"{first.label} against {second.label}")


def _drawn(row: dict[str, Any], reach: float) -> str:
    if pd.isna(row["difference"]) or pd.isna(row["low"]):
        return ""
    return '<span class="gx-zero"></span>' + interval(row["low"], row["difference"], row["high"], (-reach, reach))


def largest(samples: pd.DataFrame) -> list[tuple[int, pd.DataFrame]]:
    """The samples on which the methods differ most, of each side.

    Args:
        samples: `HeadToHead.samples`.

    Returns:
        1 with those of which the first method has the higher value, -1 with the others; a side without any is left out.
    """
    by_size = samples.iloc[np.argsort(-samples["difference"].abs().to_numpy(), kind="stable")]
    sides = ((sign, by_size.loc[sign * by_size["difference"] > 0].head(_LISTED)) for sign in (1, -1))
    return [(sign, side) for sign, side in sides if len(side)]


def largest_table(
    samples: pd.DataFrame, known: Mapping[str, Sample], first: Run, second: Run, metric: MetricInfo, label: str
) -> str:
    """Samples as HTML: picture and phrase, where the data is here, with links to Compare.

    Args:
        samples: Rows of `HeadToHead.samples`.
        known: From the user's copy of the data, by sample id.
        first: The first method.
        second: The second.
        metric: What is compared.
        label: The method that has the higher values.
    """
    digits = digits_of(metric)
    rows = []
    for row in samples.to_dict("records"):
        sample = known.get(row["sample_id"])
        url = text(linked("compare", sample=row["sample_id"], methods=[first.label, second.label]))
        name = row["sample_id"] if sample is None else sample.phrase
        seen = "" if sample is None else thumbnail(sample, _THUMB, first.info.condition)
        about = f'<a href="{url}">{text(name)}</a>{element("small", text(row["pathology"]))}'
        rows.append(
            [
                element("div", seen + element("div", about), "gx-thumb"),
                _mean(row["first"], digits),
                _mean(row["second"], digits),
                signed(row["difference"], metric),
            ]
        )
    heads = ["sample", text(first.label), text(second.label), "difference"]
    return table(heads, rows, label=f"largest differences, for {label}")


def _mean(value: float | None, digits: int) -> str:
    return "-" if value is None or pd.isna(value) else text(write_number(value, digits))


def _ends(row: dict[str, Any], metric: MetricInfo) -> str:
    if row["low"] is None or pd.isna(row["low"]):
        return element("small", "no interval")
    return element("small", text(f"[{signed(row['low'], metric)}, {signed(row['high'], metric)}]"))


def _with_links(samples: pd.DataFrame, known: Mapping[str, Sample], first: Run, second: Run) -> pd.DataFrame:
    """The samples with what a point says, and where a click on it leads."""
    ids = samples["sample_id"].astype(str)
    return samples.assign(
        phrase=[known[one].phrase if one in known else f"sample {one}" for one in ids],
        url=[linked("compare", sample=one, methods=[first.label, second.label]) for one in ids],
    )


def scatter_chart(samples: pd.DataFrame, first: Run, second: Run, metric: MetricInfo) -> Any:
    """Every sample's two values; on the line they are equal.

    Args:
        samples: `HeadToHead.samples` with `phrase`, and `url` where a click leads.
        first: The first method.
        second: The second.
        metric: What is compared.
    """
    low = float(samples[["first", "second"]].min(axis=None))
    high = float(samples[["first", "second"]].max(axis=None))
    scale = alt.Scale(domain=[low, high], nice=True)
    across, up = (f"{metric.label} of {run.label}" for run in (second, first))
    points = (
        alt.Chart(samples)
        .mark_circle(size=34, color=ACCENT, opacity=0.45, cursor="pointer")
        .encode(
            x=alt.X("second:Q", scale=scale, axis=alt.Axis(tickCount=6), title=across),
            y=alt.Y("first:Q", scale=scale, axis=alt.Axis(tickCount=6), title=up),
            href="url",
            tooltip=[
                "phrase",
                "pathology",
                alt.Tooltip("first", format=".3f", title=up),
                alt.Tooltip("second", format=".3f", title=across),
            ],
        )
    )
    ends = pd.DataFrame({"second": [low, high], "first": [low, high]})
    sides = {"x": alt.X("second:Q", scale=scale), "y": alt.Y("first:Q", scale=scale)}
    line = alt.Chart(ends).mark_line(color="#b9c4c6", strokeWidth=1).encode(**sides)
    return styled(line + points).properties(height=460)
