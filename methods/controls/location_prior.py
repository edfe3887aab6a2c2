"""The control that knows where the place of a phrase usually is, and looks at nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from ...core import Grounding, Heatmap, Radiograph
from ...core.anatomy import Gaussian, place_values
from ...core.fingerprint import digest
from ...core.place_words import VERSION
from ...core.supervision import ANATOMY
from ..base import GroundingMethod
from ..place_prior import TABLE_HELP, note_of, table_of
from ..registry import register_method

_GRID = 64
"""Cells of the map along each side."""

_WIDTH = 2.0
"""What the table's deviations are multiplied by: they are a sixth of a region, and a finding may lie at its edge."""


@dataclass(frozen=True)
class LocationPriorOptions:
    """Where places usually are."""

    table: str = field(default="", metadata={"help": TABLE_HELP})


@register_method("location-prior")
class LocationPrior(GroundingMethod):
    """The Gaussians of the places that a phrase names, twice as wide as the table has them; no image, no pathology.

    Of several places the highest value counts. A phrase without a place gets both lungs. What a method that was given
    places, in its prompts or in training, must beat.
    """

    kind: ClassVar[str] = "control"
    licence = "Apache-2.0"
    Options: ClassVar[type[Any]] = LocationPriorOptions
    supervision: str | None = ANATOMY

    def __init__(self, options: Any = None) -> None:
        """Read the table.

        Args:
            options: A `LocationPriorOptions`.

        Raises:
            MethodError: If no table is named.
            GroundCXRError: If it cannot be read.
        """
        super().__init__(options)
        self._table = table_of(self.options.table, self.name)
        self.trained_on: tuple[str, ...] = (self._table.source,)
        self.note: str = note_of(self._table)

    def fingerprint(self) -> str:
        """As of any method, with the table's content and the version of the rules that read places."""
        return digest(super().fingerprint(), self._table.digest, VERSION)

    def ground(self, image: Radiograph, phrases: Sequence[str]) -> list[Grounding]:
        """A map for each phrase, whatever the image."""
        lungs = self._table.gaussians["right"], self._table.gaussians["left"]
        return [Grounding(_map(self._table.of_phrase(phrase) or lungs, image)) for phrase in phrases]


def _map(gaussians: Sequence[Gaussian], image: Radiograph) -> Heatmap:
    centres = (np.arange(_GRID) + 0.5) / _GRID
    return Heatmap.whole(place_values(gaussians, centres, centres, _WIDTH), image.size)
