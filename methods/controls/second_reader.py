"""The control that answers as another reader did: what agreement between people is worth under a protocol."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from ...core import Grounding, MethodError, Sample
from ..registry import register_method
from .oracle import Oracle

NONE = (
    "second-reader needs a data set whose images another reader has read too, and this one has no other as it is "
    "loaded; padchest-gr has one, vindr-cxr the fusion of the others against a single one (--split train --set "
    "dataset.readers=R9), and chexlocalize the one of hb_segmentations_test.json or hb_annotations_test.json (--split "
    "test)"
)


@register_method("second-reader")
class SecondReader(Oracle):
    """Answers with what another reader marked, as a 0/1 map of every pixel and as boxes.

    Where he marked nothing, he is held to have seen nothing: the answer is empty, and counts as any method's empty
    answer does. A sample left out for it would leave out the disagreement.
    """

    note = "answers with what another reader marked"

    def consult(self, second_reader: Callable[[Sample], Sample | None] | None) -> None:
        """Keep the reader.

        Raises:
            MethodError: If the data set has none.
        """
        if second_reader is None:
            raise MethodError(NONE)
        self._second_reader = second_reader

    def survey(self, samples: Sequence[Sample]) -> None:
        """Count what he marked nothing for, to be told beside the numbers."""
        asked = [sample for sample in samples if not sample.negative]
        silent = sum(self._reading(sample) is None for sample in asked)
        self.note = f"{type(self).note}; nothing for {silent:,} of {len(asked):,} samples"

    def ground_samples(self, samples: Sequence[Sample]) -> list[Grounding]:
        """His boxes and their union, or his mask and the box of each of its regions; else an empty answer."""
        readings = [self._reading(sample) for sample in samples]
        marked = iter(super().ground_samples([reading for reading in readings if reading is not None]))
        return [Grounding() if reading is None else next(marked) for reading in readings]

    def _reading(self, sample: Sample) -> Sample | None:
        reading = self._second_reader(sample)
        if reading is None or not (reading.boxes or reading.mask):
            return None
        return replace(sample, boxes=reading.boxes, mask=reading.mask)
