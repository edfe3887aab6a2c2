"""Grounding: batches in, stored predictions out. Knows neither who runs it nor where."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ..core import (
    BOX,
    HEATMAP,
    GroundCXRError,
    Grounding,
    ImageError,
    MethodError,
    Query,
    Radiograph,
    Sample,
    image_digest,
)
from ..core.progress import Advance
from ..methods import ControlMethod, GroundingMethod
from ..methods.base import check_answers
from .plan import Batch, ImageTask
from .prediction import Failure, Prediction, query_key
from .store import PredictionStore


@dataclass
class GroundingReport:
    """What grounding a plan came to.

    Attributes:
        images: The SHA-256 of each image file, or why it could not be read.
        computed: How many samples were grounded now.
        reused: How many were in the store.
        seconds: Spent in the method.
    """

    images: dict[Path, str | Failure] = field(default_factory=dict)
    computed: int = 0
    reused: int = 0
    seconds: float = 0.0


class Worker:
    """Grounds batches with one method, which it loads when the first prediction is missing.

    Args:
        method: The method, not yet set up.
        samples: All samples of the run, which batches name by index.
        store: Where predictions go.
        device: What the method is set up on.
    """

    def __init__(self, method: GroundingMethod, samples: Sequence[Sample], store: PredictionStore, device: str) -> None:
        self._method = method
        self._samples = samples
        self._store = store
        self._device = device
        self._ready = False
        self.report = GroundingReport()

    def run(self, batches: Sequence[Batch], advance: Advance) -> GroundingReport:
        """Ground what is missing; a batch that lacks anything is computed whole.

        Args:
            batches: Part of a plan.
            advance: Told how many samples are done.

        Raises:
            StoreError: If the store cannot be read or written.
            MethodError: If the method cannot be set up.
        """
        for batch in batches:
            self._run_batch(batch)
            advance(sum(len(task.samples) for task in batch))
        return self.report

    def _run_batch(self, batch: Batch) -> None:
        stored = {task: self._stored(task) for task in batch}
        images: dict[ImageTask, Radiograph] = {}
        for task, known in stored.items():
            if known is not None and len(known) < len(task.samples):
                self._open(task, images)
        if images:
            for task in batch:
                if task not in images and isinstance(self.report.images[task.path], str):
                    self._open(task, images)
            self._ground([(task, index) for task in images for index in task.samples], images)
            return
        # Everything has been answered before; what failed then is asked again, alone as it was.
        failed = [
            (task, index)
            for task, known in stored.items()
            for index, answer in (known or {}).items()
            if isinstance(answer, Failure)
        ]
        for task in {task: None for task, _ in failed}:
            self._open(task, images)
        for task, index in failed:
            if task in images:
                self._ground([(task, index)], images)
        self.report.reused += sum(len(known) for known in stored.values() if known)

    def _stored(self, task: ImageTask) -> dict[int, Prediction] | None:
        """The answers that the store has for an image's samples; None where the image cannot be read."""
        try:
            sha256 = image_digest(task.path)
        except ImageError as error:
            self.report.images[task.path] = Failure.of(error)
            return None
        self.report.images[task.path] = sha256
        stored = self._store.read(sha256)
        keys = {index: self._key(sha256, index) for index in task.samples}
        return {index: stored[key] for index, key in keys.items() if key in stored}

    def _open(self, task: ImageTask, images: dict[ImageTask, Radiograph]) -> None:
        try:
            images[task] = Radiograph.open(task.path)
        except ImageError as error:
            self.report.images[task.path] = Failure.of(error)

    def _ground(self, asked: Sequence[tuple[ImageTask, int]], images: dict[ImageTask, Radiograph]) -> None:
        self._set_up()
        samples = self._samples
        queries = [Query(images[task], samples[index].phrase, samples[index].pathology) for task, index in asked]
        start = time.perf_counter()
        answers = ground_safely(self._method, queries)
        seconds = time.perf_counter() - start
        by_image: dict[str, dict[str, Prediction]] = {}
        for (task, index), answer in zip(asked, answers, strict=True):
            sha256 = images[task].sha256
            by_image.setdefault(sha256, {})[self._key(sha256, index)] = answer
        self._store.add(by_image)
        self._store.add_seconds(dict.fromkeys(by_image, seconds / len(asked)))
        self.report.computed += len(asked)
        self.report.seconds += seconds

    def _key(self, image_sha256: str, index: int) -> str:
        return query_key(image_sha256, self._samples[index].phrase, self._samples[index].pathology)

    def _set_up(self) -> None:
        if not self._ready:
            set_up(self._method, self._device)
            self._ready = True


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
        MethodError: If `setup` raises.
    """
    try:
        method.setup(device)
    except GroundCXRError:
        raise
    except Exception as error:
        raise MethodError(
            f"the method {method.name!r} could not be set up on {device}: {type(error).__name__}: {error}"
        ) from error


def ground_safely(method: GroundingMethod, queries: Sequence[Query]) -> list[Prediction]:
    """Answers to all queries; where the batch raises, each query is asked alone, so that only the guilty fail."""
    if not queries:
        return []
    try:
        return [*_checked(method, queries)]
    except Exception as error:
        if len(queries) == 1:
            return [Failure.of(error)]
    return [answer for query in queries for answer in ground_safely(method, [query])]


def _checked(method: GroundingMethod, queries: Sequence[Query]) -> list[Grounding]:
    answers = check_answers(method.ground_batch(queries), len(queries))
    for query, answer in zip(queries, answers, strict=True):
        if answer.heatmap is not None and answer.heatmap.image_size != query.image.size:
            raise MethodError(
                f"the heatmap is for an image of {answer.heatmap.image_size}, the image is {query.image.size} "
                "(width, height)"
            )
        held = ({HEATMAP} if answer.heatmap is not None else set()) | ({BOX} if answer.boxes else set())
        if not held <= set(method.emits):
            raise MethodError(f"the method answers with {sorted(held)} but declares emits = {sorted(method.emits)}")
    return answers
