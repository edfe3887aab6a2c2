"""The control that reads the phrase and not the image: what a phrase alone gives away of its place."""

from __future__ import annotations

from collections.abc import Sequence

from ...core import Sample
from ...core.fingerprint import digest
from ...core.place_words import VERSION, named_place
from ..registry import register_method
from .class_mean_box import ClassMeanBox, Group


@register_method("text-prior")
class TextPrior(ClassMeanBox):
    """For each pathology with the side and zone that the phrase names, the mean map and box of such phrases.

    Where fewer than five samples say the same, the zone is left out, then the side. It never sees the image: a method
    that does not beat it has shown nothing but that it can read.
    """

    def groups(self, sample: Sample) -> Sequence[Group]:
        """The pathology with side and zone, with the side, and alone."""
        side, zone = named_place(sample.phrase)
        return [(sample.pathology, side, zone), (sample.pathology, side), (sample.pathology,)]

    def fingerprint(self) -> str:
        """As of any method, with the version of the rules that read places."""
        return digest(super().fingerprint(), VERSION)
