"""The control that knows the answer: the upper end of every metric's scale."""

from __future__ import annotations

from collections.abc import Sequence

from ...core import BOX, HEATMAP, Grounding, Heatmap, Sample
from ..base import ControlMethod
from ..ground_truth import true_boxes, true_pixels
from ..registry import register_method


@register_method("oracle")
class Oracle(ControlMethod):
    """Answers with the ground truth itself, as a 0/1 map of every pixel and as boxes."""

    emits = frozenset({HEATMAP, BOX})
    licence = "Apache-2.0"
    note = "answers with the ground truth"

    def ground_samples(self, samples: Sequence[Sample]) -> list[Grounding]:
        """The boxes and their union; where a sample has none, the mask and the box of each of its connected regions."""
        return [Grounding(Heatmap.whole(true_pixels(one), one.image_size), true_boxes(one)) for one in samples]
