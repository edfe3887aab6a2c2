"""Answers in words as groundings: what a method wrote is kept, and its boxes are read out of it."""

from __future__ import annotations

from dataclasses import replace

from ...core import Grounding, ImageSize, Written
from .conventions import Convention, convention_of
from .parsing import PARSER_VERSION, Parsed, parse


def written_answer(
    text: str,
    convention: Convention | str,
    image_size: ImageSize,
    model_input_size: ImageSize | None = None,
    *,
    score: float | None = None,
    most: int | None = None,
    truncated: bool = False,
) -> Grounding:
    """The grounding of a method that wrote `text`; one without a box where it is a refusal or cannot be read.

    A method raises nothing for a text that cannot be read: it is an answer, which is stored, and counted as failed when
    it is scored.

    Args:
        text: What the model wrote, as its convention needs it (special tokens included or not).
        convention: What the numbers mean, or its name.
        image_size: (width, height) of the original image.
        model_input_size: (width, height) of the image that the model got; only conventions in pixels need it.
        score: The score of each box.
        most: How many boxes count, the first ones; None for all.
        truncated: As in `Grounding`.
    """
    key = convention.key if isinstance(convention, Convention) else convention_of(convention).key
    written = Written(text, key, model_input_size, score, most)
    return reread(Grounding(truncated=truncated, written=written), image_size)


def reread(grounding: Grounding, image_size: ImageSize) -> Grounding:
    """A grounding with the boxes that today's parser reads out of what was written; as it is without a text.

    Raises:
        MethodError: If the convention is unknown, or counts pixels of an image whose size is not given.
    """
    written = grounding.written
    if written is None:
        return grounding
    boxes = parsed(written, image_size).boxes
    return replace(grounding, boxes=boxes, written=replace(written, parser=PARSER_VERSION))


def parsed(written: Written, image_size: ImageSize) -> Parsed:
    """What was written, as today's parser reads it: the boxes that count, with their score."""
    found = parse(written.text, written.convention, image_size, written.input_size)
    return replace(found, boxes=tuple(replace(box, score=written.score) for box in found.boxes[: written.most]))
