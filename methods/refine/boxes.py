"""Boxes from another method's heatmap, by a stated rule."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Literal

from ...core import BOX, HEATMAP, Box, Grounding, Heatmap, Query
from ..registry import register_method
from ..wrapping import AskedOptions, WrappingMethod, require_emitted
from .rules import box_by_percentile, boxes_by_threshold


@dataclass(frozen=True)
class BoxesOptions(AskedOptions):
    """Which method is asked, and how its maps become boxes."""

    rule: Literal["v2", "otsu", "percentile"] = field(
        default="v2",
        metadata={
            "help": "v2: pieces of the min-max normalised map above .5 with at least half of the largest's mass; otsu: "
            "the same above Otsu's threshold; percentile: the largest piece above a percentile of the pixels"
        },
    )
    percentile: float = field(default=95.0, metadata={"help": "of rule=percentile, from 0 to below 100"})

    def __post_init__(self) -> None:
        if not 0 <= self.percentile < 100:
            raise ValueError(f"percentile must be from 0 to below 100, got {self.percentile:g}")


@register_method("boxes")
class Boxes(WrappingMethod):
    """Another method's heatmap, with the boxes that a stated rule draws around its strong pieces.

    The map stays in the answer as it is. Boxes lie on the edges of the map's own cells, and are scored by the highest
    value in them of the normalised map; a map of one value has none.
    """

    Options: ClassVar[type[Any]] = BoxesOptions
    emits = frozenset({HEATMAP, BOX})

    def __init__(self, options: Any = None) -> None:
        """Build the method that is asked.

        Raises:
            MethodError: If none is named, or one that answers without a heatmap.
        """
        super().__init__(options)
        require_emitted(self.name, self.only(), HEATMAP)
        # A protocol may treat maps of one kind in its own way.
        self.__dict__["kind"] = self.only().kind

    def ground_batch(self, queries: Sequence[Query]) -> list[Grounding]:
        """The answers of the method that is asked, each with its map's boxes in place of its own."""
        (spec,) = self.asked
        return [self._with_boxes(answer) for answer in self.answers(spec, queries)]

    def _with_boxes(self, answer: Grounding) -> Grounding:
        # What was written beside a map says other boxes.
        return replace(answer, boxes=self._boxes(answer.heatmap), written=None)

    def _boxes(self, heatmap: Heatmap | None) -> tuple[Box, ...]:
        if heatmap is None:
            return ()
        if self.options.rule == "percentile":
            return box_by_percentile(heatmap, self.options.percentile)
        return boxes_by_threshold(heatmap, self.options.rule)
