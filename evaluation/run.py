"""A run of one method: plan, ground, store, score, result."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..core import BOX, GroundCXRError, ImageError, image_digest
from ..core.doubts import Doubt
from ..core.progress import progress
from ..methods import ControlMethod
from ..metrics import Protocol
from .answer_doubts import AnswerDoubts, undeclared_doubt
from .asking import set_up
from .box_choice import BoxesInUnion, refuse_choice
from .entry import Entry, answers_samples, fitted
from .negatives import counted
from .plan import Selection, Shard, make_plan
from .prediction import Failure
from .provenance import grounded_here, resolve_device, run_info
from .questions import Questions
from .result import Result, make_result
from .schema import AnswersInfo, DatasetInfo, ProvenanceInfo
from .scoring import Answer, control_answers, score_answers, stored_answers
from .store import PredictionStore
from .worker import GroundingReport, Worker


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
    """

    selection: Selection
    store: Path
    out: Path | None
    device: str = "auto"
    batch_size: int | None = None
    answers: AnswersInfo | None = None
    judged: tuple[Doubt, ...] | None = None
    overwrite: bool = False

    def __post_init__(self) -> None:
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
        GroundCXRError: If nothing can be run.
    """
    refuse_choice(entry.method, entry.label, run.answers)
    device = resolve_device(run.device)
    entry = fitted(entry, run.selection.dataset)
    if answers_samples(entry.method):
        yield from _run_control(entry, entry.method, protocols, run, device)
        return
    questions, store = Questions.of(entry.method, run.selection), _store(entry, run)
    report = _ground(entry, questions, run, store, device, None)
    yield from _score(entry, questions, protocols, run, store, report)


def ground_shard(entry: Entry, run: Run, shard: Shard) -> int:
    """Ground a part of the plan and score nothing; a control that reads the ground truth waits for the scoring.

    Returns:
        How many samples failed; those that nothing can be asked about are counted with the first part.

    Raises:
        GroundCXRError: If nothing can be run.
    """
    if answers_samples(entry.method):
        return 0
    entry = fitted(entry, run.selection.dataset)
    questions = Questions.of(entry.method, run.selection)
    report = _ground(entry, questions, run, _store(entry, run), resolve_device(run.device), shard)
    _require_readable(report)
    return report.failed + (len(questions.refused) if shard.index == 1 else 0)


def score_entry(entry: Entry, protocols: Sequence[Protocol], run: Run) -> Iterator[Result]:
    """Score stored predictions; the model is not loaded.

    Raises:
        StoreError: If a prediction is missing.
        GroundCXRError: If boxes are to be chosen by a score that they do not have.
    """
    refuse_choice(entry.method, entry.label, run.answers)
    entry = fitted(entry, run.selection.dataset)
    if answers_samples(entry.method):
        yield from _run_control(entry, entry.method, protocols, run, "cpu")
        return
    questions = Questions.of(entry.method, run.selection)
    report = GroundingReport()
    paths = dict.fromkeys(sample.image_path for sample in questions.selection.samples)
    with progress("read images", len(paths)) as advance:
        for path in paths:
            try:
                report.images[path] = image_digest(path)
            except ImageError as error:
                report.images[path] = Failure.of(error)
            advance()
    yield from _score(entry, questions, protocols, run, _store(entry, run), report)


def _ground(
    entry: Entry, questions: Questions, run: Run, store: PredictionStore, device: str, shard: Shard | None
) -> GroundingReport:
    samples = questions.selection.samples
    batch_size = _batch_size(entry, run)
    batches = make_plan(samples, batch_size, shard)
    worker = Worker(entry.method, samples, store, device, batch_size, overwrite=run.overwrite)
    with progress(f"ground {entry.label}", sum(len(task.samples) for batch in batches for task in batch)) as advance:
        return worker.run(batches, advance)


def _score(
    entry: Entry,
    questions: Questions,
    protocols: Sequence[Protocol],
    run: Run,
    store: PredictionStore,
    report: GroundingReport,
) -> Iterator[Result]:
    _require_readable(report)
    for protocol in protocols:
        answers = stored_answers(questions.selection, report.images, store)
        yield _finish(entry, protocol, run, store, questions.in_run(answers))


def _require_readable(report: GroundingReport) -> None:
    failures = [image for image in report.images.values() if isinstance(image, Failure)]
    if failures and len(failures) == len(report.images):
        raise ImageError(f"none of the {len(failures)} images could be read; the first: {failures[0].message}")


def _run_control(
    entry: Entry, method: ControlMethod, protocols: Sequence[Protocol], run: Run, device: str
) -> Iterator[Result]:
    set_up(method, device)
    store = _store(entry, run)
    for protocol in protocols:
        answers = control_answers(run.selection, method, _batch_size(entry, run))
        yield _finish(entry, protocol, run, store, answers, device)


def _finish(
    entry: Entry,
    protocol: Protocol,
    run: Run,
    store: PredictionStore,
    answers: Iterator[Answer],
    device: str | None = None,
) -> Result:
    """Score and save; `device` is given where the answers were made for this scoring alone, and are not stored."""
    seen, boxes = AnswerDoubts(frames=run.judged is None), BoxesInUnion(run.answers)
    selection, answers = counted(run.selection, protocol, answers)
    told = boxes.chosen(selection, seen.passing(selection, answers))
    scores = score_answers(selection, entry.method, protocol, told)
    if scores.table.empty:
        raise GroundCXRError(f"the protocol {protocol.name} skips every sample, so there is nothing to average")
    dataset = _describe_dataset(run.selection, len(selection.samples), len(scores.table))
    if scores.keys:
        store.note_samples(dataset.fingerprint, {str(one): scores.keys.get(one) for one in scores.table["sample_id"]})
    batch_size = _batch_size(entry, run)
    if device is None:
        grounding = store.notes.grounded_with(scores.keys.values())
    else:
        grounding = [grounded_here(device, batch_size, len(scores.table))]
    seconds = float(np.nansum(scores.table["seconds"].to_numpy(dtype=np.float64)))
    doubts = [*(run.judged or ()), *seen.doubts(), *undeclared_doubt(store.undeclared())]
    if BOX in entry.method.emits and protocol.metrics_for([BOX]):
        doubts += boxes.doubts()
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
    )
    return result if run.out is None else result.save(run.out)


def _batch_size(entry: Entry, run: Run) -> int:
    return entry.method.batch_size if run.batch_size is None else run.batch_size


def _store(entry: Entry, run: Run) -> PredictionStore:
    about = entry.info.model_dump(exclude={"label"})
    return PredictionStore(run.store, entry.info.name, entry.info.fingerprint, about)


def _describe_dataset(selection: Selection, samples: int, rows: int) -> DatasetInfo:
    dataset = selection.dataset
    return DatasetInfo(
        name=dataset.name,
        version=dataset.version,
        split=dataset.split,
        fingerprint=dataset.fingerprint(selection.samples),
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
    )
