"""Which runs are of methods that have never seen their data set."""

from __future__ import annotations

from collections.abc import Sequence

from ..core.seen import seen
from ..evaluation.imported import answered_elsewhere
from ..evaluation.schema import ResultFile
from .runs import Run

SEEN = "seen"
"""The tag of a method that has seen the data set's images, phrases or boxes."""


def seen_in(info: ResultFile) -> str | None:
    """What a result's method was trained on that its data set is of; None where it names nothing of the kind."""
    return seen(info.method.trained_on, info.dataset.name)


def is_zero_shot(info: ResultFile) -> bool:
    """Whether a result's method has not seen its data set.

    A method with weights that does not state what they were trained on is not held to be one, nor are predictions that
    were made elsewhere, by whatever weights; a control has nothing that was trained.
    """
    method = info.method
    untrained = method.weights is None and not answered_elsewhere(method)
    stated = bool(method.trained_on) or method.control or untrained
    return stated and seen_in(info) is None


def only_zero_shot(runs: Sequence[Run]) -> tuple[Run, ...]:
    """The runs whose method has not seen their data set."""
    return tuple(run for run in runs if is_zero_shot(run.info))
