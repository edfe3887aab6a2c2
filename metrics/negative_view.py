"""What protocol v2 says of phrases about what their image does not show, and of images by their highest score."""

from __future__ import annotations

import sys
from collections.abc import Collection

from ..core import ABSOLUTE, BOX, HEATMAP, Grounding, ImageSize, MetricValue, PartsValue, Status
from ..core.map_boxes import HALF
from ..core.map_cells import cells_of

_HIGHEST = sys.float_info.max
"""The score of an image that fails as a negative, above all others; one that is not answered has the opposite."""


def image_score(grounding: Grounding, emits: Collection[str], image_size: ImageSize) -> float | None:
    """The highest score in an image, on the method's own scale; None where nothing is marked.

    Args:
        grounding: The answer.
        emits: What the method promises: of a map the maximum counts, else that of the boxes that cover a pixel, 1 of
            one without a score.
        image_size: (width, height).
    """
    if HEATMAP in emits:
        return None if grounding.heatmap is None else float(cells_of(grounding.heatmap)[0].max())
    scores = [1.0 if box.score is None else box.score for box in grounding.boxes if box.covers_a_pixel(image_size)]
    return max(scores, default=None)


def of_positive(score: float | None, status: Status = Status.OK) -> dict[str, MetricValue]:
    """What an image adds that shows what the phrase says.

    Args:
        score: Its highest; None where it is not answered.
        status: FAILED where that is why.
    """
    return {"neg_silent": MetricValue(None, Status.NOT_APPLICABLE), "neg_auroc": _ranked(score, 1, status)}


def of_negative(
    grounding: Grounding | None, emits: Collection[str], image_size: ImageSize, status: Status = Status.OK
) -> dict[str, MetricValue]:
    """What an image adds that does not show what the phrase says.

    Args:
        grounding: The answer; None where there is none, which is no silence.
        emits: What the method promises.
        image_size: (width, height).
        status: FAILED where there is no answer.
    """
    score = _HIGHEST if grounding is None else image_score(grounding, emits, image_size)
    silent = _silent(grounding, emits, image_size)
    said = MetricValue(None, Status.NOT_APPLICABLE) if silent is None else MetricValue(float(silent), status)
    return {"neg_silent": said, "neg_auroc": _ranked(score, 0, status)}


def _silent(grounding: Grounding | None, emits: Collection[str], image_size: ImageSize) -> bool | None:
    """Whether nothing is marked; None where a method cannot say so, whose maps are on no absolute scale."""
    if BOX not in emits and ABSOLUTE not in emits:
        return None
    if grounding is None:
        return False
    if BOX in emits:
        return not any(box.covers_a_pixel(image_size) for box in grounding.boxes)
    return grounding.heatmap is None or not (cells_of(grounding.heatmap)[0] > HALF).any()


def _ranked(score: float | None, positive: int, status: Status) -> PartsValue:
    # The sample has no value of its own: an AUROC is of several.
    return PartsValue(None, status, ([-_HIGHEST if score is None else score], [positive], [positive]))
