"""Does a method keep the contract? Tried on a few phantom images of several shapes."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np

from ..core import BOX, HEATMAP, GroundCXRError, Grounding, Query, Radiograph
from ..core.errors import told_as
from ..core.tracebacks import trace_of
from ..datasets import load_dataset
from ..methods import GroundingMethod
from ..methods.marker import ShowsInput, frame_problem
from ..methods.watching import files_read, undeclared_files
from .answer_doubts import UNDECLARED, AnswerDoubts
from .asking import checked_answers, ground_safely, packages_of, require_image_method, set_up
from .prediction import Failure, Prediction
from .provenance import resolve_device

TOLERANCE = 1e-5
"""How far maps and boxes may move with the batch size; kernels differ by this much."""

Numbers: TypeAlias = "np.ndarray[tuple[int, ...], np.dtype[np.float64]]"
"""All numbers of an answer, one after another."""

_CROPS = ((256, 256), (200, 256), (256, 160))


@dataclass(frozen=True)
class Check:
    """One thing that was checked.

    Attributes:
        name: What.
        problem: What is wrong; None when it holds.
        trace: The traceback of what the method's code raised; "" where that is not the problem.
    """

    name: str
    problem: str | None
    trace: str = ""


def run_checks(method: GroundingMethod, device: str) -> Iterator[Check]:
    """Set a method up and try it: answers, finite values, repeatability, independence of the batch, files it reads.

    Args:
        method: The method, not yet set up.
        device: "auto", "cpu", "cuda" or "cuda:N".

    Yields:
        One outcome after another; after one that makes the rest pointless, no more.

    Raises:
        GroundCXRError: If it is a control that reads the ground truth, or there is no such device.
    """
    require_image_method(method)
    device = resolve_device(device, method)
    tried = _copy(method)
    try:
        set_up(tried, device)
    except GroundCXRError as error:
        yield Check(f"setup on {device}", str(error), trace_of(error, packages_of(tried)))
        return
    yield Check(f"setup on {device}", None)
    for shown in tried.answering():
        if isinstance(shown, ShowsInput):
            name = "a marker in its network's input read at its place on the image"
            try:
                with told_as("the method failed on a marker", packages_of(tried)):
                    problem = frame_problem(shown)
            except GroundCXRError as error:
                yield Check(name, str(error), trace_of(error, packages_of(tried)))
                return
            yield Check(name, problem)
    queries = _queries()
    name = f"answers of the right shape and finite values for {len(queries)} phrases on images of {len(_CROPS)} shapes"
    try:
        # The whole batch at once: in a run, one that raises is asked again phrase by phrase, which hides a wrong count.
        with told_as("the method failed", packages_of(tried)):
            whole = checked_answers(tried, queries)
    except GroundCXRError as error:
        yield Check(name, str(error), trace_of(error, packages_of(tried)))
        return
    # Taken now: what is asked next must not change what has been answered.
    first = [_numbers(answer) for answer in whole]
    yield Check(name, None)
    what = " and ".join(word for kind, word in ((HEATMAP, "maps"), (BOX, "boxes")) if kind in tried.emits)
    yield Check(f"{what} in the original image's frame", _frame_problem(queries, whole))
    again = _compared("the same answers when asked again", first, _ask(tried, [queries]), exact=True)
    if again.problem is None and any(not np.array_equal(a, _numbers(b)) for a, b in zip(first, whole, strict=True)):
        again = replace(again, problem="an answer changed when the next was made; give each a map of its own")
    yield again
    alone = _ask(tried, [[query] for query in queries])
    yield _compared(f"the same answers one phrase at a time (to {TOLERANCE})", first, alone)
    backwards = _ask(tried, [queries[::-1]])[::-1]
    yield _compared(f"the same answers in another order (to {TOLERANCE})", first, backwards)
    if tried is not method:
        del tried  # before another is loaded
        yield _anew(f"the same answers set up anew (to {TOLERANCE})", method, device, queries, first)
    undeclared = undeclared_files(method, files_read(method))
    yield Check("no file read that is not declared", f"{undeclared[0]}: {UNDECLARED}" if undeclared else None)


def _copy(method: GroundingMethod) -> GroundingMethod:
    """Another instance, so that the first stays one that was never asked; itself where its parts cannot be copied."""
    try:
        return copy.deepcopy(method)
    except Exception:
        return method


def _anew(name: str, method: GroundingMethod, device: str, queries: Sequence[Query], first: Sequence[Numbers]) -> Check:
    """What a method answers that was asked other phrases first: what it keeps of the first must not decide the rest."""
    try:
        set_up(method, device)
    except GroundCXRError as error:
        return Check(name, str(error), trace_of(error, packages_of(method)))
    return _compared(name, first, _ask(method, [[query] for query in queries[::-1]])[::-1])


def _frame_problem(queries: Sequence[Query], answers: Sequence[Grounding]) -> str | None:
    doubts = AnswerDoubts()
    for number, (query, answer) in enumerate(zip(queries, answers, strict=True), start=1):
        doubts.add(replace(answer, truncated=False), query.image.size, f"phrase {number}")
    found = doubts.doubts()
    return str(found[0]) if found else None


def _queries() -> list[Query]:
    queries: list[Query] = []
    shapes: dict[str, Radiograph] = {}
    for sample in load_dataset("phantom", split="val", images=6):
        if sample.image_id not in shapes:
            width, height = _CROPS[len(shapes) % len(_CROPS)]
            pixels = np.ascontiguousarray(Radiograph.open(sample.image_path).pixels[:height, :width])
            shapes[sample.image_id] = Radiograph.from_array(pixels, sample.image_path.name)
        queries.append(Query(shapes[sample.image_id], sample.phrase, sample.pathology))
    return queries


def _ask(method: GroundingMethod, batches: Sequence[Sequence[Query]]) -> list[Prediction]:
    return [answer for batch in batches for answer in ground_safely(method, batch)]


def _compared(name: str, first: Sequence[Numbers], second: Sequence[Prediction], *, exact: bool = False) -> Check:
    """Whether answers are those that were given before: to the digit, or as far as kernels differ."""
    largest = 0.0
    for a, other in zip(first, second, strict=True):
        if isinstance(other, Failure):
            return Check(name, f"the method failed on a query that it had answered: {other}", other.trace)
        b = _numbers(other)
        if a.shape != b.shape:
            return Check(name, "an answer changed its shape or its number of boxes")
        # Relative beyond 1: boxes are in pixels, where float32 itself is no finer than that.
        largest = max(largest, float((np.abs(a - b) / np.maximum(1, np.abs(a))).max(initial=0)))
    limit = 0.0 if exact else TOLERANCE
    fits = largest <= limit
    return Check(name, None if fits else f"the largest difference is {largest:.3g}, at most {limit} is allowed")


def _numbers(answer: Grounding) -> Numbers:
    numbers: list[float] = []
    if answer.heatmap is not None:
        numbers.extend(answer.heatmap.extent.as_tuple())
        numbers.extend(answer.heatmap.values.ravel().tolist())
    for box in answer.boxes:
        numbers.extend((*box.as_tuple(), 0.0 if box.score is None else box.score))
    return np.array(numbers, dtype=np.float64)
