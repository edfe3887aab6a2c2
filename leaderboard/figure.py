"""The figure that a paper shows: for each phrase the image, the truth, and a picture of each method, on one scale."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core import GroundCXRError, Sample
from ..core.names import one_line
from ..evaluation.picture import any_letter
from .answered import Answer
from .figure_picture import DASHES, draw_picture, hue
from .film import Film
from .overlays import COLOUR_MAP, METHOD, TRUTH, Style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PAGE = 174.0
"""Width of a page of most journals, in millimetres."""

TALLEST = 240.0
"""About what a journal's page holds, in millimetres."""

_INCH, _POINT = 25.4, 25.4 / 72
_GAP, _LEAST = 1.2, 12.0
"""Millimetres between pictures, and the least width of one."""
_KEY, _SCALE = 6.0, 40.0
"""Millimetres of a line in the legend, and of the scale of colours with its words."""
_LONGEST_SHAPE = 2.5
_TEXT, _SMALL = 8.0, 7.0
"""Sizes of print in points."""


@dataclass(frozen=True, eq=False)
class FigureRow:
    """A phrase and what methods answered.

    Attributes:
        sample: The image, the phrase and the truth.
        film: The image to be shown.
        answers: By the methods' names, an answer each, or why there is none.
        values: By the methods' names, what stands below a picture; empty for nothing.
    """

    sample: Sample
    film: Film
    answers: Mapping[str, Answer | str]
    values: Mapping[str, str]


def draw_figure(rows: Sequence[FigureRow], style: Style, width: float = PAGE) -> Figure:
    """Rows of pictures: the image, the truth, then the methods in the order of the first row's answers.

    Args:
        rows: At least one.
        style: Opacity of the maps, and where their contour is.
        width: Of the figure in millimetres.

    Raises:
        GroundCXRError: If the pictures would be too small to see.
    """
    # The object-oriented interface needs no display and leaves a caller's own matplotlib settings alone.
    from matplotlib.figure import Figure

    methods = list(rows[0].answers)
    columns = len(methods) + 2
    across = (width - _GAP * (columns - 1)) / columns
    if across < _LEAST:
        raise GroundCXRError(
            f"{len(methods)} methods on {width:g} mm leave {across:.0f} mm for a picture; leave some out, or give a "
            "larger --width"
        )
    heads = [wrapped(name, across, _TEXT) for name in ("Image", "Ground truth", *methods)]
    phrases = [wrapped(title_of(row.sample), width, _SMALL) for row in rows]
    heights = [across * min(_shape(row.sample), _LONGEST_SHAPE) for row in rows]
    below = _line(_SMALL) + 0.6 if any(row.values for row in rows) else 0.0
    top = max(map(len, heads)) * _line(_TEXT) + 0.6
    above = [len(lines) * _line(_SMALL) + 0.8 for lines in phrases]
    answers = [answer for row in rows for answer in row.answers.values() if isinstance(answer, Answer)]
    keys = _keys(answers, style)
    maps = any(answer.grounding.heatmap is not None for answer in answers)
    # The scale of colours stands behind the lines, or above them where these leave no room.
    beside = sum(_KEY + 5 + _width(words, _SMALL) for words, _, _ in keys) + _SCALE <= width
    legend = 6.0 if beside or not maps else 10.0
    height = top + sum(heights) + sum(above) + len(rows) * (below + 2 * _GAP) + legend
    figure = Figure(figsize=(width / _INCH, height / _INCH))

    def put(left: float, down: float, lines: Sequence[str], size: float, **more: Any) -> None:
        figure.text(
            left / width, 1 - down / height, "\n".join(lines), fontsize=size, parse_math=False, linespacing=1.15, **more
        )

    def add(left: float, down: float, wide: float, high: float) -> Axes:
        axes = figure.add_axes((left / width, 1 - (down + high) / height, wide / width, high / height))
        axes.set_axis_off()
        return axes

    lefts = [place * (across + _GAP) for place in range(columns)]
    for left, lines in zip(lefts, heads, strict=True):
        put(left + across / 2, top - 1.0, lines, _TEXT, ha="center", va="baseline")
    down = top
    for row, lines, tall, head in zip(rows, phrases, heights, above, strict=True):
        put(0, down + 0.2, lines, _SMALL, va="top")
        down += head
        for place, name in enumerate([None, None, *methods]):
            axes = add(lefts[place], down, across, tall)
            answer = None if name is None else row.answers[name]
            draw_picture(axes, row.sample, row.film, answer, style, truth=place > 0)
            if isinstance(answer, str):
                put(lefts[place] + across / 2, down + tall / 2, wrapped(answer, across - 2, _SMALL), _SMALL,
                    ha="center", va="center", color="#55606a")  # fmt: skip
            if name is not None and row.values.get(name):
                put(lefts[place] + across / 2, down + tall + 0.4, [row.values[name]], _SMALL, ha="center", va="top")
        down += tall + below + 2 * _GAP
    _legend(figure, keys, (2.2 if beside else 6.2) if maps else None, (width, height))
    return figure


def title_of(sample: Sample) -> str:
    """A row's words: the pathology, and the phrase where that is more than its name."""
    phrase, pathology = one_line(sample.phrase), one_line(sample.pathology)
    return phrase if pathology.casefold() in ("", phrase.casefold()) else f"{pathology}: {phrase}"


def wrapped(text: str, width: float, size: float) -> list[str]:
    """A text in lines that fit, by the width of its letters; a word that is too long is broken.

    Args:
        text: In one line.
        width: In millimetres.
        size: Of the print in points.
    """
    lines: list[str] = []
    for word in one_line(text).split():
        if lines and _width(f"{lines[-1]} {word}", size) <= width:
            lines[-1] += f" {word}"
            continue
        while _width(word, size) > width and len(word) > 1:
            fitting = max((n for n in range(1, len(word)) if _width(word[:n], size) <= width), default=1)
            lines.append(word[:fitting])
            word = word[fitting:]
        lines.append(word)
    return lines or [""]


def _width(text: str, size: float) -> float:
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import text_to_path

    with any_letter():
        font = FontProperties(family="DejaVu Sans", size=size)
        across, _, _ = text_to_path.get_text_width_height_descent(text, font, ismath=False)
    return across * _POINT


def _line(size: float) -> float:
    return 1.25 * size * _POINT


def _shape(sample: Sample) -> float:
    width, height = sample.image_size
    return height / width


def _keys(answers: Sequence[Answer], style: Style) -> list[tuple[str, str, Any]]:
    """What lines are: words, colour and dashes."""
    maps = any(answer.grounding.heatmap is not None for answer in answers)
    boxes = any(answer.grounding.boxes for answer in answers)
    said = [words for words, holds in ((f"map above {style.threshold:.2f}", maps), ("box", boxes)) if holds]
    keys: list[tuple[str, str, Any]] = [("truth", hue(TRUTH), "solid")]
    return keys + ([(f"method: {', '.join(said)}", hue(METHOD), DASHES)] if said else [])


def _legend(
    figure: Figure, keys: Sequence[tuple[str, str, Any]], bar_down: float | None, size: tuple[float, float]
) -> None:
    """What lines and colours are, below everything.

    Args:
        figure: The figure.
        keys: The lines.
        bar_down: Where the scale of colours is, in millimetres above the lower edge; None for no scale.
        size: (width, height) of the figure in millimetres.
    """
    from matplotlib.lines import Line2D

    width, height = size
    middle, left = 2.2 / height, 0.5
    for words, colour, dashes in keys:
        ends = [left / width, (left + _KEY) / width], [middle, middle]
        figure.add_artist(Line2D(*ends, color="black", linewidth=2.6))
        figure.add_artist(Line2D(*ends, color=colour, linewidth=1.2, linestyle=dashes))
        figure.text((left + _KEY + 1) / width, middle, words, fontsize=_SMALL, va="center", parse_math=False)
        left += _KEY + 5 + _width(words, _SMALL)
    if bar_down is not None:
        middle = bar_down / height
        bar = figure.add_axes(((width - 26) / width, middle - 1.2 / height, 22 / width, 2.4 / height))
        bar.set_axis_off()
        ramp: Any = np.linspace(0, 1, 256)[None]
        bar.imshow(ramp, cmap=COLOUR_MAP, aspect="auto", interpolation="nearest")
        for place, words, side in ((width - 27, "score 0", "right"), (width - 3, "1", "left")):
            figure.text(place / width, middle, words, fontsize=_SMALL, va="center", ha=side)


def figure_caption(rows: Sequence[FigureRow], style: Style, where: str) -> str:
    """What a figure's caption must say so that its pictures are understood.

    Args:
        rows: What it shows.
        style: Opacity and threshold.
        where: Data set and protocol, as a phrase.
    """
    *others, last = rows[0].answers
    methods = f"{', '.join(others)} and {last}" if others else last
    samples = ", ".join(row.sample.sample_id for row in rows)
    return (
        f"From left to right the image, the ground truth (solid), and {methods} (dashed: what the map marks above "
        f"{style.threshold:.2f} on the protocol's scale, the same in every picture, and boxes), {where}; "
        f"{'sample' if len(rows) == 1 else 'samples'} {samples}."
    )
