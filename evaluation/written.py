"""Answers in words on their way to be scored: read by today's parser, whatever read them before, and counted."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Literal, NamedTuple

from ..core import ImageSize, Written
from ..core.sizes import counted
from ..methods.boxes.parsing import PARSER_VERSION
from ..methods.boxes.reading import parsed
from .prediction import Failure, Prediction
from .schema import TextsInfo

UNPARSEABLE = "Unparseable"
"""The kind of failure of a text that cannot be read; what it says is the beginning of the text, for the user alone."""

_SHOWN = 80


class Reading(NamedTuple):
    """How an answer in words was read.

    Attributes:
        kind: What it says.
        repaired: Whether it keeps to its format only after a repair.
        former: Version of the parser that has read it before, where that is another one; "" otherwise.
    """

    kind: Literal["boxes", "refusal", "unparseable"]
    repaired: bool
    former: str = ""


def read(prediction: Prediction, image_size: ImageSize) -> tuple[Prediction, Reading | None]:
    """An answer with the boxes that today's parser reads, and how it was read; an answer without a text as it is.

    A text that cannot be read is a failure, of this answer alone: it was given, and is not asked for again.

    Args:
        prediction: As it was made or stored.
        image_size: (width, height) of its image.
    """
    if isinstance(prediction, Failure) or prediction.written is None:
        return prediction, None
    written = prediction.written
    found = parsed(written, image_size)
    reading = Reading(found.kind, found.repaired, "" if written.parser == PARSER_VERSION else written.parser)
    if found.kind == "unparseable":
        return Failure(UNPARSEABLE, beginning(written)), reading
    return replace(prediction, boxes=found.boxes), reading


def beginning(written: Written) -> str:
    """The first 80 characters of a text, for messages."""
    return " ".join(written.text[:_SHOWN].split()) or "an empty text"


def texts_info(readings: Iterable[Reading | None]) -> TextsInfo | None:
    """What a result says of its answers in words; None where there are none."""
    found = [one for one in readings if one is not None]
    if not found:
        return None
    kinds = [one.kind for one in found]
    return TextsInfo(
        parser=PARSER_VERSION,
        answers=len(found),
        refusals=kinds.count("refusal"),
        unparseable=kinds.count("unparseable"),
        repaired=sum(one.repaired for one in found),
    )


def reread_note(label: str, readings: Iterable[Reading | None]) -> str | None:
    """That stored texts were read by another version of the parser than before; None where none was."""
    former = [one.former for one in readings if one is not None and one.former]
    if not former:
        return None
    versions = " and ".join(sorted(set(former)))
    return (
        f"note: {counted(len(former), 'stored text')} of {label} read again by version {PARSER_VERSION} of the parser, "
        f"version {versions} having read {'it' if len(former) == 1 else 'them'} before; no model was asked"
    )


def describe(texts: TextsInfo) -> str:
    """The counts, in words."""
    return (
        f"{counted(texts.answers, 'answer')} in words: {texts.refusals:,} refused, {texts.unparseable:,} unparseable, "
        f"{texts.repaired:,} repaired (parser {texts.parser})"
    )
