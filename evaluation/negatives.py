"""Negatives of a run: grounded and stored as any sample, and left out of the numbers unless the protocol uses them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from ..core import GroundCXRError
from ..metrics import Protocol
from .answers import GivenPart, Part, StoredPart
from .plan import Selection


def counted(selection: Selection, protocol: Protocol, parts: Iterable[Part]) -> tuple[Selection, Iterable[Part]]:
    """What a protocol counts of a run: the samples without the negatives that it does not use, and their answers.

    Args:
        selection: The run's samples.
        protocol: What to compute.
        parts: All answers; of a list a list comes back.

    Returns:
        The samples that count, and their answers, by their places among these.

    Raises:
        GroundCXRError: If none counts.
    """
    if protocol.uses_negatives or not any(sample.negative for sample in selection.samples):
        return selection, parts
    places: dict[int, int] = {}
    for index, sample in enumerate(selection.samples):
        if not sample.negative:
            places[index] = len(places)
    if not places:
        raise GroundCXRError(
            f"all {len(selection.samples)} samples are negatives, phrases about what their image does not show, which "
            f"the protocol {protocol.name} leaves out, so there is nothing to average; take more samples"
        )
    samples = tuple(selection.samples[index] for index in places)
    left = (_placed(part, places) for part in parts)
    return replace(selection, samples=samples), [*left] if isinstance(parts, Sequence) else left


def _placed(part: Part, places: Mapping[int, int]) -> Part:
    if isinstance(part, GivenPart):
        return GivenPart(tuple(replace(one, index=places[one.index]) for one in part.given if one.index in places))
    images = (
        replace(image, asked=tuple((places[index], *other) for index, *other in image.asked if index in places))
        for image in part.images
    )
    return StoredPart(tuple(image for image in images if image.asked))
