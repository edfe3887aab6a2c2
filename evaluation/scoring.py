"""Scoring: predictions, samples and a protocol become one row per sample. Needs no model."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from ..core import (
    GroundCXRError,
    Grounding,
    ImageError,
    MetricValue,
    ProtocolError,
    Radiograph,
    Sample,
    Status,
    StoreError,
    Target,
    union_area,
)
from ..core.progress import progress
from ..methods import ControlMethod, GroundingMethod
from ..metrics import Protocol
from .asking import control_safely
from .columns import NEGATIVE
from .plan import Selection, make_plan
from .prediction import Failure, Prediction, image_key, query_key
from .store import PredictionStore

STATUSES = tuple(Status)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a run has for one sample.

    Attributes:
        index: The sample's place in the selection.
        prediction: The answer, or why there is none.
        key: Where the store has it; "" where it was not stored.
        seconds: What grounding it took, None where that is unknown.
    """

    index: int
    prediction: Prediction
    key: str = ""
    seconds: float | None = None


def stored_answers(
    selection: Selection, images: Mapping[Path, str | Failure], store: PredictionStore
) -> Iterator[Answer]:
    """Every sample's answer from the store.

    Args:
        selection: The run's samples.
        images: The hash of each image file, or why it could not be read.
        store: Where the predictions are.

    Raises:
        StoreError: If a prediction is missing or its file is damaged.
    """
    seconds = store.notes.seconds()
    for (task,) in make_plan(selection.samples, 1):
        image = images[task.path]
        if isinstance(image, Failure):
            yield from (Answer(index, image) for index in task.samples)
            continue
        stored = store.read(image)
        file = image_key(image)
        keys = {
            index: query_key(image, selection.samples[index].phrase, selection.samples[index].pathology)
            for index in task.samples
        }
        if any(key not in stored for key in keys.values()):
            failure = _undecodable(task.path)
            if failure is None:
                raise StoreError(
                    f"{store.folder} lacks predictions (sample {selection.samples[task.samples[0]].sample_id} among "
                    "them); run evaluate with the same method and options first"
                )
            yield from (Answer(index, failure) for index in task.samples)
            continue
        yield from (Answer(index, stored[key], f"{file}-{key}", seconds.get(file)) for index, key in keys.items())


def _undecodable(path: Path) -> Failure | None:
    """Why an image has no predictions, where that is because it cannot be decoded."""
    try:
        Radiograph.open(path)
    except ImageError as error:
        return Failure.of(error)
    return None


def control_answers(selection: Selection, method: ControlMethod, batch_size: int) -> Iterator[Answer]:
    """Every sample's answer from a control that sees the ground truth; nothing is stored."""
    for batch in make_plan(selection.samples, batch_size):
        indices = [index for task in batch for index in task.samples]
        found = control_safely(method, [selection.samples[index] for index in indices])
        yield from (Answer(index, answer) for index, answer in zip(indices, found, strict=True))


@dataclass(frozen=True)
class Scores:
    """The outcome of scoring.

    Attributes:
        table: One row per scored sample: opaque ids, every value and its status. Samples that the protocol skips have
            no row. Nothing in it names a patient, a phrase or a path.
        problems: What went wrong, by sample id; for the user's eyes, since messages may quote paths.
        keys: Where the store has each sample's prediction, by sample id; for the store alone, since who holds the
            images could confirm guessed phrases by them.
    """

    table: pd.DataFrame
    problems: dict[str, str]
    keys: dict[str, str]


class _Row(NamedTuple):
    place: int
    sample: Sample
    truncated: bool
    seconds: float | None
    error: str | None


def score_answers(
    selection: Selection, method: GroundingMethod, protocol: Protocol, answers: Iterable[Answer]
) -> Scores:
    """One row per scored sample, in the selection's order.

    Args:
        selection: The run's samples.
        method: Whose answers they are; its kind and what it emits matter.
        protocol: What to compute.
        answers: One for each sample, in any order.
    """
    keys = [metric.key for metric in protocol.metrics_for(method.emits)]
    rows: list[_Row] = []
    problems: dict[str, str] = {}
    stored: dict[str, str] = {}
    values = np.full((len(selection.samples), len(keys)), np.nan)
    statuses = np.zeros(values.shape, dtype=np.int8)
    with progress(f"score {protocol.name}", len(selection.samples)) as advance:
        for answer in answers:
            sample = selection.samples[answer.index]
            scored, problem = _score_one(sample, method, protocol, answer.prediction)
            advance()
            if scored is None:
                continue
            if answer.key:
                stored[sample.sample_id] = answer.key
            if problem is not None:
                problems[sample.sample_id] = str(problem)
            for column, key in enumerate(keys):
                value, status = scored[key]
                values[len(rows), column] = np.nan if value is None else value
                statuses[len(rows), column] = STATUSES.index(status)
            error = problem.kind if problem is not None else None
            truncated = isinstance(answer.prediction, Grounding) and answer.prediction.truncated
            rows.append(_Row(answer.index, sample, truncated, answer.seconds, error))
    order = np.argsort([row.place for row in rows], kind="stable")
    rows = [rows[row] for row in order]
    table = _describe(selection, rows)
    if any(row.sample.negative for row in rows):
        table[NEGATIVE] = np.array([row.sample.negative for row in rows], dtype=bool)
    for column, key in enumerate(keys):
        table[key] = values[order, column]
        table[f"{key}_status"] = pd.Categorical.from_codes(statuses[order, column], categories=list(STATUSES))
    return Scores(pd.DataFrame(table), problems, stored)


def _score_one(
    sample: Sample, method: GroundingMethod, protocol: Protocol, prediction: Prediction
) -> tuple[dict[str, MetricValue] | None, Failure | None]:
    """The sample's values, None where the protocol skips it; and what went wrong, if something did."""
    failure = prediction if isinstance(prediction, Failure) else None
    grounding = None if isinstance(prediction, Failure) else protocol.prepare(prediction, method.kind)
    try:
        target = protocol.target(sample, grounding)
        if target is None:
            return None, failure
        if grounding is None:
            return protocol.missing(target, method.emits, Status.FAILED), failure
        return _score(protocol, grounding, target, method)
    except ImageError as error:
        # The ground truth itself (a mask file) cannot be had: the sample is left out, and counted as such.
        metrics = protocol.metrics_for(method.emits)
        return {metric.key: MetricValue(None, Status.EMPTY_TARGET) for metric in metrics}, Failure.of(error)


def _score(
    protocol: Protocol, grounding: Grounding, target: Target, method: GroundingMethod
) -> tuple[dict[str, MetricValue], Failure | None]:
    try:
        return protocol.score(grounding, target, method.emits), None
    except ProtocolError as error:
        # The data set says another size than the image file has, say; the answer cannot be scored.
        return protocol.missing(Target(target.boxes, target.image_size), method.emits, Status.FAILED), Failure.of(error)


def _describe(selection: Selection, rows: list[_Row]) -> dict[str, Any]:
    opaque = selection.dataset.opaque
    samples = [row.sample for row in rows]
    image_keys = [opaque("image", sample.image_id) for sample in samples]
    return {
        "sample_id": _text(sample.sample_id for sample in samples),
        "patient_key": _text(
            image_key if sample.patient_id is None else opaque("patient", sample.patient_id)
            for sample, image_key in zip(samples, image_keys, strict=True)
        ),
        "image_key": _text(image_keys),
        "pathology": _text(sample.pathology for sample in samples),
        "box_area": np.array([_target_share(sample) for sample in samples], dtype=np.float64),
        "n_boxes": np.array([len(sample.boxes) for sample in samples], dtype=np.int32),
        "side": _text(sample.side for sample in samples),
        "zone": _text(sample.zone for sample in samples),
        "truncated": np.array([row.truncated for row in rows], dtype=bool),
        "seconds": np.array([row.seconds for row in rows], dtype=np.float64),
        "error": _text(row.error for row in rows),
    }


def _text(values: Iterable[str | None]) -> pd.Series:
    return pd.Series(list(values), dtype="string")


def _target_share(sample: Sample) -> float:
    """The ground truth's share of the image's area; that of the boxes where a sample has boxes and a mask."""
    width, height = sample.image_size
    if not sample.boxes and sample.mask is not None:
        try:
            return float(sample.mask.load().mean())
        except GroundCXRError:
            return 0.0
    return union_area(box.clipped(sample.image_size) for box in sample.boxes) / (width * height)
