"""The control that reads the phrase and not the image: what a phrase alone gives away of its place."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from ...core import Sample
from ..registry import register_method
from .class_mean_box import ClassMeanBox, Group

_SIDES = {
    "left": r"left",
    "right": r"right",
    "both": r"bilateral|bilaterally|both|bibasilar|bibasal|biapical",
}
_ZONES = {
    "upper": r"upper|apex|apices|apical|biapical",
    "mid": r"mid|midlung|midzone|middle|perihilar|lingula|lingular",
    "lower": r"lower|base|bases|basal|basilar|bibasal|bibasilar|retrocardiac|costophrenic",
}


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


def named_place(phrase: str) -> tuple[str, str]:
    """The side ("left", "right", "both") and zone ("upper", "mid", "lower") that a phrase names; "" for none.

    A phrase that names left and right means both sides; one that names two zones is taken to name both, as
    "mid lower".
    """
    sides = _named(phrase, _SIDES)
    side = "both" if len(sides) > 1 else "".join(sides)
    return side, " ".join(_named(phrase, _ZONES))


def _named(phrase: str, words: Mapping[str, str]) -> list[str]:
    return [name for name, pattern in words.items() if re.search(rf"\b(?:{pattern})\b", phrase, re.IGNORECASE)]
