"""From scored samples to a result: averaged, counted, described."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence

import pandas as pd

from ..core.doubts import Doubt
from ..core.supervision import Supervision
from ..metrics import Metric, Protocol
from .averages import average
from .invariants import metric_infos
from .pair import parquet
from .result import Result
from .schema import (
    SCHEMA_VERSION,
    AnswersInfo,
    Cell,
    ConditionInfo,
    DatasetInfo,
    MethodInfo,
    Note,
    Overall,
    ProtocolInfo,
    ProvenanceInfo,
    ResultFile,
    RunInfo,
    SuiteInfo,
    TextsInfo,
)


def make_result(
    *,
    samples: pd.DataFrame,
    problems: Mapping[str, str],
    doubts: Sequence[Doubt] = (),
    protocol: Protocol,
    pathologies: Sequence[str],
    dataset: DatasetInfo,
    method: MethodInfo,
    run: RunInfo,
    complete: bool,
    answers: AnswersInfo | None = None,
    provenance: ProvenanceInfo | None = None,
    suite: SuiteInfo | None = None,
    texts: TextsInfo | None = None,
    condition: ConditionInfo | None = None,
    supervision: Supervision | None = None,
) -> Result:
    """Average scored samples into a result.

    Args:
        samples: The table of `score_parts`.
        problems: What went wrong, by sample id.
        doubts: What looks wrong in the answers; noted without the examples.
        protocol: The protocol of the scores.
        pathologies: The classes, in order; those without a sample are left out.
        dataset: The data.
        method: The method.
        run: Where and how it ran.
        complete: Whether the whole split was run.
        answers: Which boxes counted; None for all.
        provenance: How the predictions were made, where that is known.
        suite: The suite that the run is a part of.
        texts: What is said of answers in words; None where there are none.
        condition: Under which it was made; None for the data as they are.
        supervision: What the method has learnt places from; None where that is not known.
    """
    metrics = protocol.metrics_for(set(method.emits))
    present = set(samples["pathology"])
    there = [name for name in pathologies if name in present]
    summary = average(samples, metrics, dataset, there, protocol.class_weights)
    info = ResultFile(
        schema_version=SCHEMA_VERSION,
        complete=complete,
        protocol=ProtocolInfo(name=protocol.name, version=protocol.version, hash=protocol.hash),
        dataset=dataset,
        method=method,
        run=run,
        metrics=metric_infos(metrics),
        overall=Overall(
            macro=_cells(metrics, summary.macro),
            micro=_cells(metrics, summary.micro),
            weighted=None if summary.weighted is None else _cells(metrics, summary.weighted),
        ),
        pathologies={name: _cells(metrics, cells) for name, cells in summary.pathologies.items()},
        statuses={metric.key: _counts(samples, f"{metric.key}_status") for metric in metrics},
        n_failed=len(problems),
        samples_sha256=hashlib.sha256(parquet(samples)).hexdigest(),
        notes=[Note(text=doubt.kind, count=doubt.count) for doubt in doubts] or None,
        answers=answers,
        provenance=provenance,
        suite=suite,
        texts=texts,
        condition=condition,
        supervision=supervision,
        derived=protocol.derived_for(method.emits),
    )
    return Result(info, samples, problems, doubts=tuple(doubts))


def _cells(metrics: Sequence[Metric], cells: Sequence[object]) -> dict[str, Cell]:
    return {
        metric.key: Cell.model_validate(cell, from_attributes=True) for metric, cell in zip(metrics, cells, strict=True)
    }


def _counts(samples: pd.DataFrame, column: str) -> dict[str, int]:
    return dict(Counter(samples[column].astype(str).tolist()))
