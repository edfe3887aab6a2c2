"""The button that makes a paper's figure of what a page shows."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

import streamlit as st

from ..figure import draw_figure
from ..figure_file import written
from ..figure_rows import figure_rows
from ..joining import Joined
from ..options import Options
from ..overlays import Style
from ..runs import Run


def put_figure_button(
    runs: Sequence[Run], samples: Sequence[str], joined: Joined, style: Style, options: Options
) -> None:
    """Put the button on the page; the figure is drawn when it is pressed.

    Args:
        runs: The methods, from left to right.
        samples: Ids of the samples shown.
        joined: The user's copy of the data; without it there is nothing to draw.
        style: Opacity and threshold.
        options: What the leaderboard was started with, for the command that does the same.
    """
    words = ["groundcxr", "figure", *map(str, options.results), "--methods", *(run.label for run in runs)]
    words += ["--sample", *samples, "--protocol", runs[0].setting.protocol]
    words += ["--threshold", f"{style.threshold:g}", "--opacity", f"{style.opacity:g}", "--out", "figure.pdf"]
    # Where the pictures come from, if it was said: the command finds them nowhere else.
    words += [given for given in options.arguments() if not given.startswith("--results=")]
    st.download_button(
        "Figure (PDF)",
        lambda: written(draw_figure(figure_rows(runs, samples, joined), style), ".pdf"),
        "groundcxr-figure.pdf",
        mime="application/pdf",
        on_click="ignore",
        disabled=bool(joined.reason),
        help=f"These samples as a paper shows them; also as PNG and SVG: `{shlex.join(words)}`",
    )
