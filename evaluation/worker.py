"""Grounding: batches in, stored predictions out. Knows neither who runs it nor where."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from ..core import ImageError, Query, Radiograph, Sample
from ..core.progress import Advance
from ..methods import GroundingMethod
from ..methods.watching import files_read, undeclared_files
from .asking import ground_safely, set_up
from .grounding_notes import Made, Way
from .plan import Batch, ImageTask
from .prediction import Failure, Prediction, query_key
from .provenance import git_state, packages, peak_memory_mb
from .store import PredictionStore, digests

_MOST_NOTED = 100


@dataclass
class GroundingReport:
    """What grounding a plan came to.

    Attributes:
        images: The SHA-256 of each image file, or why it could not be read.
        computed: How many samples were grounded now; the others were in the store.
        failed: How many samples have no answer: the method failed, or the image could not be read.
    """

    images: dict[Path, str | Failure] = field(default_factory=dict)
    computed: int = 0
    failed: int = 0


class Worker:
    """Grounds batches with one method, which it loads when the first prediction is missing.

    Args:
        method: The method, not yet set up.
        samples: All samples of the run, which batches name by index.
        store: Where predictions go.
        device: What the method is set up on.
        batch_size: Of the plan, to be kept with the predictions.
        overwrite: Whether predictions that are in the store are made again. They are in any case where the method reads
            files that it does not declare: then nothing says that they are those it would make today.
    """

    def __init__(
        self,
        method: GroundingMethod,
        samples: Sequence[Sample],
        store: PredictionStore,
        device: str,
        batch_size: int,
        *,
        overwrite: bool = False,
    ) -> None:
        self._method = method
        self._samples = samples
        self._store = store
        self._device = device
        self._seen = set(files_read(method))
        self._noted = set(store.undeclared())
        self._undeclared = self._noted | set(map(str, undeclared_files(method, self._seen)))
        self._overwrite = overwrite or bool(self._undeclared)
        self._batch_size = batch_size
        self._way: Way | None = None
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
        digests().save()
        return self.report

    def _run_batch(self, batch: Batch) -> None:
        stored = {task: known for task in batch if (known := self._stored(task)) is not None}
        images: dict[ImageTask, Radiograph] = {}
        for task, known in stored.items():
            if len(known) < len(task.samples):
                self._open(task, images)
        if images:
            for task in batch:
                if task not in images and isinstance(self.report.images[task.path], str):
                    self._open(task, images)
            self._ground([(task, index) for task in images for index in task.samples], images, stored)
            self.report.failed += sum(len(task.samples) for task in batch if task not in images)
            return
        # Everything has been answered before; what failed then is asked again, alone as it was.
        failed = [(task, index) for task, known in stored.items() for index, answered in known.items() if not answered]
        for task in {task: None for task, _ in failed}:
            self._open(task, images)
        for task, index in failed:
            if task in images:
                self._ground([(task, index)], images, stored)
        unread = (task for task in batch if isinstance(self.report.images[task.path], Failure))
        self.report.failed += sum(len(task.samples) for task in unread)

    def _stored(self, task: ImageTask) -> dict[int, bool] | None:
        """Which of an image's samples the store knows, and whether it has an answer; None for an unreadable image."""
        try:
            sha256 = digests().of(task.path)
        except ImageError as error:
            self.report.images[task.path] = Failure.of(error)
            return None
        self.report.images[task.path] = sha256
        if self._overwrite:
            return {}
        known = self._store.known(sha256)
        keys = {index: self._key(sha256, index) for index in task.samples}
        return {index: known[key] for index, key in keys.items() if key in known}

    def _open(self, task: ImageTask, images: dict[ImageTask, Radiograph]) -> None:
        try:
            image = Radiograph.open(task.path)
            # Without its folder: what lies beside an image (masks, reports) is none of a method's business.
            images[task] = replace(image, path=Path(image.path.name))
        except ImageError as error:
            self.report.images[task.path] = Failure.of(error)

    def _ground(
        self,
        asked: Sequence[tuple[ImageTask, int]],
        images: Mapping[ImageTask, Radiograph],
        stored: Mapping[ImageTask, Mapping[int, bool]],
    ) -> None:
        way = self._set_up()
        samples = self._samples
        queries = [Query(images[task], samples[index].phrase, samples[index].pathology) for task, index in asked]
        start = time.perf_counter()
        answers = ground_safely(self._method, queries)
        seconds = (time.perf_counter() - start) / len(asked)
        made: dict[str, dict[str, Prediction]] = {}
        for (task, index), answer in zip(asked, answers, strict=True):
            mine = made.setdefault(images[task].sha256, {})
            # What the store has already, a failure apart, stays as it was made.
            if self._overwrite or not stored[task].get(index):
                mine[self._key(images[task].sha256, index)] = answer
        self._note_undeclared()
        self._store.add(made, Made(way, peak_memory_mb(), seconds), replace=self._overwrite)
        self.report.computed += len(asked)
        self.report.failed += sum(isinstance(answer, Failure) for answer in answers)

    def _note_undeclared(self) -> None:
        """Note what the method read without declaring it, before what it made of it is stored."""
        new = files_read(self._method) - self._seen
        if new:
            self._seen |= new
            undeclared = set(map(str, undeclared_files(self._method, new)))
            if undeclared:  # the images themselves are known by their content
                images = {sample.image_path for sample in self._samples}
                undeclared -= {way(image) for image in images for way in (os.path.abspath, os.path.realpath)}
            self._undeclared |= undeclared
        # A method that reads files for each image is told enough by some of them.
        if self._undeclared != self._noted and len(self._noted) < _MOST_NOTED:
            self._store.note_undeclared(sorted(self._undeclared)[:_MOST_NOTED])
            self._noted = set(self._undeclared)

    def _key(self, image_sha256: str, index: int) -> str:
        return query_key(image_sha256, self._samples[index].phrase, self._samples[index].pathology)

    def _set_up(self) -> Way:
        if self._way is None:
            set_up(self._method, self._device)
            self._way = Way(device=self._device, batch_size=self._batch_size, packages=packages(), git=git_state())
        return self._way
