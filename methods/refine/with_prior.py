"""Another method's heatmaps, weighted by where the place of the phrase usually is."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import numpy as np

from ...core import HEATMAP, Grounding, Heatmap, MethodError, Query
from ...core.anatomy import values_on
from ...core.fingerprint import digest
from ...core.map_cells import stretched
from ...core.place_words import VERSION
from ...core.supervision import ANATOMY
from ..place_prior import TABLE_HELP, note_of, table_of
from ..registry import register_method
from ..wrapping import AskedOptions, WrappingMethod, name_of, require_emitted


@dataclass(frozen=True)
class WithPriorOptions(AskedOptions):
    """Which method is asked, and where places usually are."""

    table: str = field(default="", metadata={"help": TABLE_HELP})
    width: float = field(default=3.0, metadata={"help": "what the table's standard deviations are multiplied by"})

    def __post_init__(self) -> None:
        if not (math.isfinite(self.width) and self.width > 0):
            raise ValueError(f"width must be more than 0, got {self.width:g}")


@register_method("with-prior")
class WithPrior(WrappingMethod):
    """Another method's heatmap, min-max normalised, times the Gaussian of the places that the phrase names.

    Nothing is trained. The Gaussian's peak is 1; of several places the highest value counts. A map for a phrase without
    a place stays as it is, and so does a map of one value.
    """

    Options: ClassVar[type[Any]] = WithPriorOptions
    emits = frozenset({HEATMAP})
    supervision: str | None = ANATOMY

    def __init__(self, options: Any = None) -> None:
        """Build the method that is asked, and read the table.

        Raises:
            MethodError: If no method or no table is named, or one that answers without a heatmap or has its maps masked
                by Otsu's threshold.
            GroundCXRError: If the table cannot be read.
        """
        super().__init__(options)
        require_emitted(self.name, self.only(), HEATMAP)
        self._refuse_masked()
        self._table = table_of(self.options.table, self.name)
        self.trained_on: tuple[str, ...] = (*self.trained_on, self._table.source)
        self.note: str = note_of(self._table)
        # A protocol may treat maps of one kind in its own way; a control stays one.
        self.__dict__["kind"] = self.only().kind

    def fingerprint(self) -> str:
        """As of any method that asks another, with the table's content and the version of the rules of places."""
        return digest(super().fingerprint(), self._table.digest, VERSION)

    def ground_batch(self, queries: Sequence[Query]) -> list[Grounding]:
        """The answers of the method that is asked, weighted.

        Raises:
            MethodError: If one is without a map.
        """
        (spec,) = self.asked
        answers = self.answers(spec, queries)
        return [self._weighted(answer, query.phrase) for answer, query in zip(answers, queries, strict=True)]

    def _weighted(self, answer: Grounding, phrase: str) -> Grounding:
        heatmap = answer.heatmap
        if heatmap is None:
            raise MethodError(f"{name_of(self.only())} answered without a map, so there is nothing to weight")
        gaussians, unit = self._table.of_phrase(phrase), stretched(heatmap.values)
        if gaussians and unit is not None:
            values = unit * values_on(gaussians, heatmap, self.options.width)
            heatmap = Heatmap(values.astype(np.float32), heatmap.extent, heatmap.image_size)
        # Boxes and words beside a map are of the map as it was.
        return replace(answer, heatmap=heatmap, boxes=(), written=None)

    def _refuse_masked(self) -> None:
        for one in self.answering():
            if one.options_dict().get("otsu") is True:
                raise MethodError(
                    f"{self.name} weights whole maps, and {name_of(one)} sets what is below Otsu's threshold to 0; "
                    "turn that off among its settings: settings='otsu=false'"
                )
