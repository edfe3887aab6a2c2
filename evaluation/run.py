"""A run of one method: plan, ground, store, score, result."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from ..core import BOX, GroundCXRError, ImageError
from ..core.doubts import Doubt
from ..core.progress import progress
from ..core.stderr import say
from ..methods import ControlMethod
from ..methods.supervision import supervision_of
from ..metrics import Protocol
from .answer_doubts import undeclared_doubt
from .answers import Part, control_parts, stored_parts
from .asking import set_up
from .box_choice import refuse_choice
from .conditions import condition_doubts
from .early_warning import EarlyWarning, check_limit
from .entry import Entry, answers_samples, fitted, method_store
from .executors import Executor, Job, LocalExecutor
from .make_result import make_result
from .negatives import counted
from .plan import Selection, Shard, make_plan
from .prediction import Failure
from .provenance import grounded_here, run_info
from .questions import Questions
from .result import Result
from .schema import AnswersInfo, DatasetInfo, ProvenanceInfo, SuiteInfo
from .scores import score_parts
from .scoring import Scoring
from .store import DamagedPredictionsError, PredictionStore, digests
from .worker import GroundingReport
from .written import reread_note, texts_info

_MOST_JOBS = 1_000
"""More processes than any machine has processors for."""


@dataclass(frozen=True)
class Run:
    """What the methods of one run share.

    Attributes:
        selection: The samples.
        store: The prediction store's folder.
        out: Where results go; None to keep them in memory.
        device: As the user wrote it: "auto", "cpu", "cuda", "cuda:1".
        batch_size: Images in a batch; None for each method's own.
        answers: Which boxes count; None for all.
        judged: What an import said of its boxes as they were written; None where they are judged as a method gave them.
        overwrite: Whether predictions that are in the store are made again.
        stop_after_failures: After so many failed samples a method is ended; None for never.
        jobs: How many processes score; None for one for each processor where that is faster. Results do not depend on
            it.
        executor: Who grounds; this process by default.
        suite: The suite that the run is a part of.
        dataset_label: What tables call the data set; "" for its own name.
        debug: Whether the traceback of each new reason for a failed sample is told on stderr.

    Raises:
        GroundCXRError: If there are to be no processes, or more than any machine bears.
    """

    selection: Selection
    store: Path
    out: Path | None
    device: str = "auto"
    batch_size: int | None = None
    answers: AnswersInfo | None = None
    judged: tuple[Doubt, ...] | None = None
    overwrite: bool = False
    stop_after_failures: int | None = None
    jobs: int | None = None
    executor: Executor = field(default_factory=LocalExecutor)
    suite: SuiteInfo | None = None
    dataset_label: str = ""
    debug: bool = False

    def __post_init__(self) -> None:
        check_limit(self.stop_after_failures)
        if self.jobs is not None and self.jobs < 1:
            raise GroundCXRError(f"nothing can be scored by {self.jobs} processes: give at least 1 with --jobs")
        if self.jobs is not None and self.jobs > _MOST_JOBS:
            raise GroundCXRError(f"{self.jobs} processes are more than {_MOST_JOBS:,}: give fewer with --jobs")
        # A method, or a library of its, may change the working folder.
        object.__setattr__(self, "store", self.store.absolute())
        object.__setattr__(self, "out", None if self.out is None else self.out.absolute())


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
            result = _finish(entry, protocol, run, store, parts, first=protocol is protocols[0])
        except DamagedPredictionsError:
            # A damaged answer shows when it is read; it is made again, once.
            if mended or not store.mend():
                raise
            mended = True
            again = _ground(entry, questions, replace(run, overwrite=False), store, None)
            parts = _parts(run, questions, again, store)
            result = _finish(entry, protocol, run, store, parts, first=protocol is protocols[0])
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
        yield _finish(entry, protocol, run, store, parts, first=protocol is protocols[0])
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
        yield _finish(entry, protocol, run, store, parts, device)


def _finish(
    entry: Entry,
    protocol: Protocol,
    run: Run,
    store: PredictionStore,
    parts: Iterable[Part],
    device: str | None = None,
    *,
    first: bool = True,
) -> Result:
    """Score and save.

    Args:
        entry: The method.
        protocol: What to score under.
        run: Samples and folders.
        store: Where the answers are.
        parts: The same, image by image.
        device: Given where the answers were made for this scoring alone, and are not stored.
        first: Whether what is the same under every protocol is said.
    """
    method = entry.method
    scoring = Scoring(protocol, method.kind, frozenset(method.emits), run.answers, run.judged is None, store)
    selection, parts = counted(run.selection, protocol, parts)
    scores = score_parts(selection, scoring, parts, run.jobs)
    if scores.table.empty:
        raise GroundCXRError(f"the protocol {protocol.name} skips every sample, so there is nothing to average")
    dataset = _describe_dataset(run, len(selection.samples), len(scores.table))
    if scores.keys:
        store.note_samples(dataset.fingerprint, {str(one): scores.keys.get(one) for one in scores.table["sample_id"]})
    batch_size = batch_size_of(entry, run)
    if device is None:
        grounding = store.notes.grounded_with(scores.keys.values())
    else:
        grounding = [grounded_here(device, batch_size, len(scores.table))]
    seconds = float(np.nansum(scores.table["seconds"].to_numpy(dtype=np.float64)))
    doubts = [*(run.judged or ()), *condition_doubts(run.selection), *scores.seen]
    doubts += undeclared_doubt(store.undeclared())
    if BOX in method.emits and protocol.metrics_for([BOX]):
        doubts += scores.boxes
    result = make_result(
        samples=scores.table,
        problems=scores.problems,
        doubts=doubts,
        protocol=protocol,
        pathologies=run.selection.dataset.pathologies,
        dataset=dataset,
        method=entry.info,
        run=run_info(grounding, len(scores.keys), batch_size, seconds),
        provenance=ProvenanceInfo(grounding=grounding) if grounding else None,
        complete=run.selection.complete,
        answers=run.answers,
        suite=run.suite,
        texts=texts_info(scores.readings),
        condition=run.selection.describe_condition(),
        supervision=supervision_of(entry.method),
    )
    if first and (note := reread_note(entry.label, scores.readings)):
        say(note)
    result = replace(result, store=run.store, selection=run.selection)
    return result if run.out is None else result.save(run.out)


def batch_size_of(entry: Entry, run: Run) -> int:
    """How many images are in a batch."""
    return entry.method.batch_size if run.batch_size is None else run.batch_size


def store_of(entry: Entry, run: Run) -> PredictionStore:
    """Where a method's predictions are."""
    return method_store(run.store, entry.info)


def _describe_dataset(run: Run, samples: int, rows: int) -> DatasetInfo:
    selection, dataset = run.selection, run.selection.dataset
    return DatasetInfo(
        name=dataset.name,
        version=dataset.version,
        split=dataset.split,
        fingerprint=selection.fingerprint(),
        n_samples=samples,
        n_skipped=samples - rows,
        n_warnings=len(dataset.warnings),
        options=dataset.options,
        licence=dataset.licence,
        citation=dataset.citation,
        credentialed=dataset.credentialed,
        private_ids=dataset.private_ids,
        task=dataset.task,
        n_negatives=len(selection.samples) - samples,
        label=run.dataset_label,
    )
