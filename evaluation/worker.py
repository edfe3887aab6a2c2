"""Grounding: batches in, stored predictions out. Knows neither who runs it nor where."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Lock

from ..core import ImageError, Query, Radiograph, Sample
from ..core.alterations import Alteration
from ..core.image_files import image_bytes
from ..core.progress import Advance
from ..methods import GroundingMethod
from ..methods.watching import files_read, undeclared_files
from ..methods.wrapping import WrappingMethod
from .asking import ground_safely, set_up
from .early_warning import Listener, Outcome
from .grounding_notes import Made, Way
from .outstanding import known_samples, to_ask
from .plan import Batch, ImageTask
from .prediction import Failure, Prediction, query_key
from .provenance import answered_by, git_state, memory_used, packages
from .reading import ReadAhead, Seen, reading_threads
from .store import PredictionStore, StoredElsewhere, digests

_MOST_NOTED = 100
_BYTES_OF_A_PIXEL = 2
"""Of an image before it is decoded: 16 bits, which 8-bit images with what decoding them needs stay below too."""


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
        listen: Told what became of each batch's samples, those apart that the store had answers for.
        load: Loads the method on a device, see `set_up`; not again where somebody keeps it loaded.
        condition: What images become others by before the method sees them.
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
        listen: Listener = lambda _: None,
        load: Callable[[GroundingMethod, str], None] = set_up,
        condition: Alteration | None = None,
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
        self._listen = listen
        self._load = load
        self._condition = condition
        self._outcomes: list[Outcome] = []
        self._using_store = Lock()
        self._digests = digests()
        self._added: set[str] = set()
        self.report = GroundingReport()
        if isinstance(method, WrappingMethod):
            method.stored = None if self._overwrite else StoredElsewhere(store.folder.parent)

    def run(self, batches: Sequence[Batch], advance: Advance) -> GroundingReport:
        """Ground what is missing; a batch that lacks anything is computed whole.

        Args:
            batches: Part of a plan.
            advance: Told how many samples are done.

        Raises:
            StoreError: If the store cannot be read or written.
            MethodError: If the method cannot be set up.
            GroundCXRError: What `listen` raises.
        """
        reading = ReadAhead(batches, self._look, self._decode, self._wanted, self._expected, reading_threads())
        try:
            with reading:
                for batch in reading:
                    self._outcomes, before = [], self.report.computed
                    self._run_batch(batch, reading, advance)
                    for one in batch:
                        if one.failure is not None:
                            self._outcomes += [
                                Outcome.of(self._samples[index], one.failure) for index in one.task.samples
                            ]
                    self._listen(self._outcomes)
                    # What was grounded has been counted, image by image where the method answers so.
                    grounded = self.report.computed - before
                    advance(sum(len(one.task.samples) for one in batch) - grounded, at_hand=True)
        finally:
            self._digests.save()
        return self.report

    def _run_batch(self, batch: Sequence[Seen], reading: ReadAhead, advance: Advance) -> None:
        for one in batch:
            self.report.images[one.task.path] = one.sha256 if one.failure is None else one.failure
            if one.sha256 in self._added and one.failure is None:  # the same file under another name, since it was seen
                one.known = self._known(one.task, one.sha256)
            self.report.failed += 0 if one.readable else len(one.task.samples)
        opened = {one.task: one for one in batch if one.image is not None}
        for group in to_ask({task: one.known for task, one in opened.items()}):
            self._ground([(opened[task], index) for task, index in group], reading, advance)

    def _look(self, task: ImageTask) -> Seen:
        content, look = None, self._digests.look(task.path)
        sha256 = self._digests.known(task.path, look)
        if sha256 is None:
            try:
                content = image_bytes(task.path)
            except ImageError as error:
                return Seen(task, failure=Failure.of(error))
            sha256 = hashlib.sha256(content).hexdigest()
            self._digests.remember(task.path, sha256, look)
        if self._condition is not None:
            sha256 = self._condition.key(sha256)
        return Seen(task, sha256, self._known(task, sha256), content)

    def _known(self, task: ImageTask, sha256: str) -> dict[int, bool]:
        """Which of an image's samples the store knows, and whether it has an answer."""
        if self._overwrite:
            return {}
        with self._using_store:
            return known_samples(self._store, sha256, task, self._samples)

    @staticmethod
    def _wanted(batch: Sequence[Seen]) -> list[Seen]:
        """All images of a batch that lacks anything; else those with a failure, which is asked again."""
        lacking = [one for one in batch if one.lacks]
        missing = [one for one in lacking if one.image is None]
        if not missing:
            # An image that cannot be decoded is lacking for ever, and no reason to ground the others again.
            missing = [
                one for one in batch if one.readable and one.image is None and (lacking or not all(one.known.values()))
            ]
        return missing

    def _decode(self, one: Seen) -> None:
        path = one.task.path
        try:
            image = Radiograph.from_bytes(image_bytes(path) if one.content is None else one.content, path)
        except ImageError as error:
            one.failure = Failure.of(error)
        else:
            # Without its folder: what lies beside an image (masks, reports) is none of a method's business.
            image = replace(image, path=Path(path.name))
            one.image = image = image if self._condition is None else self._condition.image(image)
            if image.sha256 != one.sha256:  # the file was replaced since it was hashed
                one.sha256, one.known = image.sha256, self._known(one.task, image.sha256)
        one.content = None

    def _expected(self, task: ImageTask) -> int:
        width, height = self._samples[task.samples[0]].image_size
        return _BYTES_OF_A_PIXEL * width * height

    def _ground(self, asked: Sequence[tuple[Seen, int]], reading: ReadAhead, advance: Advance) -> None:
        way = self._set_up(reading)
        samples = self._samples
        queries = [
            Query(one.image, samples[index].phrase, samples[index].pathology)
            for one, index in asked
            if one.image is not None
        ]
        start = time.perf_counter()
        answers = ground_safely(self._method, queries, advance)
        seconds = (time.perf_counter() - start) / len(asked)
        way = self._answered(way)
        made: dict[str, dict[str, Prediction]] = {}
        for (one, index), answer in zip(asked, answers, strict=True):
            mine = made.setdefault(one.sha256, {})
            # What the store has already, a failure apart, stays as it was made.
            if self._overwrite or not one.known.get(index):
                mine[self._key(one.sha256, index)] = answer
        self._note_undeclared()
        with self._using_store:
            self._store.add(made, Made(way, memory_used(self._method), seconds), replace=self._overwrite)
        self._added.update(made)
        self.report.computed += len(asked)
        self.report.failed += sum(isinstance(answer, Failure) for answer in answers)
        self._outcomes += [
            Outcome.of(samples[index], answer) for (_, index), answer in zip(asked, answers, strict=True)
        ]

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

    def _answered(self, way: Way) -> Way:
        """The way, with what answers in the method's stead as it has said in its answers."""
        found = {**way.packages, **answered_by(self._method)}
        if found != way.packages:
            way = self._way = way.model_copy(update={"packages": found})
        return way

    def _set_up(self, reading: ReadAhead) -> Way:
        if self._way is None:
            with reading.resting():  # what the process has open when a model is loaded is taken for the model's
                self._load(self._method, self._device)
            self._way = Way(
                device=self._device, batch_size=self._batch_size, packages=packages(self._method), git=git_state()
            )
        return self._way
