"""A run of one method: plan, ground, store, then score and save (`score_and_save`)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from ..core import ImageError
from ..core.progress import progress
from ..methods import ControlMethod
from ..metrics import Protocol
from .answers import Part, control_parts, stored_parts
from .asking import set_up
from .box_choice import refuse_choice
from .early_warning import EarlyWarning
from .entry import Entry, answers_samples, fitted
from .executors import Job
from .plan import Shard, make_plan
from .prediction import Failure
from .questions import Questions
from .result import Result
from .run_settings import Run, batch_size_of, store_of
from .score_and_save import score_and_save
from .store import DamagedPredictionsError, PredictionStore, digests
from .worker import GroundingReport


def run_entry(entry: Entry, protocols: Sequence[Protocol], run: Run) -> Iterator[Result]:
    """Ground what is missing, then score under each protocol.

    Args:
        entry: The method.
        protocols: What to score under.
        run: Samples, folders, device.

    Yields:
        One saved result for each protocol.

    Raises:
        StoppedError: If as many samples have failed as may.
        GroundCXRError: If nothing can be run.
    """
    refuse_choice(entry.method, entry.label, run.answers)
    # Before a control is fitted: a device that is not there is found at once.
    device = run.executor.control_device(run.device, entry.method)
    entry = fitted(entry, run.selection)
    if answers_samples(entry.method):
        yield from _run_control(entry, entry.method, protocols, run, device)
        return
    questions, store = Questions.of(entry.method, run.selection), store_of(entry, run)
    parts = _parts(run, questions, _ground(entry, questions, run, store, None), store)
    mended = False
    for protocol in protocols:
        try:
            result = score_and_save(entry, protocol, run, store, parts, first=protocol is protocols[0])
        except DamagedPredictionsError:
            # A damaged answer shows when it is read; it is made again, once.
            if mended or not store.mend():
                raise
            mended = True
            again = _ground(entry, questions, replace(run, overwrite=False), store, None)
            parts = _parts(run, questions, again, store)
            result = score_and_save(entry, protocol, run, store, parts, first=protocol is protocols[0])
        yield result
    store.compact()


def ground_shard(entry: Entry, run: Run, shard: Shard) -> int:
    """Ground a part of the plan and score nothing; a control that reads the ground truth waits for the scoring.

    Returns:
        How many samples failed; those that nothing can be asked about are counted with the first part.

    Raises:
        StoppedError: If as many samples have failed as may.
        GroundCXRError: If nothing can be run.
    """
    if answers_samples(entry.method):
        return 0
    entry = fitted(entry, run.selection)
    questions = Questions.of(entry.method, run.selection)
    report = _ground(entry, questions, run, store_of(entry, run), shard)
    _require_readable(report)
    return report.failed + (len(questions.refused) if shard.index == 1 else 0)


def score_entry(entry: Entry, protocols: Sequence[Protocol], run: Run) -> Iterator[Result]:
    """Score stored predictions; the model is not loaded.

    Raises:
        StoreError: If a prediction is missing.
        GroundCXRError: If boxes are to be chosen by a score that they do not have.
    """
    refuse_choice(entry.method, entry.label, run.answers)
    entry = fitted(entry, run.selection)
    if answers_samples(entry.method):
        yield from _run_control(entry, entry.method, protocols, run, "cpu")
        return
    questions = Questions.of(entry.method, run.selection)
    report, known = GroundingReport(), digests()
    paths = dict.fromkeys(sample.image_path for sample in questions.selection.samples)
    with progress("read images", len(paths)) as advance:
        for path in paths:
            try:
                report.images[path] = run.selection.image_key(known.of(path))
            except ImageError as error:
                report.images[path] = Failure.of(error)
            advance()
    known.save()
    store = store_of(entry, run)
    parts = _parts(run, questions, report, store)
    for protocol in protocols:
        yield score_and_save(entry, protocol, run, store, parts, first=protocol is protocols[0])
    store.compact()


def _ground(
    entry: Entry, questions: Questions, run: Run, store: PredictionStore, shard: Shard | None
) -> GroundingReport:
    samples = questions.selection.samples
    batch_size = batch_size_of(entry, run)
    batches = make_plan(samples, batch_size, shard)
    warning = EarlyWarning(entry.label, run.stop_after_failures, debug=run.debug)
    condition = run.selection.condition
    job = Job(entry, samples, batches, run.store, store, run.device, batch_size, run.overwrite, warning.see, condition)
    with progress(f"ground {entry.label}", sum(len(task.samples) for batch in batches for task in batch)) as advance:
        report = run.executor.ground(job, advance)
    warning.end()
    return report


def _parts(run: Run, questions: Questions, report: GroundingReport, store: PredictionStore) -> list[Part]:
    """What is scored, the same under each protocol."""
    _require_readable(report)
    return stored_parts(run.selection, questions, report.images, store)


def _require_readable(report: GroundingReport) -> None:
    failures = [image for image in report.images.values() if isinstance(image, Failure)]
    if failures and len(failures) == len(report.images):
        raise ImageError(f"none of the {len(failures)} images could be read; the first: {failures[0].message}")


def _run_control(
    entry: Entry, method: ControlMethod, protocols: Sequence[Protocol], run: Run, device: str
) -> Iterator[Result]:
    set_up(method, device)
    store = store_of(entry, run)
    warning = EarlyWarning(entry.label, run.stop_after_failures, debug=run.debug)
    for protocol in protocols:
        parts = control_parts(run.selection, method, batch_size_of(entry, run))
        if protocol is protocols[0]:  # under the others the same answers come again
            parts = warning.passing(parts)
        yield score_and_save(entry, protocol, run, store, parts, device)
