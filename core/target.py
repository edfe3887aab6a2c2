"""What a protocol scores an answer against, and what it says of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple, Self

from .box import Box, ImageSize
from .mask import Mask


@dataclass(frozen=True, eq=False)
class Target:
    """The ground truth that a protocol scores a grounding against.

    Attributes:
        boxes: Boxes in original-image pixels, in the data set's order.
        image_size: (width, height) of the original image.
        mask: The region where there are no boxes, loaded when it is needed.
        negative: Whether there is nothing to mark, by right: the image does not show what the phrase says.
    """

    boxes: Sequence[Box]
    image_size: ImageSize
    mask: Mask | None = None
    negative: bool = False

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
    NOT_APPLICABLE = "not_applicable"
    NEGATIVE = "negative"
    FAILED = "failed"


class MetricValue(NamedTuple):
    """One metric of one sample.

    Attributes:
        value: What the sample counts as under the protocol; None when it is left out of the averages.
        status: Why.
    """

    value: float | None
    status: Status = Status.OK


class PartsValue(MetricValue):
    """One metric of one sample, whose cells are no means.

    Attributes:
        parts: What the sample adds to a cell: a list for each column of the metric's reducer; None where it is left
            out.
    """

    parts: tuple[Sequence[float], ...] | None

    def __new__(
        cls, value: float | None, status: Status = Status.OK, parts: tuple[Sequence[float], ...] | None = None
    ) -> Self:
        """Keep the parts beside value and status."""
        made = super().__new__(cls, value, status)
        made.parts = parts
        return made
