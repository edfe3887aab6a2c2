"""Pictures of an image and a method's answers, for looking."""

from __future__ import annotations

import io
import textwrap
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core import Box, GroundCXRError, Grounding, ImageSize, Radiograph, Sample
from .prediction import Prediction

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_COLUMNS = 6
_MOST = 60
_LONGEST_SHAPE = 3.0
_SHARPEST = 1200
"""Pixels of the longer side that are drawn, three times those of a panel: each of 60 panels keeps what it draws."""
_TRUE, _ANSWERED = "lime", "cyan"


@dataclass(frozen=True)
class Film:
    """How an image is drawn in all panels of a figure.

    Attributes:
        size: (width, height) of the image.
        step: Every so many pixels are one that is drawn.
    """

    size: ImageSize
    step: int

    @property
    def place(self) -> tuple[float, float, float, float]:
        """The image in a panel's coordinates: pixel 0 is drawn around 0."""
        return (-0.5, self.size[0] - 0.5, self.size[1] - 0.5, -0.5)


def draw(radiograph: Radiograph, answers: Sequence[tuple[str, Prediction]], title: str) -> bytes:
    """The image alone, then with each phrase's map and boxes, as a PNG.

    Args:
        radiograph: The image.
        answers: Phrases with their answers.
        title: Stands above everything.

    Raises:
        GroundCXRError: If there are more phrases than one picture can show.
    """
    if len(answers) >= _MOST:
        raise GroundCXRError(f"{len(answers)} phrases are too many for one picture; draw at most {_MOST - 1} at a time")
    figure, axes = open_figure(radiograph.size, len(answers) + 1)
    axes[0].set_title("image", fontsize=9)
    film = draw_film(radiograph, axes)
    for axis, (phrase, answer) in zip(axes[1:], answers, strict=True):
        axis.set_title("\n".join(textwrap.wrap(phrase, 44, max_lines=4)), fontsize=9, parse_math=False)
        draw_answer(figure, axis, answer, film)
    figure.suptitle(title, fontsize=10, parse_math=False)
    return _as_png(figure)


def open_figure(image_size: ImageSize, panels: int) -> tuple[Figure, list[Axes]]:
    """A figure with so many panels for one image, in rows.

    Args:
        image_size: (width, height) of the image.
        panels: How many.
    """
    # The object-oriented interface needs no display and leaves a caller's own matplotlib settings alone.
    from matplotlib.figure import Figure

    width, height = image_size
    columns = min(panels, _COLUMNS)
    rows = -(-panels // columns)
    # A strip of an image gets a panel of a bounded shape, with margins.
    panel = (4.0, 4.0 * min(max(height / width, 1 / _LONGEST_SHAPE), _LONGEST_SHAPE) + 0.4)
    figure = Figure(figsize=(panel[0] * columns, panel[1] * rows + 0.5), layout="constrained")
    axes: list[Any] = list(figure.subplots(rows, columns, squeeze=False).ravel())
    for axis in axes:
        axis.set_axis_off()
    return figure, axes[:panels]


def draw_film(radiograph: Radiograph, axes: Sequence[Axes]) -> Film:
    """Draw the image into each panel; how it is drawn, for what comes upon it."""
    film = Film(radiograph.size, -(-max(radiograph.size) // _SHARPEST))
    shown = np.asarray(radiograph.as_pil().reduce(film.step))
    for axis in axes:
        axis.imshow(shown, cmap="gray", vmin=0, vmax=255, extent=film.place)
    return film


def draw_truth(axis: Axes, sample: Sample, film: Film) -> None:
    """Draw a sample's true boxes, or the outline of its mask where it has no boxes."""
    _draw_boxes(axis, sample.boxes, _TRUE)
    if sample.mask is not None and not sample.boxes:
        inside = sample.mask.load()[:: film.step, :: film.step].astype(np.float32)
        axis.contour(inside, levels=[0.5], colors=[_TRUE], linewidths=1.5, extent=film.place, origin="upper")


def draw_answer(figure: Figure, axis: Axes, answer: Prediction, film: Film) -> None:
    """Draw what a method answered: its map with a scale, its boxes, or that it failed."""
    if not isinstance(answer, Grounding):
        width, height = film.size
        axis.text(width / 2, height / 2, f"failed: {answer.kind}", color="orange", ha="center", parse_math=False)
        return
    if answer.heatmap is not None:
        scores = np.ma.masked_invalid(answer.heatmap.to_pixels()[:: film.step, :: film.step])
        drawn = axis.imshow(scores, cmap="inferno", alpha=0.5, extent=film.place)
        figure.colorbar(drawn, ax=axis, shrink=0.7)
    _draw_boxes(axis, answer.boxes, _ANSWERED)


def _draw_boxes(axis: Axes, boxes: Sequence[Box], colour: str) -> None:
    from matplotlib.patches import Rectangle

    for box in boxes:
        corner = (box.x0, box.y0)
        axis.add_patch(Rectangle(corner, box.width, box.height, fill=False, edgecolor=colour, linewidth=1.5))


def _as_png(figure: Figure) -> bytes:
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    buffer = io.BytesIO()
    with any_letter():
        FigureCanvasAgg(figure).print_png(buffer)
    return buffer.getvalue()


@contextmanager
def any_letter() -> Iterator[None]:
    """Let letters that the font lacks be drawn as boxes, without a warning."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from", category=UserWarning)
        yield
