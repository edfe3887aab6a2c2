"""What a method answers, and what a protocol scores the answer against."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from .box import Box, ImageSize
from .heatmap import Heatmap
from .mask import Mask

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


@dataclass(frozen=True, eq=False)
class Target:
    """The ground truth that a protocol scores a grounding against.

    Attributes:
        boxes: Boxes in original-image pixels, in the data set's order.
        image_size: (width, height) of the original image.
        mask: The region where there are no boxes, loaded when it is needed.
    """

    boxes: Sequence[Box]
    image_size: ImageSize
    mask: Mask | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "boxes", tuple(self.boxes))


class Status(StrEnum):
    """Why a metric has the value it has."""

    OK = "ok"
    EMPTY_PREDICTION = "empty_prediction"
    CONSTANT_MAP = "constant_map"
    EMPTY_TARGET = "empty_target"
    FULL_TARGET = "full_target"
    OUTSIDE_VIEW = "outside_view"
    FAILED = "failed"


class MetricValue(NamedTuple):
    """One metric of one sample.

    Attributes:
        value: What the sample counts as under the protocol; None when it is left out of the averages.
        status: Why.
    """

    value: float | None
    status: Status = Status.OK
