"""All parts of a run scored, on as many processors as pay, and put together as one table."""

from __future__ import annotations

import pickle
import time
import uuid
from collections.abc import Generator, Iterable, Iterator, Sequence
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

import numpy as np
import pandas as pd

from ..core import GroundCXRError, Sample, Status
from ..core.doubts import Doubt
from ..core.errors import said
from ..core.processes import in_processes, processors
from ..core.progress import Advance, progress
from ..core.stderr import say
from .answers import Part
from .columns import NEGATIVE, parts_columns
from .plan import Selection
from .scoring import Row, Scored, Scoring
from .written import Reading

STATUSES = tuple(Status)

_WORTH_SECONDS = 4.0
"""What must be left to do for other processes to pay: they take one to two seconds to start."""
_TRIED_SECONDS = 0.25
"""How long one process works before what is left is reckoned from it."""


@dataclass(frozen=True)
class Scores:
    """The outcome of scoring.

    Attributes:
        table: One row per scored sample: opaque ids, every value and its status. Samples that the protocol skips have
            no row. Nothing in it names a patient, a phrase or a path.
        problems: What went wrong, by sample id; for the user's eyes, since messages may quote paths.
        keys: Where the store has each sample's prediction, by sample id; for the store alone, since who holds the
            images could confirm guessed phrases by them.
        seen: What looks wrong in the answers.
        boxes: What is odd about the boxes that count.
        readings: How each row's answer in words was read; None for any other.
    """

    table: pd.DataFrame
    problems: dict[str, str]
    keys: dict[str, str]
    seen: list[Doubt]
    boxes: list[Doubt]
    readings: list[Reading | None]


def score_parts(selection: Selection, scoring: Scoring, parts: Iterable[Part], jobs: int | None = None) -> Scores:
    """One row per scored sample, in the selection's order; the same whatever the number of processes.

    Args:
        selection: The run's samples.
        scoring: How they are scored.
        parts: All answers; a list where other processes may take them.
        jobs: How many processes score; None for one for each processor where that is faster than this one alone.

    Raises:
        GroundCXRError: The first that scoring a part raised.
    """
    whole = scoring.nothing()
    with (
        progress(f"score {scoring.protocol.name}", len(selection.samples)) as advance,
        closing(_scored(scoring, parts, jobs, advance)) as scored,
    ):
        for one in scored:
            whole.join(one)
    rows = sorted(whole.rows, key=lambda row: row.index)
    samples = [selection.samples[row.index] for row in rows]
    table = _describe(selection, samples, rows)
    if any(sample.negative for sample in samples):
        table[NEGATIVE] = np.array([sample.negative for sample in samples], dtype=bool)
    for column, key in enumerate(scoring.metrics):
        table[key] = np.array([row.values[column] for row in rows], dtype=np.float64)
        codes = np.array([STATUSES.index(row.statuses[column]) for row in rows], dtype=np.int8)
        table[f"{key}_status"] = pd.Categorical.from_codes(codes, categories=list(STATUSES))
    for place, (key, reducer) in enumerate(scoring.reduced.items()):
        for number, name in enumerate(parts_columns(key, reducer)):
            added = (row.parts[place] for row in rows)
            table[name] = pd.Series([None if part is None else list(part[number]) for part in added], dtype=object)
    # In the order in which they were scored.
    named = [(selection.samples[row.index].sample_id, row) for row in whole.rows]
    return Scores(
        pd.DataFrame(table),
        {sample_id: str(row.problem) for sample_id, row in named if row.problem is not None},
        {sample_id: row.key for sample_id, row in named if row.key},
        [*whole.seen.doubts(), *whole.scale.doubts()],
        whole.boxes.doubts(),
        [row.reading for row in rows],
    )


def _scored(
    scoring: Scoring, parts: Iterable[Part], jobs: int | None, advance: Advance
) -> Generator[Scored, None, None]:
    """Each part's outcome, in order."""
    start, done = time.perf_counter(), 0
    waiting = iter(parts)
    total = len(parts) if isinstance(parts, Sequence) else 0
    while done < total:
        spent = time.perf_counter() - start
        if jobs is None and (spent < _TRIED_SECONDS or spent / max(done, 1) * (total - done) < _WORTH_SECONDS):
            yield scoring.score(next(waiting), advance)
            done += 1
            continue
        number = min(processors() if jobs is None else jobs, total - done)
        if number > 1 and isinstance(parts, Sequence):
            for one in _scored_elsewhere(scoring, parts[done:], number, advance):
                next(waiting)
                done += 1
                yield one
        break
    for part in waiting:
        yield scoring.score(part, advance)


def _scored_elsewhere(scoring: Scoring, parts: Sequence[Part], jobs: int, advance: Advance) -> Iterator[Scored]:
    """The outcomes that other processes give, which may end before all are there: then this process has to go on."""
    work = partial(_score_there, uuid.uuid4().hex, scoring)
    try:
        with closing(in_processes(work, parts, jobs)) as outcomes:
            for part, outcome in zip(parts, outcomes, strict=True):
                if isinstance(outcome, GroundCXRError):
                    raise outcome
                advance(len(part))
                yield outcome
    except (BrokenProcessPool, pickle.PicklingError, OSError, RuntimeError) as error:
        _say_alone(said(error))


@cache
def _say_alone(reason: str) -> None:
    say(f"note: scoring goes on in this process alone, since it could not go on in others ({reason})")


_kept: dict[str, Scoring] = {}


def _score_there(run: str, scoring: Scoring, part: Part) -> Scored | GroundCXRError:
    """Score a part in another process, which keeps what the run's first one came with: its store is open then."""
    if run not in _kept:
        _kept.clear()
        _kept[run] = scoring
    try:
        return _kept[run].score(part)
    except GroundCXRError as error:  # raised over there when it is this part's turn
        return error


def _describe(selection: Selection, samples: Sequence[Sample], rows: Sequence[Row]) -> dict[str, Any]:
    opaque = cache(selection.dataset.opaque)
    image_keys = [opaque("image", sample.image_id) for sample in samples]
    return {
        "sample_id": _text(sample.sample_id for sample in samples),
        "patient_key": _text(
            image_key if sample.patient_id is None else opaque("patient", sample.patient_id)
            for sample, image_key in zip(samples, image_keys, strict=True)
        ),
        "image_key": _text(image_keys),
        "pathology": _text(sample.pathology for sample in samples),
        "box_area": np.array([row.area for row in rows], dtype=np.float64),
        "n_boxes": np.array([len(sample.boxes) for sample in samples], dtype=np.int32),
        "side": _text(sample.side for sample in samples),
        "zone": _text(sample.zone for sample in samples),
        "truncated": np.array([row.truncated for row in rows], dtype=bool),
        "seconds": np.array([row.seconds for row in rows], dtype=np.float64),
        "error": _text(None if row.problem is None else row.problem.kind for row in rows),
    }


def _text(values: Iterable[str | None]) -> pd.Series:
    return pd.Series(list(values), dtype="string")
