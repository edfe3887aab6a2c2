"""The paired table of several results: every two of them, in one family of tests."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from pathlib import Path

import pandas as pd

from ..core import GroundCXRError
from ..core.paths import user_path
from ..evaluation.derived import can_derive, is_derived
from ..evaluation.metric_names import metric_key
from ..evaluation.result import Result, load_result
from ..evaluation.schema import MetricInfo
from .agreeing import what_differs
from .captions import how_tested
from .entrant import Entrant, entrants_of
from .head_to_head import head_to_head
from .setting import Setting
from .significance import MACRO, MICRO, holm

_COLUMNS = (
    "metric", "first", "second", "pathology", "first_value", "second_value", "difference", "low", "high", "p",
    "p_corrected", "test", "wins", "ties", "losses", "n",
)  # fmt: skip


def compare(*results: Result | Path | str, metrics: Sequence[str] = ()) -> pd.DataFrame:
    """Compare results of one data set under one protocol, every two of them.

    Args:
        results: At least two: as `evaluate` gives them, or a `result.json` or its folder.
        metrics: Keys of metrics, such as "miou"; the protocol's headline ones that all results have by default.

    Returns:
        One row for each metric, two results, and pathology ("macro" and "micro" after them): `metric`, `first`,
        `second` (the methods' labels), `pathology`, `first_value`, `second_value` (over the samples that both have),
        `difference` (the first's minus the second's), `low`, `high` (95 %, bootstrap over patients), `p`,
        `p_corrected` (Holm, for each metric: over all pathologies of all pairs, and over the pairs for macro and for
        micro), `test` ("sign flips" or "paired bootstrap"), `wins`, `ties`, `losses` (samples on which the first is
        better, equal, worse), `n`. Under a protocol that makes one kind of answer out of another also
        `first_derived`, `second_derived`: whether the values are of the view that the method does not give itself.

    Raises:
        GroundCXRError: If the results cannot be compared, in one sentence that says why.
        StoreError: If a file is no sound result.
    """
    read = [one if isinstance(one, Result) else load_result(user_path(one)) for one in results]
    for place, one in enumerate(read):
        if any(one.info == other.info for other in read[:place]):
            raise GroundCXRError(f"the result of {one.info.method.shown} is given twice; give each once")
    return paired_table(entrants_of(read), metrics)


def paired_table(entrants: Sequence[Entrant], metrics: Sequence[str] = ()) -> pd.DataFrame:
    """As `compare`, of what has been read.

    Args:
        entrants: At least two, under unique labels.
        metrics: As there.
    """
    refuse_incomparable(entrants)
    found = [_table(entrants, metric) for metric in compared_metrics(entrants, metrics)]
    return pd.concat(found, ignore_index=True)


def refuse_incomparable(entrants: Sequence[Entrant]) -> None:
    """Raise where results must not stand in one table.

    Raises:
        GroundCXRError: If there are fewer than two, they are of several data sets or protocols, or of a part of one, or
            say different patients or classes of a sample, or other things of a metric.
        StoreError: If the rows of a run cannot be read any more.
    """
    if len(entrants) < 2:
        there = f"that of {entrants[0].label} alone" if entrants else "none"
        raise GroundCXRError(f"it takes two results to compare, and there is {there}; give the other's too")
    first, setting = entrants[0], Setting.of(entrants[0].info)
    for other in entrants[1:]:
        if apart := setting.differs(Setting.of(other.info)):
            raise GroundCXRError(
                f"{first.label} and {other.label} cannot be compared: {apart}; give results of one data set under one "
                "protocol"
            )
    for other in entrants[1:]:
        if apart := what_differs(first, other):
            raise GroundCXRError(
                f"{first.label} and {other.label} cannot be compared: {apart}; ask for the files as evaluate wrote them"
            )
    if not setting.complete:
        raise GroundCXRError(
            f"{first.label} was run on {setting.n_samples:,} samples, a part of the split, which says nothing of "
            "the whole; run the methods without --limit and --pathology to compare them"
        )


def compared_metrics(entrants: Sequence[Entrant], metrics: Sequence[str] = ()) -> list[MetricInfo]:
    """The metrics to compare by.

    Args:
        entrants: Of one setting.
        metrics: Keys; the headline ones that all have by default, or where these are none all that all have.

    Raises:
        UnknownNameError: If none has one of the metrics.
        GroundCXRError: If one lacks it, or they have none in common.
    """
    known = {metric.key: metric for entrant in entrants for metric in entrant.info.metrics}
    metrics = [metric_key(name, known.values(), "these results") for name in metrics]
    for key in metrics:
        if lacking := next((one for one in entrants if one.metric(key) is None), None):
            raise GroundCXRError(
                f"{lacking.label}, which answers with {_answers(lacking)}, does not have the metric {key!r}; choose "
                "another --metric, or leave it out"
            )
    if metrics:
        return [known[key] for key in dict.fromkeys(metrics)]
    shared = [metric for metric in known.values() if all(one.metric(metric.key) is not None for one in entrants)]
    if not shared:
        said = ", ".join(f"{one.label} answers with {_answers(one)}" for one in entrants)
        raise GroundCXRError(
            f"under {entrants[0].info.protocol.name} these results have no metric in common: {said}; compare methods "
            "that answer alike, or score them under a protocol that gives both the same metrics"
        )
    return [metric for metric in shared if metric.headline] or shared


def _answers(entrant: Entrant) -> str:
    words = {"heatmap": "maps", "box": "boxes"}
    return " and ".join(words.get(kind, kind) for kind in entrant.info.method.emits)


def _table(entrants: Sequence[Entrant], metric: MetricInfo) -> pd.DataFrame:
    """Every two under one metric."""
    tables = []
    for first, second in combinations(entrants, 2):
        rows = head_to_head(first, second, metric.key).table.drop(columns="p_corrected")
        rows = rows.rename(columns={"first": "first_value", "second": "second_value", "column": "pathology"})
        tables.append(rows.assign(metric=metric.key, first=first.label, second=second.label, test=how_tested(metric)))
    table = pd.concat(tables, ignore_index=True)
    family = table["pathology"].where(table["pathology"].isin([MACRO, MICRO]), "")
    table["p_corrected"] = table.groupby(family)["p"].transform(lambda p: holm(p.to_numpy()))
    if not any(can_derive(one.info) for one in entrants):
        return table.loc[:, list(_COLUMNS)]
    derived = {one.label: is_derived(one.info, metric.key) for one in entrants}
    told = {f"{which}_derived": [derived[label] for label in table[which]] for which in ("first", "second")}
    return table.loc[:, list(_COLUMNS)].assign(**told)
