"""Negatives of a run: grounded and stored as any sample, and left out of the numbers unless the protocol uses them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from ..core import GroundCXRError
from ..metrics import Protocol
from .plan import Selection
from .scoring import Answer


def counted(selection: Selection, protocol: Protocol, answers: Iterable[Answer]) -> tuple[Selection, Iterator[Answer]]:
    """What a protocol counts of a run: the samples without the negatives that it does not use, and their answers.

    Args:
        selection: The run's samples.
        protocol: What to compute.
        answers: One for each sample, in any order.

    Returns:
        The samples that count, and their answers, by their places among these.

    Raises:
        GroundCXRError: If none counts.
    """
    if protocol.uses_negatives or not any(sample.negative for sample in selection.samples):
        return selection, iter(answers)
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
    return replace(selection, samples=samples), _placed(answers, places)


def _placed(answers: Iterable[Answer], places: dict[int, int]) -> Iterator[Answer]:
    for answer in answers:
        if answer.index in places:
            yield replace(answer, index=places[answer.index])
