"""Which of a method's boxes count, chosen when they are scored: the store has all of them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

import numpy as np

from ..core import BOX, Box, GroundCXRError, Grounding
from ..core.doubts import Doubt
from ..methods import GroundingMethod
from .answers import Answer
from .schema import AnswersInfo

LOW_SCORES = (
    "boxes enter the union with less than half of their sample's best score (negative ones taken for logits), and all "
    "that do count alike: choose by score with --min-score or --top (in Python min_score, top)"
)

NO_BOX = "samples are answered and not one of them has a box that counts: look at the answers, and at --min-score"

_MANY = 5
"""Low-scored boxes a sample from which on the union is of other things than what the method is sure of."""


def make_choice(min_score: float | None, top: int | None) -> AnswersInfo | None:
    """A choice as results record it; None where all boxes count.

    Args:
        min_score: Only boxes of at least this score count.
        top: Then only the best so many of each sample.

    Raises:
        GroundCXRError: If a value does not fit.
    """
    if min_score is not None and not math.isfinite(min_score):
        raise GroundCXRError(f"the least score {min_score} does not fit: give a finite number")
    if top is not None and top < 1:
        raise GroundCXRError(f"the best {top} boxes of a sample cannot be scored: give at least 1")
    return None if min_score is None and top is None else AnswersInfo(min_score=min_score, top=top)


def refuse_choice(method: GroundingMethod, label: str, choice: AnswersInfo | None) -> None:
    """Refuse a choice among the boxes of a method that answers with none.

    Raises:
        GroundCXRError: If there is a choice and there are no boxes.
    """
    if choice is not None and BOX not in method.emits:
        raise GroundCXRError(f"{label} answers without boxes, so --min-score and --top have nothing to choose from")


def describe(choice: AnswersInfo | None) -> str:
    """A choice in words; "" where all boxes count."""
    words = {"min-score": "with a score of at least {:g}", "top": "the best {} of a sample"}
    return ", ".join(words[name].format(value) for name, value in options_of(choice).items())


def options_of(choice: AnswersInfo | None) -> dict[str, float]:
    """A choice as options of the command line, by name; empty where all boxes count."""
    given = {} if choice is None else {"min-score": choice.min_score, "top": choice.top}
    return {name: value for name, value in given.items() if value is not None}


def choose(grounding: Grounding, choice: AnswersInfo | None) -> Grounding:
    """An answer with the boxes that count: first those of at least the least score, then the best of them.

    Boxes of one score are taken in the method's order.

    Raises:
        ValueError: If a box that the choice is about has no score.
    """
    if choice is None:
        return grounding
    kept = list(grounding.boxes)
    if choice.min_score is not None:
        scores = _scores(kept)
        kept = [box for box, score in zip(kept, scores, strict=True) if score >= choice.min_score]
    if choice.top is not None and len(kept) > choice.top:
        scores = _scores(kept)
        best = sorted(range(len(kept)), key=lambda place: -scores[place])[: choice.top]
        kept = [kept[place] for place in sorted(best)]
    return replace(grounding, boxes=kept)


class BoxesInUnion:
    """The answers of a run with the boxes that count, and what is odd about these: none at all, many of low scores."""

    def __init__(self, choice: AnswersInfo | None) -> None:
        """Nothing is counted yet.

        Args:
            choice: Which boxes count; None for all.
        """
        self._choice = choice
        self._answers = self._samples = self._low = 0
        self._first = self._example = ""

    def chosen(self, answers: Iterable[Answer]) -> Iterator[Answer]:
        """Each answer of a run with the boxes that count.

        Raises:
            GroundCXRError: If the choice needs a score and a box has none.
        """
        for answer in answers:
            if not isinstance(answer.prediction, Grounding):
                yield answer
                continue
            try:
                grounding = choose(answer.prediction, self._choice)
            except ValueError as error:
                raise GroundCXRError(f"{error}; leave out --min-score and --top, or give every box a score") from error
            sample_id = answer.sample.sample_id
            self._answers += 1
            self._first = self._first or f"sample {sample_id}"
            if grounding.boxes:
                self._samples += 1
                low = _count_low(grounding.boxes)
                self._low += low
                if low and not self._example:
                    self._example = f"{low} of {len(grounding.boxes)} boxes of sample {sample_id}"
            yield answer if self._choice is None else replace(answer, prediction=grounding)

    def join(self, other: BoxesInUnion) -> None:
        """Count what another has counted of the answers that come next."""
        self._answers += other._answers
        self._samples += other._samples
        self._low += other._low
        self._first = self._first or other._first
        self._example = self._example or other._example

    def doubts(self) -> list[Doubt]:
        """That no box counts; that many low-scored ones do, where nobody chose them."""
        if self._answers and not self._samples:
            return [Doubt(NO_BOX, self._answers, self._first)]
        many = self._samples > 0 and self._low >= _MANY * self._samples
        return [Doubt(LOW_SCORES, self._low, self._example)] if many and self._choice is None else []


def _scores(boxes: Sequence[Box]) -> list[float]:
    scores = [box.score for box in boxes if box.score is not None]
    if len(scores) != len(boxes):
        raise ValueError("boxes without a score cannot be chosen by score")
    return scores


def _count_low(boxes: Sequence[Box]) -> int:
    scores = np.array([box.score for box in boxes if box.score is not None])
    if scores.size and scores.min() < 0:
        # Half of a logit says nothing, half of its probability does; e to the -700 is still a number.
        scores = 1 / (1 + np.exp(-scores.clip(-700, 700)))
    return int((scores < scores.max(initial=0.0) / 2).sum())
