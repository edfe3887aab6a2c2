"""The page of what goes wrong: the worst samples, slices of the data, why values are what they are."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from ...evaluation.derived import DERIVED_SAID, is_derived
from ...evaluation.numbers import digits_of, write_number
from ...evaluation.schema import MetricInfo
from ..board import BoardCell
from ..board_html import cell_html, marks_html
from ..caption import intervals_said
from ..failures import SLICINGS, slices, status_counts, worst_samples
from ..joining import join_run
from ..overlays import Style
from ..runs import Run
from ..words import status_words
from .address import choose, linked
from .choices import Chosen
from .compare import FIRST
from .frame import open_page
from .markup import element, heading, note, put, sentence, table, text
from .pictures import answer, put_looks, put_picture

_ALL = "all"
_IN_A_ROW = 6
_PICTURES = 2 * _IN_A_ROW
_LISTED = 40
_NAMES = {
    "box_area": "target size",
    "n_boxes": "number of boxes",
    "side": "side",
    "zone": "zone",
}


def show() -> None:
    """The page."""
    chosen = open_page([1.4, 1])
    if chosen is None:
        return
    runs = [run for run in chosen.in_order if run.metric(chosen.metric.key) is not None]
    if not runs:
        note(f"No method that is left has {chosen.metric.label}: choose another metric, or take a filter back.")
        return
    put_looks()
    with chosen.columns[0]:
        run = choose("Method", runs, "whose", named=lambda run: run.label)
    with chosen.columns[1]:
        pathology = choose("Pathology", [_ALL, *run.info.pathologies], "class")
    chosen_class = None if pathology == _ALL else pathology
    worst = worst_samples(run, chosen.metric.key, pathology=chosen_class, count=_LISTED)
    about, only = ("", "") if chosen_class is None else (f" of {chosen_class}", f", {chosen_class}")
    heading(f"Worst samples{about} of {run.label}, {chosen.metric.label}")
    # Compare must show this method, whatever it would choose by itself.
    beside = [run.label, *(other.label for other in runs if other != run)][:FIRST]
    _pictures(chosen, run, worst.head(_PICTURES), beside)
    left, right = st.columns([1.9, 1], gap="large")
    with left:
        # The headline says what is chosen below it.
        top = st.container()
        with st.columns([1, 2])[0]:
            by = choose("Slices by", SLICINGS, "slices", named=_NAMES.__getitem__)
        means = "Means" if chosen.metric.reducer is None else "Over the samples of each slice together"
        mark = f" {DERIVED_SAID}" if any(is_derived(one.info, chosen.metric.key) for one in runs) else ""
        with top:
            heading(f"By {_NAMES[by]}{only}", f"{means}. {intervals_said([one.info for one in runs])}{mark}")
        parts = slices(runs, chosen.metric.key, by, pathology=chosen_class)
        if parts.empty:
            note(f"{chosen.setting.dataset} does not know the {_NAMES[by]} of its samples.")
        else:
            put(slice_table(parts, runs, chosen.metric))
    with right:
        heading(f"Why values are what they are: {run.label}{only}")
        counts = status_counts(run, pathology=chosen_class)
        put(status_table(counts))
        note(" ".join(f"{status_words(name)}." for name in dict.fromkeys(counts["status"])))


def _pictures(chosen: Chosen, run: Run, worst: pd.DataFrame, beside: list[str]) -> None:
    """The worst samples as pictures, each with a way to Compare, where the methods `beside` stand side by side."""
    if worst.empty:
        note("No sample has a value.")
        return
    info = run.info
    with st.spinner("Reading the data set …"):
        joined = join_run(info, chosen.options)
    if joined.reason:
        note(sentence(joined.reason), "gx-problems")
    for start in range(0, len(worst), _IN_A_ROW):
        places = st.columns(_IN_A_ROW)
        for place, row in zip(places, worst.iloc[start : start + _IN_A_ROW].to_dict("records"), strict=False):
            with place:
                sample = joined.samples.get(row["sample_id"])
                shown = answer(run, str(row["sample_id"]), joined, Style())
                said = sample.phrase if sample is not None else f"sample {row['sample_id']}"
                put_picture(shown, f"{run.label} on: {said}")
                value = write_number(float(row["value"]), digits_of(chosen.metric))
                put(element("p", f"<b>{text(value)}</b> {text(row['pathology'])}: {text(said)}", "gx-caption gx-lines"))
                if row["status"] != "ok":
                    put(element("p", text(status_words(row["status"])), "gx-caption"))
                url = linked("compare", sample=str(row["sample_id"]), methods=beside)
                put(element("p", f'<a href="{text(url)}" aria-label="Compare: {text(said)}">Compare</a>', "gx-caption"))


def slice_table(parts: pd.DataFrame, runs: Sequence[Run], metric: MetricInfo) -> str:
    """`slices` as HTML: methods in rows, slices in columns; a cell on fewer samples than its column says so."""
    names = list(dict.fromkeys(parts["slice"]))
    cells = {(row["run"], row["slice"]): row for row in parts.to_dict("records")}
    counts = {name: int(parts.loc[parts["slice"] == name, "n"].max()) for name in names}
    heads = ["method", *(text(name) + element("small", f"n = {counts[name]:,}") for name in names)]

    def shown(run: Run, name: str) -> str:
        row = cells[run.id, name]
        value, low, high = (None if pd.isna(row[end]) else float(row[end]) for end in ("value", "low", "high"))
        cell = BoardCell(value, low, high, int(row["n"]))
        return cell_html(cell, metric, counts[name], derived=is_derived(run.info, metric.key))

    rows = [[text(run.label) + marks_html(run), *(shown(run, name) for name in names)] for run in runs]
    return table(heads, rows, label=f"{metric.label} by slice")


def status_table(counts: pd.DataFrame) -> str:
    """`status_counts` as HTML: metrics in rows, statuses in columns."""
    names = list(dict.fromkeys(counts["status"]))
    numbers = {(row["metric"], row["status"]): row["n"] for row in counts.to_dict("records")}
    labels = dict(zip(counts["metric"], counts["label"], strict=True))
    rows = [
        [text(label), *(f"{numbers[key, name]:,}" if (key, name) in numbers else "" for name in names)]
        for key, label in labels.items()
    ]
    return table(["metric", *(text(name) for name in names)], rows, label="status counts")
