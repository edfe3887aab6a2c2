"""The control that knows the answer and has to write it down: what a format of coordinates costs by itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from ...core import BOX, Grounding, MethodError, Sample
from ..base import ControlMethod
from ..ground_truth import true_boxes
from ..options import require_at_least_one
from ..registry import register_method
from .parsing import parse, write
from .presets import PRESETS, preset


@dataclass(frozen=True)
class FormatCeilingOptions:
    """Which format the ground truth is written in."""

    preset: str = field(
        default="", metadata={"help": f"whose format it is written in: {', '.join(PRESETS)}, or a FILE.toml"}
    )
    max_pixels: int | None = field(
        default=None,
        metadata={
            "help": "area in pixels that the image is resized to at most before a model gets it; counts for formats in "
            "pixels of that image. None: the preset's"
        },
    )

    def __post_init__(self) -> None:
        require_at_least_one(self, "max_pixels")


@register_method("format-ceiling")
class FormatCeiling(ControlMethod):
    """The ground truth, written as a preset's model would write it and read back: the most that such a model can reach.

    What the format's steps and its frame lose stays lost: a format of 32 cells a side rounds, and a frame that crops
    the image cannot name what it cuts off. All true boxes are written; a model of which fewer count reaches less.
    """

    Options: ClassVar[type[Any]] = FormatCeilingOptions
    emits = frozenset({BOX})
    licence = "Apache-2.0"

    def __init__(self, options: Any = None) -> None:
        """Find the preset.

        Args:
            options: A `FormatCeilingOptions`.

        Raises:
            MethodError: If no preset is named, or it cannot be read.
            UnknownNameError: If there is no such preset.
        """
        super().__init__(options)
        if not self.options.preset:
            raise MethodError(f"format-ceiling needs the format, its option preset=NAME: {', '.join(PRESETS)}")
        self._preset = preset(self.options.preset)
        self.note = f"answers with the ground truth, written in the format {self._preset.name} and read back"

    def ground_samples(self, samples: Sequence[Sample]) -> list[Grounding]:
        """The true boxes as they come back; where a sample has none, what comes back of saying so.

        Raises:
            MethodError: If the format does not hold what was written in it.
        """
        return [self._read_back(sample) for sample in samples]

    def _read_back(self, sample: Sample) -> Grounding:
        convention, size = self._preset.convention, sample.image_size
        model_input_size = self._preset.input_size(size, self.options.max_pixels)
        text = write(true_boxes(sample), convention, size, model_input_size)
        parsed = parse(text, convention, size, model_input_size)
        if parsed.kind == "unparseable":
            raise MethodError(f"the format {convention.name} does not read back what it writes: {parsed.reason}")
        return Grounding(boxes=parsed.boxes)
