"""A map made of boxes: a pixel's score is the highest score of a box on it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..core import Box, ImageSize
from ..core.map_cells import pixel_counts
from .levels import Cells
from .region import BoxRegion, Region


def scores_of(boxes: Sequence[Box]) -> NDArray[np.float64]:
    """The boxes' scores `[n]`, 1 of a box without one, all of them above the 0 of pixels that are in no box.

    Where any is negative, all of the answer's are taken for logits or log-probabilities, and s becomes 1 / (1 + e^-s):
    else a box of a low score would count as less than no box.
    """
    scores = np.array([1.0 if box.score is None else box.score for box in boxes], dtype=np.float64)
    if scores.size and scores.min() < 0:
        given = np.array([box.score is not None for box in boxes])
        # e to the -700 is still a number.
        scores[given] = 1 / (1 + np.exp(-scores[given].clip(-700, 700)))
    return scores


def best_first(boxes: Sequence[Box], image_size: ImageSize) -> tuple[BoxRegion, NDArray[np.float64]]:
    """Boxes by score, equal ones in their order, as a region that gives each pixel to the best box on it.

    Args:
        boxes: Boxes in the image's pixels.
        image_size: (width, height).

    Returns:
        The region, and the `scores_of` its boxes `[n]`, decreasing.
    """
    scores = scores_of(boxes)
    if (scores[1:] > scores[:-1]).any():
        order = np.argsort(-scores, kind="stable")
        boxes, scores = [boxes[place] for place in order.tolist()], scores[order]
    return BoxRegion(boxes, image_size), scores


def cells_of_boxes(predicted: BoxRegion, scores: NDArray[np.float64], region: Region) -> Cells:
    """The map of boxes, on the grid that their edges cut the image into, against a ground truth.

    Args:
        predicted: The boxes, as `best_first` gives them.
        scores: Theirs.
        region: The ground truth.

    Returns:
        The cells of the whole image, scores in float64, and one without pixels whose score is the 0 of no box: that is
        the map's minimum where boxes cover the whole image, too, and a box around everything marks everything.
    """
    owner, rows, columns = predicted.partition()
    inside = region.count(rows, columns)
    pixels = pixel_counts(rows, columns)
    # The last one is that of no box, which is numbered -1.
    found = np.append(scores, 0.0)[owner]
    return Cells(np.append(found, 0.0), np.append(inside, 0.0), np.append(pixels - inside, 0.0))
