"""Coordinate conventions: in which order, unit and frame the numbers of a text are meant."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Literal, get_args

from ...core import Box, ImageSize, MethodError
from ...core.errors import said
from ...core.registry import unknown_name
from .answer_part import ANSWER_AFTER
from .grammars import GRAMMARS, Grammar

Order = Literal["xy", "yx"]
Frame = Literal["whole", "padded-square", "centre-crop"]

PIXELS = "pixels"
"""The unit of conventions that count pixels of what the model got."""

FRACTIONS = 1.0
"""The unit of conventions whose numbers are fractions of the frame."""


@dataclass(frozen=True)
class Convention:
    """What the numbers of an answer mean.

    Attributes:
        name: How it is asked for.
        grammar: How boxes are written, a name of `GRAMMARS`.
        order: Whether x or y comes first in (x0, y0, x1, y1).
        unit: The number that stands for the frame's far edge, such as 1000, 1 for fractions; or "pixels", of the image
            that the model got.
        offset: What is added to a number before it is read: .5 where numbers are the indices of bins.
        frame: What of the image the model got: "whole" (resized or squashed in whatever way), "padded-square" (the
            shorter side padded at both ends), "centre-crop" (the longer side cropped at both ends).
        answer_after: What announces the answer in a text; what stands before it is reasoning.
    """

    name: str
    grammar: str
    order: Order
    unit: float | Literal["pixels"]
    offset: float = 0.0
    frame: Frame = "whole"
    answer_after: tuple[str, ...] = ANSWER_AFTER

    def __post_init__(self) -> None:
        if self.grammar not in GRAMMARS:
            raise unknown_name("grammar", self.grammar, GRAMMARS)
        for value, allowed in ((self.order, Order), (self.frame, Frame)):
            if value not in get_args(allowed):
                what = "order" if allowed is Order else "frame"
                raise MethodError(f"the {what} {value!r} is unknown; it must be one of {', '.join(get_args(allowed))}")
        number = isinstance(self.unit, (int, float)) and not isinstance(self.unit, bool)
        if self.unit != PIXELS and not (number and math.isfinite(self.unit) and self.unit >= 1):  # type: ignore[operator]
            raise MethodError(f'the unit {self.unit!r} is none: it is a number from 1 on, such as 1000, or "pixels"')
        if self.offset not in (0, 0.5):
            raise MethodError(f"the offset {self.offset!r} is none: it is 0, or 0.5 where numbers are indices of bins")
        cells = self.rules.cells
        if cells is not None and (self.unit, self.order, self.offset) != (cells, "xy", 0):
            raise MethodError(
                f'the grammar {self.grammar} counts cells: it needs unit = {cells}, order = "xy" and offset = 0'
            )
        if self.unit == FRACTIONS and not self.rules.numbers_in_brackets:
            raise MethodError(
                f"the grammar {self.grammar} is made of whole numbers, and unit = 1 is for fractions; give the number "
                "that stands for the far edge, such as 1000"
            )

    @property
    def key(self) -> str:
        """What is stored beside a text: the name of a known convention, of any other all of it, as JSON."""
        return self.name if CONVENTIONS.get(self.name) == self else json.dumps(asdict(self))

    @property
    def rules(self) -> Grammar:
        """The grammar."""
        return GRAMMARS[self.grammar]

    def sides(self, model_input_size: ImageSize | None) -> tuple[float, float]:
        """The numbers that stand for the frame's right and bottom edge.

        Raises:
            MethodError: If they are the model's pixels and its input's size is unknown.
        """
        if self.unit != PIXELS:
            return float(self.unit), float(self.unit)
        if model_input_size is None:
            raise MethodError(
                f"the convention {self.name!r} counts pixels of the image that the model got, and its size is not given"
            )
        return float(model_input_size[0]), float(model_input_size[1])

    def in_image(self, box: Box, image_size: ImageSize) -> Box:
        """A box in fractions of the frame as one in the original image's pixels, clipped to the image."""
        x, y, width, height = self._on_image(image_size)
        return Box(x + box.x0 * width, y + box.y0 * height, x + box.x1 * width, y + box.y1 * height, box.score).clipped(
            image_size
        )

    def in_frame(self, box: Box, image_size: ImageSize) -> Box:
        """A box in the original image's pixels as one in fractions of the frame, clipped to it."""
        x, y, width, height = self._on_image(image_size)
        return Box(
            (box.x0 - x) / width, (box.y0 - y) / height, (box.x1 - x) / width, (box.y1 - y) / height, box.score
        ).clipped((1, 1))

    def _on_image(self, image_size: ImageSize) -> tuple[float, float, float, float]:
        """Left, top, width and height of the frame in the original image's pixels."""
        width, height = image_size
        if self.frame == "whole":
            return 0.0, 0.0, width, height
        side = max(image_size) if self.frame == "padded-square" else min(image_size)
        return (width - side) / 2, (height - side) / 2, side, side


def _table(*conventions: Convention) -> Mapping[str, Convention]:
    return {convention.name: convention for convention in conventions}


# Sources: methods' papers, cards and evaluation code, as docs/methods/answers.md names them.
CONVENTIONS = _table(
    Convention("qwen2_vl", "qwen-tags", "xy", 1000),
    Convention("qwen2_5_vl", "bbox_2d", "xy", PIXELS),
    Convention("qwen3_vl", "bbox_2d", "xy", 1000),
    Convention("chexagent2", "box-tags", "xy", 100),
    Convention("medgemma", "box_2d", "yx", 1000, frame="padded-square"),
    Convention("gemma3", "box_2d", "yx", 1000),
    # big_vision writes round(1023 x) and divides by 1023 when it evaluates; other parsers divide by 1024.
    Convention("paligemma", "loc-tokens", "yx", 1023),
    Convention("kosmos2", "patch-indices", "xy", 32),
    Convention("internvl", "box-lists", "xy", 1000),
    Convention("llava_fractions", "prose-lists", "xy", FRACTIONS),
    Convention("deepseek_vl2", "det-tags", "xy", 999),
    Convention("maira2", "obj-boxes", "xy", 100, offset=0.5, frame="centre-crop"),
    Convention("florence2", "labelled-loc-tokens", "xy", 1000, offset=0.5),
    Convention("florence2_agkd", "labelled-loc-tokens", "xy", 1000, offset=0.5, frame="padded-square"),
)
"""The conventions of known models by name."""


def convention_of(key: str) -> Convention:
    """A convention by its name, or by its `key`.

    Raises:
        UnknownNameError: If there is none of this name.
        MethodError: If it is no convention's key.
    """
    if key.startswith("{"):
        try:
            fields = json.loads(key)
            return Convention(**{**fields, "answer_after": tuple(fields["answer_after"])})
        except (ValueError, TypeError, KeyError) as error:
            raise MethodError(f"a convention that begins with {key[:40]!r} cannot be read: {said(error)}") from error
    if key not in CONVENTIONS:
        raise unknown_name("convention", key, CONVENTIONS)
    return CONVENTIONS[key]
