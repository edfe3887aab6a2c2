"""Controls that look at neither the phrase nor the image's content: what any method must beat."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from ...core import BOX, Box, Grounding, Heatmap, Radiograph
from ...core.fingerprint import generator_from
from ..base import GroundingMethod
from ..registry import register_method


@dataclass(frozen=True)
class GridOptions:
    """Options of the controls that draw a map."""

    grid: int = field(default=32, metadata={"help": "cells of the map along each side"})

    def __post_init__(self) -> None:
        if self.grid < 1:
            raise ValueError(f"grid must be at least 1, got {self.grid}")


@register_method("random")
class RandomMap(GroundingMethod):
    """Independent uniform noise in every cell: the floor of every metric."""

    kind: ClassVar[str] = "control"
    licence = "Apache-2.0"
    Options = GridOptions

    def ground(self, image: Radiograph, phrases: Sequence[str]) -> list[Grounding]:
        """A map of noise for each phrase, the same whenever the image and the phrase are."""
        shape = (self.options.grid, self.options.grid)
        noise = (generator_from(image.sha256, phrase).random(shape, dtype=np.float32) for phrase in phrases)
        return [Grounding(Heatmap.whole(values, image.size)) for values in noise]


@register_method("center-prior")
class CenterPrior(GroundingMethod):
    """A Gaussian at the image's centre, with a standard deviation of a quarter of each side."""

    kind: ClassVar[str] = "control"
    licence = "Apache-2.0"
    Options = GridOptions

    def ground(self, image: Radiograph, phrases: Sequence[str]) -> list[Grounding]:
        """The same map for every phrase."""
        return [Grounding(Heatmap.whole(_gaussian(self.options.grid), image.size)) for _ in phrases]


@register_method("whole-image")
class WholeImage(GroundingMethod):
    """One box around everything: finds every target, and says nothing."""

    kind: ClassVar[str] = "control"
    emits = frozenset({BOX})
    licence = "Apache-2.0"

    def ground(self, image: Radiograph, phrases: Sequence[str]) -> list[Grounding]:
        """The image's own rectangle for every phrase."""
        return [Grounding(boxes=(Box.whole(image.size),)) for _ in phrases]


@lru_cache
def _gaussian(grid: int) -> NDArray[np.float32]:
    place = (np.arange(grid) + 0.5) / grid - 0.5
    profile = np.exp(-0.5 * (place / 0.25) ** 2)
    return np.outer(profile, profile).astype(np.float32)
