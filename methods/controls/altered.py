"""Controls that ask a method about altered images and phrases: whether its numbers come from what they should."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, ClassVar

from ...core import Grounding, Heatmap, ImageSize, Query, Sample
from ...core.alterations import GENERIC, Alteration
from ...core.altered_phrases import names_one_side
from ..base import SomeFailed, by_image
from ..registry import register_method
from ..wrapping import name_of, unreadable
from .asking import AskingControl


class AlteredControl(AskingControl):
    """A method asked about what an alteration makes of each image and phrase.

    Attributes:
        alteration: Its name, of `core.alterations.KINDS`.
        says: What is done, and what it shows; stands behind the method's name in tables.
    """

    learns: ClassVar[bool] = False
    alteration: ClassVar[str]
    says: ClassVar[str]

    def __init__(self, options: Any = None) -> None:
        """Build the method that is asked.

        Args:
            options: An `AskedOptions`.

        Raises:
            MethodError: If no method is named, or a control that is not asked about phrases.
        """
        super().__init__(options)
        self._altered = Alteration(self.alteration)
        self.note: str = f"{name_of(self.only())} asked {self.says}"

    def question(self, sample: Sample) -> Sample | None:
        """The sample with the altered phrase."""
        return replace(sample, phrase=self._altered.phrase(sample.phrase))

    def ground_batch(self, queries: Sequence[Query]) -> list[Grounding]:
        """The answers of the method that is asked about the altered images."""
        asked: list[Query] = []
        for mine in by_image(queries):
            image = self._altered.image(mine[0].image)
            asked += [replace(query, image=image) for query in mine]
        return super().ground_batch(asked)


@register_method("mirrored")
class MirroredControl(AlteredControl):
    """A method's answers about mirrored images, with the sides in the phrases swapped, mirrored back.

    To mirror the answer is to mirror the ground truth, and leaves it in the image's own frame. A method that takes left
    and right for what they are keeps its score; the heart, which is on one side, makes it harder for any.
    """

    alteration = "mirrored"
    says = (
        "about the mirrored image with the sides in the phrase swapped: a method that understands sides keeps its score"
    )

    def ground_batch(self, queries: Sequence[Query]) -> list[Grounding]:
        """The answers, mirrored back.

        Raises:
            SomeFailed: If something that was written cannot be read.
        """
        found = [
            unreadable(answer, query.image.size, self.only()) or self._back(answer, query.image.size)
            for query, answer in zip(queries, super().ground_batch(queries), strict=True)
        ]
        answers = [one for one in found if isinstance(one, Grounding)]
        if len(answers) < len(found):
            raise SomeFailed(found)
        return answers

    def _back(self, answer: Grounding, size: ImageSize) -> Grounding:
        heatmap = answer.heatmap
        if heatmap is not None:
            heatmap = Heatmap(heatmap.values[:, ::-1], self._altered.box(heatmap.extent, size), size)
        boxes = tuple(self._altered.box(box, size) for box in answer.boxes)
        # What was written says the boxes of the mirrored image.
        return replace(answer, heatmap=heatmap, boxes=boxes, written=None)


@register_method("other-side")
class OtherSide(AlteredControl):
    """A method's answers to phrases with "left" for "right" and "right" for "left", about the images as they are.

    Only samples whose phrase names one side count; the others have no number. What is left of the score does not come
    from the side.
    """

    alteration = "other-side"
    says = "about the other side, where the phrase names one: a method that reads sides loses its score"
    asks_about = "their phrases name no side, or both"

    def question(self, sample: Sample) -> Sample | None:
        """The sample with the other side's word; None where the phrase does not name one side."""
        return super().question(sample) if names_one_side(sample.phrase) else None


@register_method("generic-phrase")
class GenericPhrase(AlteredControl):
    """A method's answers to "abnormal finding" in place of each phrase, without a pathology.

    What is left of the score is what is striking in the image, whatever was asked.
    """

    alteration = "generic-phrase"
    says = f'about "{GENERIC}": what is left of the score is saliency'

    def question(self, sample: Sample) -> Sample | None:
        """The sample with a phrase that says nothing, and no pathology."""
        return replace(sample, phrase=GENERIC, pathology="")


@register_method("blank-image")
class BlankImage(AlteredControl):
    """A method's answers about black images of the same size.

    What is left of the score is where the phrase, or the method by itself, expects findings.
    """

    alteration = "blank-image"
    says = "about a black image: what is left of the score is where findings usually are"
