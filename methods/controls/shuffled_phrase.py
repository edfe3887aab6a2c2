"""The control that asks a method about the wrong phrase: how much of its score the phrase has earned."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

from ...core import Grounding, MethodError, Query, Sample
from ...core.fingerprint import digest, generator_from
from ..base import ControlMethod, GroundingMethod, PhraseControl
from ..loading import build_method
from ..registry import register_method
from ..wrapping import saying_where_options_stand, settings_of


@dataclass(frozen=True)
class ShuffledPhraseOptions:
    """Which method is asked."""

    method: str = field(default="", metadata={"help": "the method that is asked: NAME or FILE.py[:CLASS]"})
    settings: str = field(default="", metadata={"help": "its options, with spaces between them: 'KEY=VALUE KEY=VALUE'"})


@register_method("shuffled-phrase")
class ShuffledPhrase(PhraseControl):
    """A method's answer to another phrase than the sample's, scored against the sample's own boxes.

    The phrase is that of another sample of the same image whose boxes do not overlap these; where there is none, that
    of a sample of a pathology that the image does not have: of the train split, or, where the data set has none, of the
    evaluated one. A map that only shows what is striking in an image scores as well with the wrong phrase as with the
    right one.
    """

    Options: ClassVar[type[Any]] = ShuffledPhraseOptions

    def __init__(self, options: Any = None) -> None:
        """Build the method that is asked; it loads its weights in `setup`.

        Args:
            options: A `ShuffledPhraseOptions`.

        Raises:
            MethodError: If no method is named, or a control that is not asked about phrases.
        """
        super().__init__(options)
        if not self.options.method:
            raise MethodError("shuffled-phrase needs the method that it asks, its option method=NAME")
        asked = build_method(self.options.method, settings_of(self.options.settings, "shuffled-phrase"))
        if isinstance(asked, ControlMethod):
            raise MethodError(
                f"shuffled-phrase cannot ask the control {self.options.method!r}, which reads samples and not phrases"
            )
        self._asked: GroundingMethod = asked
        self.weights: str | None = None
        self.trained_on, self.licence, self.citation = asked.trained_on, asked.licence, asked.citation
        # Instances differ in what the class of the method asked declares.
        # The kind too: a protocol may treat maps of one kind in its own way.
        for name in ("kind", "emits", "batch_size"):
            self.__dict__[name] = getattr(asked, name)
        self._others: tuple[Sample, ...] = ()
        self._of_image: dict[str, list[Sample]] = {}

    def fit(self, reference: Sequence[Sample], *, held_out: bool) -> None:
        """Keep the phrases that may stand in for another pathology's."""
        self._others = tuple(reference)
        self.note = f"{self._asked.name or type(self._asked).__name__} asked about another phrase"

    def survey(self, samples: Sequence[Sample]) -> None:
        """Keep each image's samples, whose phrases come first; negatives are of nothing that it shows."""
        self._of_image = {}
        for sample in samples:
            if sample.negative:
                continue
            self._of_image.setdefault(sample.image_id, []).append(sample)

    def fetch(self) -> None:
        """Bring what the method that is asked needs."""
        self._asked.fetch()

    def setup(self, device: str) -> None:
        """Load the weights of the method that is asked.

        Raises:
            WeightsError: If they are missing.
        """
        with saying_where_options_stand("shuffled-phrase"):
            self._asked.setup(device)

    def weights_fingerprint(self) -> str:
        """That of the method that is asked."""
        with saying_where_options_stand("shuffled-phrase"):
            return self._asked.weights_fingerprint()

    def weights_id(self) -> str | None:
        """That of the method that is asked."""
        with saying_where_options_stand("shuffled-phrase"):
            return self._asked.weights_id()

    def options_dict(self) -> dict[str, Any]:
        """The method that is asked, with all its options."""
        return {"method": self._asked.name or type(self._asked).__name__, **self._asked.options_dict()}

    def answering(self) -> GroundingMethod:
        """The method that is asked."""
        return self._asked

    def fingerprint(self) -> str:
        """SHA-256 over this control and the method that it asks."""
        return digest(super().fingerprint(), self._asked.fingerprint())

    def question(self, sample: Sample) -> Sample:
        """The sample with another's phrase and pathology."""
        other = self._other(sample, self._of_image.get(sample.image_id, []))
        return replace(sample, phrase=other.phrase, pathology=other.pathology)

    def answers_by_image(self) -> bool:
        """As the method that is asked."""
        return self._asked.answers_by_image()

    def ground_batch(self, queries: Sequence[Query]) -> list[Grounding]:
        """The answers of the method that is asked."""
        return self._asked.ground_batch(queries)

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
