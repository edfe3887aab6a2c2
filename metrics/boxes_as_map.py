"""A map made of boxes: a pixel's score is the highest score of a box on it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..core import Box, ImageSize
from .levels import Levels
from .region import BoxRegion, Region, pixels_of


def scores_of(boxes: Sequence[Box]) -> list[float]:
    """The boxes' scores, 1 of a box without one, none of them below the 0 of pixels that are in no box.

    Where any is negative, all of the answer's are taken for logits or log-probabilities, and s becomes 1 / (1 + e^-s):
    else a box of a low score would count as less than no box.
    """
    scores = [1.0 if box.score is None else box.score for box in boxes]
    if min(scores, default=0.0) >= 0:
        return scores
    # e to the -700 is still a number.
    logistic = 1 / (1 + np.exp(-np.clip(scores, -700, 700)))
    return [1.0 if box.score is None else score for box, score in zip(boxes, logistic.tolist(), strict=True)]


def best_first(boxes: Sequence[Box], image_size: ImageSize) -> tuple[BoxRegion, list[float]]:
    """Boxes by score, equal ones in their order, as a region that gives each pixel to the best box on it.

    Args:
        boxes: Boxes in the image's pixels.
        image_size: (width, height).

    Returns:
        The region, and the `scores_of` its boxes, decreasing.
    """
    scores = scores_of(boxes)
    order = sorted(range(len(boxes)), key=scores.__getitem__, reverse=True)
    return BoxRegion([boxes[place] for place in order], image_size), [scores[place] for place in order]


def levels_of_boxes(predicted: BoxRegion, scores: Sequence[float], region: Region) -> Levels:
    """The map of boxes against a ground truth.

    Args:
        predicted: The boxes, as `best_first` gives them.
        scores: Theirs.
        region: The ground truth.

    Returns:
        The levels of the whole image. The last one's score is the 0 of no box, whether it has pixels or not: that is
        the map's minimum where boxes cover the whole image, too, and a box around everything marks everything.
    """
    inside: dict[float, int] = {}
    outside: dict[float, int] = {}
    for number, piece in predicted.pieces:
        hit, score = region.within(piece), scores[number]
        inside[score] = inside.get(score, 0) + hit
        outside[score] = outside.get(score, 0) + pixels_of(piece) - hit
    inside[0.0] = inside.get(0.0, 0) + region.area - sum(inside.values())
    outside[0.0] = outside.get(0.0, 0) + region.pixels - region.area - sum(outside.values())
    return Levels.counted(list(inside), list(inside.values()), list(outside.values()))
