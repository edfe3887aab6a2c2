"""A heatmap against a ground truth as pixel counts: by grid cell, and by distinct score.

Nearest up-sampling only repeats a cell's score, so a cell's number of pixels inside and outside the ground truth is all
that a pixel-wise metric needs. Nothing here is of the image's size.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core import Heatmap
from ..core.map_cells import cells_of, pixel_counts
from .region import BoxRegion, Region


@dataclass(frozen=True, eq=False)
class Cells:
    """The cells of a heatmap that hold pixels; those of a grid finer than the pixels may hold none.

    Attributes:
        scores: Score of each cell, `[n]`; float32 where they are a heatmap's.
        inside: Number of ground-truth pixels in each cell, `[n]`.
        outside: Number of other pixels in each cell, `[n]`.
    """

    scores: NDArray[np.floating[Any]]
    inside: NDArray[np.float64]
    outside: NDArray[np.float64]

    @classmethod
    def of(cls, heatmap: Heatmap, region: Region) -> Cells:
        """Count a ground truth's pixels over a heatmap's grid."""
        scores, rows, columns = cells_of(heatmap)
        inside = region.count(rows, columns)
        outside = pixel_counts(rows, columns) - inside
        return cls(scores.ravel(), inside.ravel(), outside.ravel())

    @property
    def constant(self) -> bool:
        """Whether all cells have one score."""
        return bool((self.scores == self.scores[0]).all())

    def with_surroundings(self, region: Region) -> Cells:
        """With one more cell for the part of the image that the heatmap does not cover, at the map's minimum."""
        inside = region.area - self.inside.sum()
        outside = region.pixels - region.area - self.outside.sum()
        if inside + outside == 0:
            return self
        return Cells(
            np.append(self.scores, self.scores.min()),
            np.append(self.inside, inside),
            np.append(self.outside, outside),
        )


def count_each_box(heatmap: Heatmap, region: BoxRegion) -> list[NDArray[np.float64]]:
    """For every box, the number of its pixels that are in no earlier box, in the cells of `Cells.of`: `[n]` each."""
    _, rows, columns = cells_of(heatmap)
    return [counts.ravel() for counts in region.count_each(rows, columns)]


@dataclass(frozen=True, eq=False)
class Levels:
    """The distinct scores of a heatmap, from the highest to the lowest.

    Attributes:
        scores: `[k]`, decreasing.
        inside: Number of ground-truth pixels with each score, `[k]`.
        outside: Number of other pixels with each score, `[k]`.
        above_inside: Number of ground-truth pixels with that score or a higher one, `[k]`.
        above_outside: Number of other pixels with that score or a higher one, `[k]`.
    """

    scores: NDArray[np.float64]
    inside: NDArray[np.float64]
    outside: NDArray[np.float64]
    above_inside: NDArray[np.float64]
    above_outside: NDArray[np.float64]

    @classmethod
    def of(cls, cells: Cells) -> Levels:
        """Sort cells and join those of equal score."""
        scores, inside, outside = _runs(cells)
        order = scores.argsort()[::-1]
        scores, inside, outside = scores[order], inside[order], outside[order]
        above_inside, above_outside = inside.cumsum(), outside.cumsum()
        changes = scores[1:] != scores[:-1]
        if not changes.all():
            last = np.append(changes.nonzero()[0], changes.size)
            scores, above_inside, above_outside = scores[last], above_inside[last], above_outside[last]
            # Whole numbers, so that differences of sums are as exact as the sums.
            inside, outside = _steps(above_inside), _steps(above_outside)
        return cls(scores.astype(np.float64), inside, outside, above_inside, above_outside)

    @classmethod
    def counted(cls, scores: Sequence[float], inside: Sequence[float], outside: Sequence[float]) -> Levels:
        """Of distinct scores, decreasing, and how many pixels inside and outside the ground truth have each."""
        counts = np.array((inside, outside), dtype=np.float64)
        return cls(np.array(scores, dtype=np.float64), *counts, *counts.cumsum(axis=1))

    @cached_property
    def normalised(self) -> NDArray[np.float64]:
        """The scores scaled to [0, 1], `[k]`; there must be two or more."""
        low, high = self.scores[-1], self.scores[0]
        return (self.scores - low) / (high - low)

    @cached_property
    def iou(self) -> NDArray[np.float64]:
        """IoU of ground truth and {score >= level}, for every level, `[k]`; no pixel need be outside."""
        return self.above_inside / (self.above_inside[-1] + self.above_outside)


def _steps(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    """What cumulative sums are of; `np.diff` with a value before them, at a third of its cost for so few."""
    steps = sums.copy()
    steps[1:] -= sums[:-1]
    return steps


def _runs(cells: Cells) -> tuple[NDArray[Any], NDArray[np.float64], NDArray[np.float64]]:
    """Scores and pixel counts, neighbours of equal score joined where that halves their number.

    Full-size maps of masks, boxes or up-sampled grids have long runs, and sorting them pixel by pixel takes seconds.
    """
    scores = cells.scores
    changes = scores[1:] != scores[:-1]
    if np.count_nonzero(changes) >= scores.size // 2:
        return scores, cells.inside, cells.outside
    starts = np.append(0, changes.nonzero()[0] + 1)
    return scores[starts], np.add.reduceat(cells.inside, starts), np.add.reduceat(cells.outside, starts)
