"""What a method answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .box import Box
from .heatmap import Heatmap

HEATMAP = "heatmap"
BOX = "box"


@dataclass(frozen=True, eq=False)
class Grounding:
    """A method's answer for one phrase: a heatmap, scored boxes, or both.

    Attributes:
        heatmap: The map, or None for a method that only answers with boxes.
        boxes: Boxes in original-image pixels, any number.
        truncated: Whether the phrase is longer than what the method's text encoder reads, so that its end had no say.
    """

    heatmap: Heatmap | None = None
    boxes: Sequence[Box] = ()
    truncated: bool = False

    def __post_init__(self) -> None:
        if self.heatmap is not None and not isinstance(self.heatmap, Heatmap):
            raise TypeError(f"a grounding's heatmap must be a Heatmap, got {type(self.heatmap).__name__}")
        boxes = tuple(self.boxes)
        if not all(isinstance(box, Box) for box in boxes):
            raise TypeError("a grounding's boxes must be Box objects")
        object.__setattr__(self, "boxes", boxes)
        object.__setattr__(self, "truncated", bool(self.truncated))
