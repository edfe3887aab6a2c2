"""One picture of a figure: the image, the truth, and what a method answered, as matplotlib draws them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..core import Box, Heatmap, Sample
from .answered import Answer
from .film import Film
from .lines import borders, rectangle
from .overlays import COLOUR_MAP, METHOD, TRUTH, Style, on_scale

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_SHARPEST = 1000

DASHES: Any = (0, (3.0, 1.6))
"""In grey print, colours alone would not tell a method's lines from the truth."""


def draw_picture(
    axes: Axes, sample: Sample, film: Film, answer: Answer | str | None, style: Style, *, truth: bool
) -> None:
    """Draw one picture.

    Args:
        axes: Its place.
        sample: The truth.
        film: The image to be shown.
        answer: What a method answered, or why there is none; None for a picture without a method.
        style: Opacity of the map, and where its contour is.
        truth: Whether the truth is drawn.
    """
    width, height = sample.image_size
    axes.set_xlim(0, width)
    axes.set_ylim(height, 0)
    # A picture that is narrower than its place, since it would be too high, stands in the middle.
    axes.set_aspect("equal")
    if isinstance(answer, str):
        return
    if film.pixels is not None:
        shown: Any = film.pixels
        axes.imshow(shown, cmap="gray", vmin=0, vmax=255, extent=(0, width, height, 0), interpolation="antialiased")
    if answer is not None and answer.grounding.heatmap is not None:
        _map(axes, answer.grounding.heatmap, answer.scale, style)
    if truth:
        if not sample.boxes and sample.mask is not None:
            mask = sample.mask.load()
            _border(axes, mask[:: _step(mask), :: _step(mask)], (width, height), TRUTH, "solid")
        for box in sample.boxes:
            _box(axes, box, TRUTH, "solid")
    for box in answer.grounding.boxes if answer is not None else ():
        _box(axes, box, METHOD, DASHES)


def _map(axes: Axes, heatmap: Heatmap, scale: tuple[float, float], style: Style) -> None:
    x0, y0, x1, y1 = heatmap.extent.as_tuple()
    colours: Any = on_scale(heatmap.values, scale)
    axes.imshow(
        colours, cmap=COLOUR_MAP, vmin=0, vmax=1, alpha=style.opacity, extent=(x0, x1, y1, y0), interpolation="nearest"
    )
    scores = heatmap.to_pixels()
    step = _step(scores)
    # NaN is above no threshold: what the method has not looked at is not marked.
    _border(axes, on_scale(scores[::step, ::step], scale) > style.threshold, heatmap.image_size, METHOD, DASHES)


def _step(values: Any) -> int:
    return -(-max(values.shape) // _SHARPEST)


def _border(axes: Axes, inside: Any, size: tuple[int, int], colour: tuple[int, int, int], dashes: Any) -> None:
    """The border of a region that covers the image; the image's edge is none."""
    rows, columns = inside.shape
    for points in borders(inside):
        _line_of(axes, points[:, 0] * size[0] / columns, points[:, 1] * size[1] / rows, colour, dashes)


def _box(axes: Axes, box: Box, colour: tuple[int, int, int], dashes: Any) -> None:
    points = rectangle(*box.as_tuple())
    _line_of(axes, points[:, 0], points[:, 1], colour, dashes)


def _line_of(axes: Axes, across: Any, down: Any, colour: tuple[int, int, int], dashes: Any) -> None:
    """A line on a dark rim, which keeps it apart from bright bone and from bright colours."""
    axes.plot(across, down, color="black", linewidth=1.6, clip_on=False)
    axes.plot(across, down, color=hue(colour), linewidth=0.9, linestyle=dashes, clip_on=False)


def hue(colour: tuple[int, int, int]) -> str:
    """A colour as matplotlib takes it."""
    return "#{:02x}{:02x}{:02x}".format(*colour)
