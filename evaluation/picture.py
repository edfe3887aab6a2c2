"""One picture of an image and a method's answers, for looking."""

from __future__ import annotations

import io
import textwrap
import warnings
from collections.abc import Sequence

import numpy as np

from ..core import GroundCXRError, Grounding, Radiograph
from .prediction import Prediction

_COLUMNS = 6
_MOST = 60
_LONGEST_SHAPE = 3.0
_SHARPEST = 1200
"""Pixels of the longer side that are drawn, three times those of a panel: each of 60 panels keeps what it draws."""


def draw(radiograph: Radiograph, answers: Sequence[tuple[str, Prediction]], title: str) -> bytes:
    """The image alone, then with each phrase's map and boxes, as a PNG.

    Args:
        radiograph: The image.
        answers: Phrases with their answers.
        title: Stands above everything.

    Raises:
        GroundCXRError: If there are more phrases than one picture can show.
    """
    # The object-oriented interface needs no display and leaves a caller's own matplotlib settings alone.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.patches import Rectangle

    if len(answers) >= _MOST:
        raise GroundCXRError(f"{len(answers)} phrases are too many for one picture; draw at most {_MOST - 1} at a time")
    width, height = radiograph.size
    columns = min(len(answers) + 1, _COLUMNS)
    rows = -(-(len(answers) + 1) // columns)
    # A strip of an image gets a panel of a bounded shape, with margins.
    panel = (4.0, 4.0 * min(max(height / width, 1 / _LONGEST_SHAPE), _LONGEST_SHAPE) + 0.4)
    figure = Figure(figsize=(panel[0] * columns, panel[1] * rows + 0.5), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    axes[0].set_title("image", fontsize=9)
    for axis in axes:
        axis.set_axis_off()
    step = -(-max(width, height) // _SHARPEST)
    shown = np.asarray(radiograph.as_pil().reduce(step))
    place = (-0.5, width - 0.5, height - 0.5, -0.5)  # pixel 0 is drawn around 0
    for axis in axes[: len(answers) + 1]:
        axis.imshow(shown, cmap="gray", vmin=0, vmax=255, extent=place)
    for axis, (phrase, answer) in zip(axes[1:], answers, strict=False):
        axis.set_title("\n".join(textwrap.wrap(phrase, 44, max_lines=4)), fontsize=9, parse_math=False)
        if not isinstance(answer, Grounding):
            axis.text(width / 2, height / 2, f"failed: {answer.kind}", color="orange", ha="center", parse_math=False)
            continue
        if answer.heatmap is not None:
            scores = np.ma.masked_invalid(answer.heatmap.to_pixels()[::step, ::step])
            drawn = axis.imshow(scores, cmap="inferno", alpha=0.5, extent=place)
            figure.colorbar(drawn, ax=axis, shrink=0.7)
        for box in answer.boxes:
            axis.add_patch(
                Rectangle((box.x0, box.y0), box.width, box.height, fill=False, edgecolor="cyan", linewidth=1.5)
            )
    figure.suptitle(title, fontsize=10, parse_math=False)
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        # Letters that the font lacks are drawn as boxes.
        warnings.filterwarnings("ignore", message="Glyph .* missing from", category=UserWarning)
        FigureCanvasAgg(figure).print_png(buffer)
    return buffer.getvalue()
