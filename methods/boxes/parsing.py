"""What a model wrote, as boxes in the original image's pixels; and boxes as a model would write them.

The rules: what follows the reasoning counts; then the convention's grammar, else four numbers in brackets or two pairs,
never numbers of the prose; what is incomplete is left out, boxes that repeat are merged, corners in the wrong order are
swapped, numbers up to a tenth beyond the frame are clipped; and what is none of this is not guessed.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from ...core import Box, ImageSize
from .answer_part import answer_part
from .conventions import FRACTIONS, PIXELS, Convention, convention_of
from .grammars import Numbers, in_brackets, looks_like_coordinates

PARSER_VERSION = "2"
"""Changes whenever some text is read in another way than before; a result states it."""

BEYOND = 0.1
"""How far beyond the frame, in parts of its side, a number may lie and be clipped; beyond it is of another frame."""


def _stated_order(first: str, second: str) -> re.Pattern[str]:
    """Words that say that numbers are no two corners, or that `first` comes first in a corner."""
    return re.compile(
        r"\bc?x\W{1,4}c?y\W{1,4}w(?:idth)?\W{1,4}h(?:eight)?\b|c?x_?c?y_?wh\b|\bcent(?:er|re)[_ ]?x\b"
        rf"|[\[(]\W{{0,2}}{first}_?(?:min|[01])\W{{1,4}}{second}_?(?:min|[01])|{first}{second}{first}{second}\b",
        re.IGNORECASE,
    )


_OTHER_ORDER = {"xy": _stated_order("y", "x"), "yx": _stated_order("x", "y")}

_NOTHING = re.compile(r"\[\s*\]|\bnull\b")
_DENIAL = re.compile(
    r"\b(?:no|not|none|nothing|nowhere|neither|never|cannot|without|absent|absence|unable|negative|\w+n['\u2019]t)\b",
    re.IGNORECASE,
)
_SPECIAL_TOKEN = re.compile(r"<[^<>\s]{1,40}>")


@dataclass(frozen=True)
class Parsed:
    """What an answer says.

    Attributes:
        boxes: Boxes in original-image pixels, inside the image and with an area; of kind "boxes" there may be none
            left, where all that was named lies in the frame's padding.
        kind: "boxes"; "refusal", where the answer is that there is nothing to mark; "unparseable".
        repaired: Whether the text keeps to its format only after a repair; what was read is what it says all the same.
        reason: Why it is unparseable, "" where it is not; holds nothing of the text.
    """

    boxes: tuple[Box, ...] = ()
    kind: Literal["boxes", "refusal", "unparseable"] = "boxes"
    repaired: bool = False
    reason: str = ""


def parse(
    text: str, convention: Convention | str, image_size: ImageSize, model_input_size: ImageSize | None = None
) -> Parsed:
    """The boxes that a model wrote.

    Args:
        text: What it wrote, special tokens included where the grammar is made of them.
        convention: What the numbers mean, or its name or key.
        image_size: (width, height) of the original image.
        model_input_size: (width, height) of the image that the model got; only conventions in pixels need it.

    Raises:
        UnknownNameError: If there is no convention of this name.
        MethodError: If the convention counts pixels of an image whose size is not given.
    """
    if isinstance(convention, str):
        convention = convention_of(convention)
    sides = convention.sides(model_input_size)
    part = answer_part(text, convention.answer_after)
    if part is None:
        return Parsed(kind="unparseable", reason="the reasoning does not end")
    found = convention.rules.find(part.text)
    if not found.boxes and convention.rules.numbers_in_brackets:
        found = in_brackets(part.text)
    if not found.boxes:
        return _without_boxes(part.text, convention)
    if _OTHER_ORDER[convention.order].search(part.text):
        return Parsed(kind="unparseable", reason="it says that its numbers are in another order")

    repaired = part.cut or not found.whole
    boxes: dict[Box, None] = {}
    for numbers in found.boxes:
        if not any(map(float, numbers)):
            continue  # four zeros are how a missing box is written
        read = _read(numbers, convention, sides)
        if isinstance(read, str):
            return Parsed(kind="unparseable", reason=read)
        repaired = repaired or read.repaired or read.box in boxes
        boxes[read.box] = None
    if not boxes:
        return Parsed(kind="refusal", repaired=repaired)
    placed = dict.fromkeys(convention.in_image(box, image_size) for box in boxes)
    return Parsed(tuple(box for box in placed if box.area > 0), repaired=repaired)


@dataclass(frozen=True)
class _Read:
    box: Box
    repaired: bool


def _read(numbers: Numbers, convention: Convention, sides: tuple[float, float]) -> _Read | str:
    """A box in fractions of the frame; a text where the numbers cannot be meant so, and why."""
    values = [float(number) for number in numbers]
    whole = all(re.fullmatch(r"[-+]?[0-9]+", number) for number in numbers)
    offset, repaired = convention.offset, False
    if convention.unit == FRACTIONS:
        if whole:
            return "whole numbers where fractions are expected"
    elif convention.rules.numbers_in_brackets and not whole and max(values) <= 1 + BEYOND:
        if max(values) > 1:
            return "fractions beyond the frame where whole numbers are expected"
        sides, offset, repaired = (1.0, 1.0), 0.0, True
    x0, y0, x1, y1 = values if convention.order == "xy" else (values[1], values[0], values[3], values[2])
    spans = []
    for (low, high), side in zip(((x0, x1), (y0, y1)), sides, strict=True):
        if not all(-BEYOND * side <= value <= (1 + BEYOND) * side for value in (low, high)):
            return f"a number more than {BEYOND:.0%} beyond the frame"
        repaired = repaired or low > high
        # Pixels have no largest number that a model could know, so one beyond them breaks no format.
        repaired = repaired or (convention.unit != PIXELS and not (min(low, high) >= 0 and max(low, high) <= side))
        spans.append([min(max((value + offset) / side, 0.0), 1.0) for value in sorted((low, high))])
    return _Read(Box(spans[0][0], spans[1][0], spans[0][1], spans[1][1]), repaired)


def _without_boxes(text: str, convention: Convention) -> Parsed:
    """Whether a text without a box says that there is none."""
    tags = convention.rules.tags
    if (tags is not None and tags.search(text)) or looks_like_coordinates(text):
        return Parsed(kind="unparseable", reason="coordinates that are not a box of the format")
    if _NOTHING.search(text) or _DENIAL.search(text):
        return Parsed(kind="refusal")
    said = _SPECIAL_TOKEN.sub("", text).strip()
    if tags is not None and not (said and (not re.search(r"[^\W\d_]", said) or len(re.findall(r"[0-9]+", said)) >= 4)):
        return Parsed(kind="refusal")
    return Parsed(kind="unparseable", reason="no box of the format, and no word that there is none")


def write(
    boxes: Iterable[Box],
    convention: Convention | str,
    image_size: ImageSize,
    model_input_size: ImageSize | None = None,
) -> str:
    """The answer that a perfect model would give: `boxes` as exactly as the format allows.

    Args:
        boxes: Boxes in original-image pixels; none for the answer that there is nothing.
        convention: What the numbers mean, or its name or key.
        image_size: (width, height) of the original image.
        model_input_size: (width, height) of the image that the model got; only conventions in pixels need it.

    Raises:
        UnknownNameError: If there is no convention of this name.
        MethodError: If the convention counts pixels of an image whose size is not given.
    """
    if isinstance(convention, str):
        convention = convention_of(convention)
    sides = convention.sides(model_input_size)
    spelled = [_spelled(convention.in_frame(box, image_size), convention, sides) for box in boxes]
    return convention.rules.written(spelled) if spelled else "There is none."


def _spelled(box: Box, convention: Convention, sides: tuple[float, float]) -> tuple[str, ...]:
    values = tuple(value * side for value, side in zip(box.as_tuple(), sides * 2, strict=True))
    if convention.order == "yx":
        values = (values[1], values[0], values[3], values[2])
    if convention.rules.spell is not None:
        return convention.rules.spell(values)
    if convention.unit == FRACTIONS:
        return tuple(f"{value:.2f}" for value in values)
    if convention.offset:
        last = math.ceil(sides[0]) - 1
        return tuple(str(min(math.floor(value), last)) for value in values)
    return tuple(str(round(value)) for value in values)
