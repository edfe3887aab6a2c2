"""Cells that rank the pixels of all images of a set together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from .bootstrap import divided
from .parts import Parts
from .reducers import REDUCERS, Draw, Floats, Group, Reducer, pooled_draw

STORED_LEVELS = 2048
"""Distinct scores of one sample that are stored at most; a step holds one in so many of its pixels, or one score."""
_FINE = 2**16
_DRAWS_AT_ONCE = 256


@dataclass(frozen=True)
class PooledPixels(Reducer):
    """AUROC of all pixels of all samples, ties half.

    A sample adds its distinct scores, and how many pixels inside and outside the ground truth have each; see `counted`.

    Attributes:
        levels: Scores of a set that lie closer than one part in so many of its pixels count as ties.
    """

    kind: ClassVar[str] = "pixels"
    columns: ClassVar[tuple[str, ...]] = ("scores", "inside", "outside")

    levels: int = 2048

    def prepared(self, parts: Sequence[Parts], group: Group) -> Draw:
        """As `Reducer.prepared`."""
        return pooled_draw(parts, group, partial(self._pooled, group), _values)

    def _pooled(
        self, group: Group, parts: Parts, mine: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """The patients among some samples, and their pixels inside and outside by level, `[2, patients, levels]`."""
        chosen = parts.at(mine)
        scores, inside, outside = chosen.values
        patients, who = np.unique(group.who[mine], return_inverse=True)
        owner = np.repeat(who, chosen.lengths[0])
        found, level = np.unique(scores, return_inverse=True)
        merged = _merged(np.bincount(level, inside + outside, len(found)), self.levels)
        level, count = merged[level], int(merged[-1]) + 1 if len(merged) else 0
        place, size = owner * count + level, len(patients) * count
        both = [np.bincount(place, pixels, size).reshape(len(patients), count) for pixels in (inside, outside)]
        return patients.astype(np.int64), np.array(both, dtype=np.float64)


def counted(scores: NDArray[np.float32], target: NDArray[np.bool_]) -> tuple[list[float], list[float], list[float]]:
    """What a sample adds to `PooledPixels`: at most `STORED_LEVELS` scores, each the mean of those that it stands for.

    Args:
        scores: Of every pixel that counts, `[n]`, finite; there is one at least.
        target: Whether it is inside, `[n]`.
    """
    low, high = float(scores.min()), float(scores.max())
    span = high - low or 1.0
    step = ((scores.astype(np.float64) - low) / span * (_FINE - 1)).astype(np.int64)
    pixels, inside = np.bincount(step), np.bincount(step[target], minlength=int(step.max()) + 1)
    sums = np.bincount(step, scores)
    there = np.flatnonzero(pixels)
    level = _merged(pixels[there], STORED_LEVELS)
    starts = np.flatnonzero(np.diff(level, prepend=-1))
    pixels, inside, sums = (np.add.reduceat(one[there], starts) for one in (pixels, inside, sums))
    # As float32, so that equal scores of two samples stay equal.
    means = (sums / pixels).astype(np.float32)
    return means.tolist(), inside.astype(float).tolist(), (pixels - inside).astype(float).tolist()


def _merged(pixels: NDArray[Any], levels: int) -> NDArray[np.int64]:
    """The level of each of some increasing scores, where there may be only so many.

    Args:
        pixels: How many have each score, `[n]`.
        levels: As many at most; each holds about as many pixels, or one score that has more.
    """
    if len(pixels) <= levels:
        return np.arange(len(pixels))
    middle = (np.cumsum(pixels) - pixels / 2) / pixels.sum()
    return np.unique((middle * levels).astype(np.int64), return_inverse=True)[1]


def _values(pooled: tuple[NDArray[np.int64], NDArray[np.float64]], weights: Floats) -> Floats:
    """AUROC of each draw, `[draws]`; NaN where it has no pixel inside, or none outside."""
    patients, (inside, outside) = pooled
    values = np.full(len(weights), np.nan)
    for start in range(0, len(weights), _DRAWS_AT_ONCE):
        some = weights[start : start + _DRAWS_AT_ONCE, patients]
        good, bad = some @ inside, some @ outside
        below = np.cumsum(bad, axis=1) - bad / 2
        values[start : start + _DRAWS_AT_ONCE] = divided((good * below).sum(axis=1), good.sum(axis=1) * bad.sum(axis=1))
    return values


REDUCERS[PooledPixels.kind] = PooledPixels
