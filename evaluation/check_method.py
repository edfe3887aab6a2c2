"""Does a method keep the contract? Tried on a few phantom images of several shapes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ..core import GroundCXRError, Grounding, Query, Radiograph
from ..datasets import load_dataset
from ..methods import GroundingMethod
from .prediction import Failure, Prediction
from .provenance import resolve_device
from .worker import checked_answers, ground_safely, require_image_method, set_up

TOLERANCE = 1e-5
"""How far maps and boxes may move with the batch size; kernels differ by this much."""

_CROPS = ((256, 256), (200, 256), (256, 160))


@dataclass(frozen=True)
class Check:
    """One thing that was checked; `problem` is None when it holds."""

    name: str
    problem: str | None


def run_checks(method: GroundingMethod, device: str) -> Iterator[Check]:
    """Set a method up and try it: answers, finite values, repeatability, independence of the batch.

    Args:
        method: The method, not yet set up.
        device: "auto", "cpu", "cuda" or "cuda:N".

    Yields:
        One outcome after another; after one that makes the rest pointless, no more.

    Raises:
        GroundCXRError: If it is a control that reads the ground truth, or there is no such device.
    """
    require_image_method(method)
    device = resolve_device(device)
    try:
        set_up(method, device)
    except GroundCXRError as error:
        yield Check(f"setup on {device}", str(error))
        return
    yield Check(f"setup on {device}", None)
    queries = _queries()
    name = f"answers of the right shape and finite values for {len(queries)} phrases on images of {len(_CROPS)} shapes"
    try:
        # The whole batch at once: in a run, one that raises is asked again phrase by phrase, which hides a wrong count.
        whole = checked_answers(method, queries)
    except Exception as error:
        yield Check(name, f"{type(error).__name__}: {error}")
        return
    yield Check(name, None)
    yield Check("boxes that cover something of the image", _box_problem(queries, whole))
    again = _ask(method, [queries])
    yield Check("the same answers when asked again", _difference(whole, again, exact=True))
    alone = _ask(method, [[query] for query in queries])
    yield Check(f"the same answers one phrase at a time (to {TOLERANCE})", _difference(whole, alone, exact=False))
    backwards = _ask(method, [queries[::-1]])[::-1]
    yield Check(f"the same answers in another order (to {TOLERANCE})", _difference(whole, backwards, exact=False))


def _box_problem(queries: Sequence[Query], answers: Sequence[Grounding]) -> str | None:
    for query, answer in zip(queries, answers, strict=True):
        for box in answer.boxes:
            (x0, x1), (y0, y1) = box.columns(query.image.size[0]), box.rows(query.image.size[1])
            if x0 == x1 or y0 == y1:
                width, height = query.image.size
                return (
                    f"the box {box.as_tuple()} covers no pixel of its {width}x{height} image; "
                    "boxes are x0, y0, x1, y1 in pixels of the original image"
                )
    return None


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


def _difference(first: Sequence[Prediction], second: Sequence[Prediction], *, exact: bool) -> str | None:
    largest = 0.0
    for one, other in zip(first, second, strict=True):
        if isinstance(other, Failure) or isinstance(one, Failure):
            return f"the method failed on a query that it had answered: {other}"
        a, b = _numbers(one), _numbers(other)
        if a.shape != b.shape:
            return "an answer changed its shape or its number of boxes"
        # Relative beyond 1: boxes are in pixels, where float32 itself is no finer than that.
        largest = max(largest, float((np.abs(a - b) / np.maximum(1, np.abs(a))).max(initial=0)))
    limit = 0.0 if exact else TOLERANCE
    return None if largest <= limit else f"the largest difference is {largest:.3g}, at most {limit} is allowed"


def _numbers(answer: Grounding) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    numbers: list[float] = []
    if answer.heatmap is not None:
        numbers.extend(answer.heatmap.extent.as_tuple())
        numbers.extend(answer.heatmap.values.ravel().tolist())
    for box in answer.boxes:
        numbers.extend((*box.as_tuple(), 0.0 if box.score is None else box.score))
    return np.array(numbers, dtype=np.float64)
