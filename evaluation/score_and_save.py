"""The last step of a run: answers are scored, averaged, described and saved."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import pandas as pd

from ..core import BOX, GroundCXRError
from ..core.stderr import say
from ..methods.supervision import supervision_of
from ..metrics import Protocol
from .answer_doubts import served_doubt, undeclared_doubt
from .answers import Part
from .averages import unit_of
from .conditions import condition_doubts
from .entry import Entry
from .make_result import make_result
from .negatives import counted
from .provenance import grounded_here, run_info
from .result import Result
from .run_settings import Run, batch_size_of
from .schema import DatasetInfo, ProvenanceInfo
from .scores import score_parts
from .scoring import Scoring
from .store import PredictionStore
from .written import reread_note, texts_info


def score_and_save(
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
    dataset = _describe_dataset(run, len(selection.samples), scores.table)
    if scores.keys:
        store.note_samples(dataset.fingerprint, {str(one): scores.keys.get(one) for one in scores.table["sample_id"]})
    batch_size = batch_size_of(entry, run)
    if device is None:
        grounding = store.notes.grounded_with(scores.keys.values())
    else:
        grounding = [grounded_here(device, batch_size, len(scores.table))]
    seconds = float(np.nansum(scores.table["seconds"].to_numpy(dtype=np.float64)))
    doubts = [*(run.judged or ()), *condition_doubts(run.selection), *scores.seen]
    doubts += [*undeclared_doubt(store.undeclared()), *served_doubt(grounding)]
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


def _describe_dataset(run: Run, samples: int, rows: pd.DataFrame) -> DatasetInfo:
    selection, dataset = run.selection, run.selection.dataset
    return DatasetInfo(
        name=dataset.name,
        version=dataset.version,
        split=dataset.split,
        fingerprint=selection.fingerprint(),
        n_samples=samples,
        n_skipped=samples - len(rows),
        n_warnings=len(dataset.warnings),
        options=dataset.options,
        licence=dataset.licence,
        citation=dataset.citation,
        credentialed=dataset.credentialed,
        private_ids=dataset.private_ids,
        task=dataset.task,
        n_negatives=len(selection.samples) - samples,
        label=run.dataset_label,
        unit=unit_of(rows),
    )
