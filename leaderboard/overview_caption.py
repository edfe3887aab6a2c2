"""What the caption of the table over all data sets must say: one text for every format."""

from __future__ import annotations

from collections import defaultdict

from ..comparison.significance import LEVEL
from ..core.fingerprint import SHORT
from ..core.seen import collection_of
from ..evaluation.derived import DERIVED_SAID, NATIVE_SAID
from .caption import (
    CONTROLS_SAID,
    HASH,
    IMPORTED_SAID,
    PHANTOMS_SAID,
    SEEN_SAID,
    days_of,
    direction_said,
    failures_said,
    intervals_said,
    marks_said,
)
from .data_columns import PHANTOM
from .overview import Overview
from .supervision import places_said, supervision_said


def overview_caption(shown: Overview, *, intervals: bool) -> str:
    """Metric, protocol, data sets, and what means, ranks and marks mean.

    Args:
        shown: The table.
        intervals: Whether it shows the 95 % intervals.
    """
    name, version, sha256 = shown.protocol
    infos = [run.info for run in shown.runs]
    sets = "; ".join(
        f"{column.label}, {column.setting.n_samples} samples, fingerprint {column.fingerprint[:SHORT]}"
        for column in shown.columns
    )
    said = [
        f"{shown.metric.label} by data set under protocol {name} (version {version}, hash {sha256[:HASH]}), measured "
        f"{days_of(shown.runs)}; macro averages, the mean over each data set's pathologies.",
        direction_said(shown.metric),
        f"Data sets: {sets}.",
    ]
    if intervals:
        said.append(intervals_said(infos))
    if any(column.setting.complete for column in shown.columns):
        said.append(
            marks_said(
                [entry.cell for row in shown.rows for entry in row.entries.values() if entry.cell], shown.metric, infos
            )
        )
    said += [means_said(shown), ranks_said(shown)]
    apart: dict[str, list[str]] = defaultdict(list)
    for column in shown.columns:
        if column.apart:
            apart[column.apart].append(column.label)
    if apart:
        listed = "; ".join(f"{', '.join(labels)} ({why})" for why, labels in apart.items())
        said.append(f"Apart, in no mean and no rank: {listed}.")
    if any(not column.setting.complete for column in shown.columns):
        said.append("What is not the whole split is not ranked.")
    said += shared_said(shown)
    if shown.zero_shot:
        said.append(
            "Only zero-shot: left out is what methods have on data sets that they have seen, or with weights, or as "
            "predictions made elsewhere, of which nobody states what was seen."
        )
    elif any(entry.seen for row in shown.rows for entry in row.entries.values()):
        said.append(f"{SEEN_SAID} Means and ranks have such numbers in them.")
    said += shown.notes
    if any(entry.derived for row in shown.rows for entry in row.entries.values()):
        said.append(DERIVED_SAID)
    if shown.only_native:
        said.append(NATIVE_SAID)
    if any(row.control for row in shown.rows):
        said.append(CONTROLS_SAID)
    named = [(row.label, entry.run.info) for row in shown.rows for entry in row.entries.values()]
    said += [*failures_said(named), *supervision_said(named), *places_said([run.info for run in shown.runs])]
    if any(row.imported for row in shown.rows):
        said.append(IMPORTED_SAID)
    if any(column.dataset == PHANTOM for column in shown.columns):
        said.append(PHANTOMS_SAID)
    return " ".join(said)


def means_said(shown: Overview) -> str:
    """What the means are over, and why some methods have none."""
    sets = len(shown.counted)
    if sets < 2:
        return f"No mean over data sets: {'one counts' if sets else 'none counts'}."
    without = any(row.mean is None for row in shown.rows)
    rest = ", so methods that lack one have none (-)" if without else ""
    return f"Mean: over the {sets} data sets that are not apart, each counted alike{rest}."


def ranks_said(shown: Overview) -> str:
    """Over what methods are ranked and which can be told apart, or why they are not ranked."""
    ranks = shown.ranks
    if ranks is None:
        return shown.unranked
    p = "< .001" if ranks.p < 0.001 else f"= {ranks.p:.3f}".replace("0.", ".", 1)
    verdict = (
        f"mean ranks less than {ranks.critical:.2f} apart cannot be told apart (Nemenyi, level {LEVEL:g})"
        if ranks.p < LEVEL
        else "so no method can be told from another"
    )
    return (
        f"Mean rank: over these {ranks.n_sets} data sets, of the {len(ranks.mean)} methods that have all, 1 being the "
        f"best; Friedman's test p {p}, {verdict}. A rank depends on who else is ranked."
    )


def shared_said(shown: Overview) -> list[str]:
    """Which of the data sets that count are of the same images."""
    of: dict[str, dict[str, str]] = defaultdict(dict)
    for column in shown.counted:
        of[collection_of(column.dataset)][column.dataset] = column.label
    return [
        f"{', '.join(labels.values())} are of images of one collection, {name}: they are not independent."
        for name, labels in of.items()
        if len(labels) > 1  # of data sets: somebody's own have one name and need not share an image
    ]
