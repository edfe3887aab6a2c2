"""A sample's image beside a method's answer on it, at any size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import streamlit as st
from streamlit.components.v2 import component

from ...evaluation.numbers import write_number
from ..joining import Joined
from ..overlays import Style
from ..runs import Run
from ..zoom_data import viewer_data
from .markup import element, note, put, sentence, text
from .pictures import picture_of_answer, picture_of_truth

_THEME = Path(__file__).resolve().parent.parent / "theme"
_AT, _METHOD = "zoom-at", "zoom-method"


@dataclass(frozen=True)
class Zoomed:
    """What can be looked at.

    Attributes:
        runs: The methods.
        sample_ids: The samples that are listed, in their order.
        joined: The user's copy of the data.
        style: Opacity, threshold and layers at first.
    """

    runs: Sequence[Run]
    sample_ids: Sequence[str]
    joined: Joined
    style: Style


@st.cache_resource
def _viewer() -> Any:
    """The component; registered once, since Streamlit warns of a second time."""
    html, css, js = ((_THEME / f"zoom.{suffix}").read_text(encoding="utf-8") for suffix in ("html", "css", "js"))
    # In a shadow tree no key would reach it: the dialog leads Tab around among the elements of the page alone.
    return component("groundcxr-zoom", html=html, css=css, js=js, isolate_styles=False)


def start(sample_id: str, method: int) -> None:
    """Set what the dialog opens on.

    Args:
        sample_id: Which sample.
        method: The place of the method among the runs.
    """
    st.session_state[_AT] = sample_id
    st.session_state[_METHOD] = method


@st.dialog("Zoom", width="large")
def show(zoomed: Zoomed) -> None:
    """A dialog with what `start` has set; others are a click away.

    Args:
        zoomed: What can be looked at.
    """
    ids = list(zoomed.sample_ids)
    sample_id = st.session_state.get(_AT, ids[0])
    place = ids.index(sample_id) if sample_id in ids else 0
    left, middle, right, method = st.columns([1, 4.2, 1, 2.2], vertical_alignment="center")
    step = {"width": "stretch", "on_click": _go}
    left.button("Previous", key="zoom-previous", args=(ids, place - 1), disabled=place == 0, shortcut="p", **step)
    right.button("Next", key="zoom-next", args=(ids, place + 1), disabled=place + 1 == len(ids), shortcut="n", **step)
    labels = [run.label for run in zoomed.runs]
    with method:
        run = zoomed.runs[st.selectbox("Method", range(len(labels)), format_func=labels.__getitem__, key=_METHOD)]
    sample = zoomed.joined.samples.get(sample_id)
    phrase = f"sample {sample_id}" if sample is None else sample.phrase
    with middle:
        below = st.empty()
    drawn, remark = picture_of_answer(run, sample_id, zoomed.joined, zoomed.style, None)
    if drawn is not None:
        picture = drawn.picture
    elif sample is not None:
        picture, _ = picture_of_truth(sample, None, run.info.condition, zoomed.style)
    else:
        note(sentence(remark))
        return
    data = viewer_data(picture, method=run.label, phrase=phrase)
    # The value comes back with the slider's end, and then asks for a number only: the pictures are the browser's.
    chosen = _viewer()(
        key="zoom-viewer", data=data, default={"threshold": zoomed.style.threshold}, on_threshold_change=_nothing
    )
    threshold = float(chosen.threshold)
    iou = None if drawn is None else drawn.iou(threshold)
    said = [f"{place + 1:,} of {len(ids):,}", f"{picture.film.image_size[0]} x {picture.film.image_size[1]} pixels"]
    said += [] if iou is None else [f"IoU above {threshold:.2f}: {write_number(iou, 3)}"]
    below.html(element("p", text(phrase), "gx-phrase") + element("p", text(" · ".join(said)), "gx-caption"))
    if remark:
        put(element("p", text(sentence(remark)), "gx-caption"))


def _go(ids: Sequence[str], place: int) -> None:
    st.session_state[_AT] = ids[place]


def _nothing() -> None:
    """Streamlit gives a state back only where somebody listens."""
