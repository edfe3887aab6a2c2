"""Which part of a text is the answer: what follows the reasoning, the words "Final Answer:", or stands in a box."""

from __future__ import annotations

import re
from typing import NamedTuple

ANSWER_AFTER = ("</think>", "<unused95>", "Final Answer:")
"""What announces an answer unless a convention says otherwise."""

_REASONING = (("<think>", "</think>"), ("<unused94>", "<unused95>"))
_BOXED = "\\boxed{"


class AnswerPart(NamedTuple):
    """The part of a text that is the answer.

    Attributes:
        text: The part.
        cut: Whether its own end is missing.
    """

    text: str
    cut: bool = False


def answer_part(text: str, after: tuple[str, ...] = ANSWER_AFTER) -> AnswerPart | None:
    r"""The part of a text that is the answer, so that numbers of the reasoning never count.

    What follows the last of each announcement is kept, then what stands in the last ``\boxed{}``.

    Args:
        text: What a model wrote.
        after: What announces an answer; letter case and asterisks of emphasis do not count.

    Returns:
        The part, or None where the text ends while the model was still reasoning.
    """
    for announcement in after:
        found = list(re.finditer(_loosely(announcement), text, re.IGNORECASE))
        text = text[found[-1].end() :] if found else text
    if any(text.rfind(opening) > text.rfind(closing) for opening, closing in _REASONING):
        return None
    start = text.rfind(_BOXED)
    return _boxed(text[start + len(_BOXED) :]) if start >= 0 else AnswerPart(text)


def _loosely(announcement: str) -> str:
    words, colon, _ = announcement.rpartition(":")
    return re.escape(words) + r"\*{0,2}:" if colon else re.escape(announcement)


def _boxed(text: str) -> AnswerPart:
    depth = 1
    for brace in re.finditer(r"[{}]", text):
        depth += 1 if brace.group() == "{" else -1
        if depth == 0:
            return AnswerPart(text[: brace.start()])
    return AnswerPart(text, cut=True)
