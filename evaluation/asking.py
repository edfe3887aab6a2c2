"""Asking a method: what its own code raises becomes its failure, and its answers are held against the contract."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import TypeVar

from ..core import BOX, HEATMAP, Grounding, ImageSize, MethodError, Query, Sample
from ..core.errors import told_as
from ..core.guests import guest
from ..methods import ControlMethod, GroundingMethod
from ..methods.base import check_answers
from ..methods.requirements import require
from ..methods.watching import watched
from .prediction import Failure, Prediction

T = TypeVar("T")


def require_image_method(method: GroundingMethod) -> None:
    """Refuse a control that reads ground truth where there is none to read.

    Raises:
        MethodError: If the method is a `ControlMethod`.
    """
    if isinstance(method, ControlMethod):
        raise MethodError(f"the control {method.name!r} reads the ground truth of a data set; use it with evaluate")


def set_up(method: GroundingMethod, device: str) -> None:
    """Load a method's weights, with its failures told as the method's.

    Raises:
        MethodError: If this Python environment lacks what it requires, or `setup` raises.
    """
    require(method.name or type(method).__name__, method.requirements, method.requires_python)
    with told_as_the_methods(method, f"set up on {device}"), watched(method, loading=True):
        method.setup(device)


def told_as_the_methods(method: GroundingMethod, what: str) -> AbstractContextManager[None]:
    """Turns whatever a method's own code raises into one sentence; see `told_as`."""
    return told_as(f"the method {method.name or type(method).__name__!r} could not be {what}")


def ground_safely(method: GroundingMethod, queries: Sequence[Query]) -> list[Prediction]:
    """Answers to all queries; where the batch raises, each query is asked alone, so that only the guilty fail."""
    with watched(method):
        return _each_safely(queries, lambda some: checked_answers(method, some))


def checked_answers(method: GroundingMethod, queries: Sequence[Query]) -> list[Grounding]:
    """Answers to all queries, held against the contract.

    Raises:
        MethodError: If the answers break the contract; whatever else the method raises.
    """
    return _checked(method, method.ground_batch(queries), [query.image.size for query in queries])


def control_safely(method: ControlMethod, samples: Sequence[Sample]) -> list[Prediction]:
    """As `ground_safely`, of a control that sees the ground truth."""
    return _each_safely(
        samples, lambda some: _checked(method, method.ground_samples(some), [s.image_size for s in some])
    )


def _each_safely(items: Sequence[T], ask: Callable[[Sequence[T]], list[Grounding]]) -> list[Prediction]:
    if not items:
        return []
    try:
        with guest():
            return [*ask(items)]
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # sys.exit in a method, too, is no more than its failure
        if len(items) == 1:
            return [Failure.of(error)]
    return [answer for item in items for answer in _each_safely([item], ask)]


def _checked(method: GroundingMethod, found: object, sizes: Sequence[ImageSize]) -> list[Grounding]:
    answers = check_answers(found, len(sizes))
    for size, answer in zip(sizes, answers, strict=True):
        if answer.heatmap is not None and answer.heatmap.image_size != size:
            raise MethodError(
                f"the heatmap is for an image of {answer.heatmap.image_size}, the image is {size} (width, height)"
            )
        held = ({HEATMAP} if answer.heatmap is not None else set()) | ({BOX} if answer.boxes else set())
        if not held <= set(method.emits):
            raise MethodError(f"the method answers with {sorted(held)} but declares emits = {sorted(method.emits)}")
    return answers
