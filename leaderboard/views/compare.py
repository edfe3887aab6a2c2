"""The page of the pictures: one row per sample, one column per method."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
import streamlit as st

from ...evaluation.derived import DERIVED, DERIVED_SAID, is_derived
from ...evaluation.numbers import digits_of, write_number
from ...evaluation.schema import MetricInfo
from ..browsing import Order, arrange, browse, select
from ..joining import Joined, join_run
from ..overlays import Layer, Style, colours
from ..runs import Run
from . import zoom
from .address import choose, follow_first, say_what_is_missing
from .choices import Chosen
from .figure_button import put_figure_button
from .frame import open_page
from .markup import element, note, put, sentence, text
from .pictures import Shown, answer, put_looks, put_picture, truth

ROWS = 4
"""Samples on one page."""

MOST = 6
"""Methods beside one another; more would be too small to see."""

FIRST = 4
"""Methods beside one another where none were chosen."""

_SEED_DIGITS = 9
_LISTED = "listed"
_ALL = "all"


@dataclass(frozen=True)
class Asked:
    """What a row of pictures needs beside its sample.

    Attributes:
        chosen: Data set, protocol, metric.
        runs: The methods, from left to right.
        style: Opacity, threshold, layers.
        joined: The user's copy of the data.
    """

    chosen: Chosen
    runs: Sequence[Run]
    style: Style
    joined: Joined


def show() -> None:
    """The page."""
    chosen = open_page([1])
    if chosen is None:
        return
    runs = _methods(chosen)
    if not runs:
        note("Choose at least one method.")
        return
    info = runs[0].info
    with st.spinner("Reading the data set …"):
        joined = join_run(info, chosen.options)
    if joined.reason:
        note(sentence(joined.reason), "gx-problems")
    put_looks()
    places = st.columns([1.4, 1.05, 1.15, 0.95, 0.95, 0.95, 2.05], vertical_alignment="bottom")
    rows = _found(chosen, runs, joined, places[:4])
    style = _style(places[4:])
    if rows.empty:
        note("No sample fits; take a filter back.")
        return
    # The rows stand above the choice of the page, which must be read first.
    above = st.container()
    start = (_page(rows) - 1) * ROWS
    asked = Asked(chosen, runs, style, joined)
    zooms = False
    with above:
        for row in rows.iloc[start : start + ROWS].reset_index().to_dict("records"):
            with st.container(key=f"gx-row-{row['sample_id']}"):
                zooms |= _row(asked, str(row["sample_id"]), row)
        put('<hr class="gx-line">')
    if any(is_derived(run.info, metric.key) for run in runs for metric in _metrics(run, chosen)):
        note(DERIVED_SAID)
    shown = list(map(str, rows.index[start : start + ROWS]))
    put_figure_button(runs, shown, joined, style, chosen.options)
    if zooms:
        zoom.show(zoom.Zoomed(runs, list(map(str, rows.index)), joined, style))


def _page(rows: pd.DataFrame) -> int:
    """The page of rows to show; the first one again when other samples are listed, or in another order."""
    listed = st.session_state.get(_LISTED)
    if listed is not None and not rows.index.equals(listed):
        st.session_state["page"] = 1
    st.session_state[_LISTED] = rows.index
    left, right = st.columns([3, 1], vertical_alignment="center")
    with left:
        page = st.pagination(-(-len(rows) // ROWS), key="page", bind="query-params")
    with right:
        start = (page - 1) * ROWS
        shown = f"{len(rows):,} samples, {start + 1:,} to {min(start + ROWS, len(rows)):,} shown"
        note(shown if len(rows) > 1 else "1 sample")
    return page


def _methods(chosen: Chosen) -> list[Run]:
    """The methods to show."""
    ordered = chosen.in_order
    say_what_is_missing("methods", [run.label for run in chosen.runs])
    follow_first("methods", ordered[:FIRST])
    with chosen.columns[0]:
        return st.multiselect(
            "Methods",
            ordered,
            default=ordered[:FIRST],
            max_selections=MOST,
            format_func=lambda run: run.label,
            key="methods",
            bind="query-params",
        )


def _found(chosen: Chosen, runs: Sequence[Run], joined: Joined, places: Sequence[Any]) -> pd.DataFrame:
    """The samples that the filters leave, in the order wanted."""
    phrases = {sample_id: sample.phrase for sample_id, sample in joined.samples.items()}
    with places[0]:
        search = st.text_input(
            "Search the phrases",
            key="search",
            bind="query-params",
            type="search",
            placeholder="small left apical" if phrases else "the phrases are not on this machine",
            disabled=not phrases,
        )
    pathologies = list(dict.fromkeys(name for run in chosen.runs for name in run.info.pathologies))
    with places[1]:
        pathology = choose("Pathology", [_ALL, *pathologies], "pathology")
    with places[2]:
        order = choose("Order", list(Order), "order")
    of_whom = order in (Order.BEST, Order.WORST, Order.DISAGREEMENT)
    more = st.columns([1.2, 1.2, 4], vertical_alignment="bottom") if of_whom or order is Order.RANDOM else []
    first, second = _of_whom(order, runs, more)
    seed = _seed(more[0]) if order is Order.RANDOM else 0
    with places[3]:
        sample = st.text_input("Sample", key="sample", bind="query-params", placeholder="any")
    rows = select(
        browse(runs, chosen.metric.key),
        # Where no phrase is here the box cannot be emptied, so what the URL says in it must not count.
        phrases=phrases or None,
        search=search or "",
        pathology=None if pathology == _ALL else pathology,
        sample=(sample or "").strip(),
    )
    return arrange(
        rows,
        order,
        first=first,
        second=second,
        higher_is_better=chosen.metric.higher_is_better,
        seed=seed,
    )


def _of_whom(order: Order, runs: Sequence[Run], places: Sequence[Any]) -> tuple[Run, Run]:
    """Whose values put the samples in order; asked for where the order depends on it."""
    first, second = runs[0], runs[min(1, len(runs) - 1)]
    if order in (Order.BEST, Order.WORST, Order.DISAGREEMENT):
        with places[0]:
            first = choose("of", runs, "by", named=lambda run: run.label)
    if order is Order.DISAGREEMENT:
        with places[1]:
            second = choose("and", runs, "against", named=lambda run: run.label, first=min(1, len(runs) - 1))
    return first, second


def _seed(place: Any) -> int:
    given = st.query_params.get("seed", "0")
    # Python reads no number of thousands of digits, and nobody needs so many draws.
    seed = int(given) if given.isdecimal() and len(given) <= _SEED_DIGITS else 0
    if place.button("Draw others", width="stretch", help="Other samples at random", shortcut="d"):
        seed += 1
        st.query_params["seed"] = str(seed)
    return seed


def _style(places: Sequence[Any]) -> Style:
    with places[0]:
        opacity = st.slider("Opacity of the map", 0.0, 1.0, 0.45, 0.05, key="opacity", bind="query-params")
    with places[1]:
        threshold = st.slider("Threshold of the contour", 0.0, 1.0, 0.5, 0.05, key="threshold", bind="query-params")
    with places[2]:
        layers = st.pills(
            "Layers", list(Layer), default=list(Layer), selection_mode="multi", key="layers", bind="query-params"
        )
    put(_legend(threshold))
    return Style(opacity, threshold, frozenset(layers))


def _legend(threshold: float) -> str:
    stops = ",".join("rgb({},{},{})".format(*colours()[i]) for i in range(0, 256, 51))
    parts = (
        '<span><span class="gx-key gx-key-truth"></span>ground truth</span>',
        f'<span><span class="gx-key gx-key-method"></span>above {threshold:.2f}, and boxes of the method</span>',
        f'<span>0<span class="gx-scale" style="background:linear-gradient(90deg,{stops})"></span>1, the scale of the'
        " protocol's thresholds, the same in every picture</span>",
        "<span>a click on a picture opens it in Zoom</span>",
    )
    return element("div", "".join(parts), "gx-legend")


def _row(asked: Asked, sample_id: str, row: Mapping[Any, Any]) -> bool:
    """One sample; whether one of its pictures was clicked."""
    sample = asked.joined.samples.get(sample_id)
    title = sample.phrase if sample is not None else f"sample {sample_id}"
    said = element("p", text(title), "gx-phrase") + element("p", text(_described(sample_id, row)), "gx-caption")
    put('<hr class="gx-line">' + element("div", said, "gx-said"))
    zooms = False
    places = st.columns(len(asked.runs) + (sample is not None))
    if sample is not None:
        with places[0]:
            put(element("p", "image", "gx-method"))
            shown = truth(sample, condition=asked.runs[0].info.condition, style=asked.style)
            zooms |= _picture(shown, sample_id, 0, f"The image of: {title}", "image")
    for place, (where, run) in enumerate(zip(places[-len(asked.runs) :], asked.runs, strict=True)):
        with where:
            put(element("p", text(run.label), "gx-method"))
            shown = answer(run, sample_id, asked.joined, asked.style)
            zooms |= _picture(shown, sample_id, place, f"{run.label} on: {title}", str(place))
            put(element("p", _values(asked, run, sample_id, shown), "gx-caption"))
    return zooms


def _picture(shown: Shown, sample_id: str, method: int, alt: str, name: str) -> bool:
    """A picture that opens in Zoom; whether it was clicked."""
    if shown.image is None:
        put_picture(shown, alt)
        return False
    key = f"{sample_id}-{name}"
    # The button lies over the picture, which so takes a click, and a key, without being anything but a picture.
    with st.container(key=f"gx-zoomable-{key}", gap=None):
        put_picture(shown, alt)
        return st.button(f"Zoom: {alt}", key=f"zoom-{key}", on_click=zoom.start, args=(sample_id, method))


def _values(asked: Asked, run: Run, sample_id: str, shown: Shown) -> str:
    """The sample's headline metrics and the metric chosen, and the IoU at the threshold."""
    metrics = _metrics(run, asked.chosen)
    rows = run.samples(["sample_id", *(metric.key for metric in metrics)])
    mine = rows.loc[rows["sample_id"] == sample_id]
    parts = [] if shown.iou is None else [f"<b>IoU above {asked.style.threshold:.2f}: {write_number(shown.iou, 3)}</b>"]
    for metric in metrics:
        value = float(mine[metric.key].iloc[0]) if len(mine) else math.nan
        said = "-" if math.isnan(value) else write_number(value, digits_of(metric))
        parts.append(text(f"{metric.label} {said}{DERIVED if is_derived(run.info, metric.key) else ''}"))
    return " · ".join(parts)


def _metrics(run: Run, chosen: Chosen) -> list[MetricInfo]:
    """The metrics whose values stand below a picture."""
    return [metric for metric in run.info.metrics if metric.headline or metric.key == chosen.metric.key]


def _described(sample_id: str, row: Mapping[Any, Any]) -> str:
    boxes = int(row["n_boxes"])
    where = [str(row[name]) for name in ("side", "zone") if not pd.isna(row[name])]
    parts = [
        str(row["pathology"]),
        *where,
        f"{boxes} {'box' if boxes == 1 else 'boxes'}",
        f"{100 * float(row['box_area']):.2g} % of the image",
        f"sample {sample_id}",
    ]
    return " · ".join(parts)
