"""One picture at the image's own resolution."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence

import streamlit as st

from ...core import Sample
from ..overlays import Style
from ..runs import Run
from .markup import note, put, text
from .pictures import answer, truth

_IMAGE = "image"
_SIZES = {"fit": None, "100 %": 1, "200 %": 2, "400 %": 4}


@st.dialog("Zoom", width="large")
def show(
    runs: Sequence[Run],
    sample_id: str,
    sample: Sample | None,
    style: Style,
) -> None:
    """A dialog with one picture; at 100 % a pixel of it is one of the image.

    Args:
        runs: The methods to choose from.
        sample_id: Which sample.
        sample: From the user's copy of the data.
        style: Opacity and threshold.
    """
    note(sample.phrase if sample is not None else f"sample {sample_id}")
    left, right = st.columns(2, vertical_alignment="bottom")
    labels = [*([_IMAGE] if sample is not None else []), *(run.label for run in runs)]
    with left:
        which = st.selectbox("Picture", range(len(labels)), format_func=lambda place: labels[place])
    with right:
        size = st.segmented_control("Size", list(_SIZES), default="fit", required=True)
    place = which - (len(labels) - len(runs))
    if place < 0 and sample is not None:
        shown = truth(sample, None, runs[0].info.condition)
    else:
        shown = answer(runs[place], sample_id, sample, style, None)
    if shown.image is None or shown.size is None:
        note(shown.remark)
        return
    times = _SIZES[size or "fit"]
    fitted = "width:auto;height:70vh;max-width:100%;object-fit:contain"
    drawn = fitted if times is None else f"width:{times * shown.size[0]}px"
    data = b64encode(shown.image).decode()
    put(
        '<div class="gx-zoom" tabindex="0" role="region" aria-label="picture, scroll with the arrow keys">'
        f'<img alt="{text(labels[which])}" style="{drawn}" src="data:image/jpeg;base64,{data}"></div>'
    )
    note(f"{shown.size[0]} x {shown.size[1]} pixels{'; ' + shown.remark if shown.remark else ''}")
