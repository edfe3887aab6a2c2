"""One picture of an image and a method's answers, for looking."""

from __future__ import annotations

import io
import textwrap
from collections.abc import Mapping

import numpy as np

from ..core import Grounding, Radiograph
from .prediction import Prediction


def draw(radiograph: Radiograph, answers: Mapping[str, Prediction], title: str) -> bytes:
    """The image alone, then with each phrase's map and boxes, as a PNG.

    Args:
        radiograph: The image.
        answers: The answer to each phrase.
        title: Stands above everything.
    """
    # The object-oriented interface needs no display and leaves a caller's own matplotlib settings alone.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.patches import Rectangle

    width, height = radiograph.size
    panel = (4.0, 4.0 * height / width)
    count = len(answers) + 1
    figure = Figure(figsize=(panel[0] * count, panel[1] + 0.9), layout="constrained")
    axes = figure.subplots(1, count, squeeze=False)[0]
    axes[0].set_title("image", fontsize=9)
    for axis in axes:
        axis.imshow(radiograph.as_uint8(), cmap="gray", vmin=0, vmax=255)
        axis.set_axis_off()
    for axis, (phrase, answer) in zip(axes[1:], answers.items(), strict=True):
        axis.set_title("\n".join(textwrap.wrap(phrase, 44, max_lines=4)), fontsize=9, parse_math=False)
        if not isinstance(answer, Grounding):
            axis.text(width / 2, height / 2, f"failed: {answer.kind}", color="orange", ha="center", parse_math=False)
            continue
        if answer.heatmap is not None:
            shown = axis.imshow(np.ma.masked_invalid(answer.heatmap.to_pixels()), cmap="inferno", alpha=0.5)
            figure.colorbar(shown, ax=axis, shrink=0.7)
        for box in answer.boxes:
            axis.add_patch(
                Rectangle((box.x0, box.y0), box.width, box.height, fill=False, edgecolor="cyan", linewidth=1.5)
            )
    figure.suptitle(title, fontsize=10)
    buffer = io.BytesIO()
    FigureCanvasAgg(figure).print_png(buffer)
    return buffer.getvalue()
