"""The control that asks a method about the wrong phrase: how much of its score the phrase has earned."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from ...core import MethodError, Sample
from ...core.fingerprint import generator_from
from ..registry import register_method
from ..wrapping import described, name_of
from .asking import AskingControl


@register_method("shuffled-phrase")
class ShuffledPhrase(AskingControl):
    """A method's answer to another phrase than the sample's, scored against the sample's own boxes.

    The phrase is that of another sample of the same image whose boxes do not overlap these; where there is none, that
    of a sample of a pathology that the image does not have: of the train split, or, where the data set has none, of the
    evaluated one. A map that only shows what is striking in an image scores as well with the wrong phrase as with the
    right one.
    """

    def __init__(self, options: Any = None) -> None:
        """Build the method that is asked; it loads its weights in `setup`.

        Args:
            options: An `AskedOptions`.

        Raises:
            MethodError: If no method is named, or a control that is not asked about phrases.
        """
        super().__init__(options)
        self._others: tuple[Sample, ...] = ()
        self._of_image: dict[str, list[Sample]] = {}

    def fit(self, reference: Sequence[Sample], *, held_out: bool) -> None:
        """Keep the phrases that may stand in for another pathology's."""
        self._others = tuple(reference)
        self.note = f"{name_of(self.only())} asked about another phrase"

    def survey(self, samples: Sequence[Sample]) -> None:
        """Keep each image's samples, whose phrases come first; negatives are of nothing that it shows."""
        self._of_image = {}
        for sample in samples:
            if sample.negative:
                continue
            self._of_image.setdefault(sample.image_id, []).append(sample)

    def options_dict(self) -> dict[str, Any]:
        """The method that is asked, with all its options."""
        options = self.only().options_dict()
        # Side by side, as results have had it, but where the asked method asks others, whose names would hide its own.
        if {"method", "methods"} & options.keys():
            return described(self.only())
        return {"method": name_of(self.only()), **options}

    def question(self, sample: Sample) -> Sample:
        """The sample with another's phrase and pathology."""
        other = self._other(sample, self._of_image.get(sample.image_id, []))
        return replace(sample, phrase=other.phrase, pathology=other.pathology)

    def _other(self, sample: Sample, mine: Sequence[Sample]) -> Sample:
        apart = [other for other in mine if other.boxes and not _overlap(sample, other)] if sample.boxes else []
        here = {sample.pathology, *(other.pathology for other in mine)}
        choice = apart or [other for other in self._others if other.pathology not in here]
        if not choice:
            raise MethodError(f"there is no other phrase to ask about: all samples are of {', '.join(sorted(here))}")
        # Of the content: sample ids are keyed, with a secret in one's own data, and a draw must not depend on that.
        draw = generator_from("shuffled-phrase", sample.image_id, sample.phrase, sample.pathology)
        return choice[int(draw.integers(len(choice)))]


def _overlap(one: Sample, other: Sample) -> bool:
    return any(
        max(a.x0, b.x0) < min(a.x1, b.x1) and max(a.y0, b.y0) < min(a.y1, b.y1) for a in one.boxes for b in other.boxes
    )
