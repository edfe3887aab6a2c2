"""Asking a method: what its own code raises becomes its failure, and its answers are held against the contract."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import TypeVar

from ..core import BOX, HEATMAP, GoneError, Grounding, ImageSize, MethodError, Query, Sample
from ..core.errors import told_as
from ..core.guests import guest
from ..core.memory import memory_ran_out
from ..methods import ControlMethod, GroundingMethod, SomeFailed
from ..methods.base import by_image, check_answers
from ..methods.boxes.reading import reread
from ..methods.isolated.method import release
from ..methods.requirements import require
from ..methods.watching import unwatched, watched
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
    return told_as(f"the method {method.name or type(method).__name__!r} could not be {what}", packages_of(method))


def packages_of(method: GroundingMethod) -> set[str]:
    """The packages that hold the code of a method, and of those that it asks: where an author looks for a mistake."""
    return {type(one).__module__.partition(".")[0] for one in (method, *method.answering())}


def ground_safely(
    method: GroundingMethod, queries: Sequence[Query], done: Callable[[int], object] = lambda _: None
) -> list[Prediction]:
    """Answers to all queries, with the failures of the guilty alone.

    Where a batch raises, its images are asked about one by one, and of an image that raises its queries; where memory
    ran out, half of either at a time. A method that answers image by image anyhow is asked so from the start: it loses
    nothing, and what it has answered is kept.

    Args:
        method: Who answers.
        queries: What is asked.
        done: Told how many more are answered, as they are.

    Raises:
        GoneError: If what answers for the method is gone: its server, or its process in another Python for good.
    """

    def ask(some: Sequence[Query]) -> list[Prediction]:
        try:
            return [*checked_answers(method, some)]
        except SomeFailed as partly:
            return _partly_checked(method, partly.answers, some)

    parts = by_image(queries) if method.answers_by_image() else [queries]
    packages = packages_of(method)
    answers: list[Prediction] = []
    with watched(method):
        for part in parts:
            answers += _each_safely(part, by_image, ask, packages)
            done(len(part))
    return answers


def checked_answers(method: GroundingMethod, queries: Sequence[Query]) -> list[Grounding]:
    """Answers to all queries, held against the contract.

    Raises:
        MethodError: If the answers break the contract; whatever else the method raises.
    """
    return _checked(method, method.ground_batch(queries), [query.image.size for query in queries])


def control_safely(method: ControlMethod, samples: Sequence[Sample]) -> list[Prediction]:
    """As `ground_safely`, of a control that sees the ground truth."""
    return _each_safely(
        samples,
        _alone,
        lambda some: [*_checked(method, method.ground_samples(some), [s.image_size for s in some])],
        packages_of(method),
    )


def _alone(items: Sequence[T]) -> list[list[T]]:
    return [[item] for item in items]


def _each_safely(
    items: Sequence[T],
    divide: Callable[[Sequence[T]], list[list[T]]],
    ask: Callable[[Sequence[T]], list[Prediction]],
    packages: Collection[str],
) -> list[Prediction]:
    """Answers to all items at once; where that raises, to the parts that they divide into, in the end to each alone.

    A batch that is too large for the memory is no item's fault, and half of it may fit.
    """
    if not items:
        return []
    try:
        with guest():
            return ask(items)
    except (KeyboardInterrupt, GoneError):
        raise
    except BaseException as error:  # sys.exit in a method, too, is no more than its failure
        if len(items) == 1:
            return [_failure(error, packages)]
        ran_out = memory_ran_out(error)
    # Only here, past the handler, is the traceback gone that holds what the method had in memory.
    parts = divide(items)
    parts = parts if len(parts) > 1 else _alone(items)
    return [
        answer
        for part in (_halves(parts) if ran_out else parts)
        for answer in _each_safely(part, divide, ask, packages)
    ]


def _halves(parts: Sequence[Sequence[T]]) -> list[list[T]]:
    middle = len(parts) // 2
    return [[item for part in half for item in part] for half in (parts[:middle], parts[middle:])]


def _partly_checked(
    method: GroundingMethod, found: Sequence[Grounding | Exception], queries: Sequence[Query]
) -> list[Prediction]:
    """Answers to a part of the queries, held against the contract, and the failures of the others."""
    if len(found) != len(queries):
        raise MethodError(f"the method raised SomeFailed with {len(found)} answers for {len(queries)} phrases")
    sizes = [query.image.size for query, one in zip(queries, found, strict=True) if not isinstance(one, Exception)]
    answers = iter(_checked(method, [one for one in found if not isinstance(one, Exception)], sizes))
    packages = packages_of(method)
    return [_failure(one, packages) if isinstance(one, Exception) else next(answers) for one in found]


def _failure(error: BaseException, packages: Collection[str]) -> Failure:
    with unwatched():  # a traceback quotes the source, which is read for it
        return Failure.of(error, packages)


def _checked(method: GroundingMethod, found: object, sizes: Sequence[ImageSize]) -> list[Grounding]:
    # What a method of another environment wrote is read here.
    answers = [reread(answer, size) for answer, size in zip(check_answers(found, len(sizes)), sizes, strict=True)]
    for size, answer in zip(sizes, answers, strict=True):
        if answer.heatmap is not None and answer.heatmap.image_size != size:
            raise MethodError(
                f"the heatmap is for an image of {answer.heatmap.image_size}, the image is {size} (width, height); "
                "a grid over the whole image is Heatmap.whole(values, image.size)"
            )
        held = ({HEATMAP} if answer.heatmap is not None else set()) | ({BOX} if answer.boxes else set())
        if not held <= set(method.emits):
            raise MethodError(
                f"the method answers with {sorted(held)} but declares emits = {sorted(method.emits)}; say emits = "
                f"{sorted(held | set(method.emits))} in its class, or only what it answers with"
            )
    return answers
