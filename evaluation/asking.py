"""Asking a method: what its own code raises becomes its failure, and its answers are held against the contract."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import TypeVar

from ..core import BOX, HEATMAP, Grounding, ImageSize, MethodError, Query, Sample
from ..core.errors import told_as
from ..core.guests import guest
from ..methods import ControlMethod, GroundingMethod
from ..methods.base import by_image, check_answers
from ..methods.boxes.reading import reread
from ..methods.isolated.errors import SetupFailed
from ..methods.isolated.method import release
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


@contextmanager
def letting_go(method: GroundingMethod) -> Iterator[None]:
    """Ends the process of a method in another Python after the block, with all the memory that it holds."""
    try:
        yield
    finally:
        release(method)


def told_as_the_methods(method: GroundingMethod, what: str) -> AbstractContextManager[None]:
    """Turns whatever a method's own code raises into one sentence; see `told_as`."""
    return told_as(f"the method {method.name or type(method).__name__!r} could not be {what}")


def ground_safely(method: GroundingMethod, queries: Sequence[Query]) -> list[Prediction]:
    """Answers to all queries, with the failures of the guilty alone.

    Where a batch raises, its images are asked about one by one, and of an image that raises its queries. A method that
    answers image by image anyhow is asked so from the start: it loses nothing, and what it has answered is kept.

    Raises:
        SetupFailed: If a method in another Python can no longer be set up.
    """

    def ask(some: Sequence[Query]) -> list[Grounding]:
        return checked_answers(method, some)

    parts = by_image(queries) if method.answers_by_image() else [queries]
    with watched(method):
        return [answer for part in parts for answer in _each_safely(part, by_image, ask)]


def checked_answers(method: GroundingMethod, queries: Sequence[Query]) -> list[Grounding]:
    """Answers to all queries, held against the contract.

    Raises:
        MethodError: If the answers break the contract; whatever else the method raises.
    """
    return _checked(method, method.ground_batch(queries), [query.image.size for query in queries])


def control_safely(method: ControlMethod, samples: Sequence[Sample]) -> list[Prediction]:
    """As `ground_safely`, of a control that sees the ground truth."""
    return _each_safely(
        samples, _alone, lambda some: _checked(method, method.ground_samples(some), [s.image_size for s in some])
    )


def _alone(items: Sequence[T]) -> list[list[T]]:
    return [[item] for item in items]


def _each_safely(
    items: Sequence[T],
    divide: Callable[[Sequence[T]], list[list[T]]],
    ask: Callable[[Sequence[T]], list[Grounding]],
) -> list[Prediction]:
    """Answers to all items at once; where that raises, to the parts that they divide into, in the end to each alone."""
    if not items:
        return []
    try:
        with guest():
            return [*ask(items)]
    except (KeyboardInterrupt, SetupFailed):
        raise
    except BaseException as error:  # sys.exit in a method, too, is no more than its failure
        if len(items) == 1:
            return [Failure.of(error)]
    parts = divide(items)
    return [
        answer for part in (parts if len(parts) > 1 else _alone(items)) for answer in _each_safely(part, divide, ask)
    ]


def _checked(method: GroundingMethod, found: object, sizes: Sequence[ImageSize]) -> list[Grounding]:
    # What a method of another environment wrote is read here.
    answers = [reread(answer, size) for answer, size in zip(check_answers(found, len(sizes)), sizes, strict=True)]
    for size, answer in zip(sizes, answers, strict=True):
        if answer.heatmap is not None and answer.heatmap.image_size != size:
            raise MethodError(
                f"the heatmap is for an image of {answer.heatmap.image_size}, the image is {size} (width, height)"
            )
        held = ({HEATMAP} if answer.heatmap is not None else set()) | ({BOX} if answer.boxes else set())
        if not held <= set(method.emits):
            raise MethodError(f"the method answers with {sorted(held)} but declares emits = {sorted(method.emits)}")
    return answers
