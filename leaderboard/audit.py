"""One page per method for a paper's appendix: what its numbers are worth, by everything that was measured beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..comparison.significance import MACRO, MICRO
from ..core.names import one_line
from ..core.sizes import counted
from ..core.supervision import WORDS
from ..evaluation.box_choice import describe
from ..evaluation.derived import DERIVED_SAID
from ..evaluation.reproduction.record import said_of
from ..evaluation.resampled import resampled
from ..evaluation.schema import MetricInfo
from .audit_beside import beside_section, conditions_section, phrase_section, power_section
from .audit_pairs import asks
from .audit_section import Section, cell_words
from .caption import HASH, PHANTOMS_SAID, averages_said, intervals_said
from .data_columns import PHANTOM
from .runs import Run
from .supervision import places_said
from .tables import cells_of
from .zero_shot import seen_in

FEW = 20
"""Samples of a pathology below which its number says little, and patients below which its interval is too narrow."""


@dataclass(frozen=True)
class Page:
    """What is said of one method in one setting, in plain text."""

    title: str
    sections: Sequence[Section]


def audit(runs: Sequence[Run]) -> list[Page]:
    """A page for each method in each setting; for controls only where there is nothing else.

    Args:
        runs: Runs of any settings; what is among them stands beside a method.

    Raises:
        StoreError: If the rows of a run cannot be read any more.
    """
    plain = [run for run in runs if run.info.condition is None]
    methods = [run for run in plain if not run.info.method.control] or plain
    return [_page(run, runs) for run in methods]


def _page(run: Run, runs: Sequence[Run]) -> Page:
    metrics = [metric for metric in run.info.metrics if metric.headline] or list(run.info.metrics)
    beside = [other for other in runs if other != run and _belongs(other, run)]
    beside.sort(key=lambda other: (not other.info.method.control, other.label))
    return Page(
        f"{run.label} on {run.setting.title}",
        [
            _measured(run),
            _values(run, metrics),
            beside_section(run, beside, metrics),
            phrase_section(run, beside, metrics),
            conditions_section(run, runs, metrics),
            _pathologies(run, metrics),
            power_section(run, beside, metrics),
        ],
    )


def _belongs(other: Run, run: Run) -> bool:
    """Whether a run stands beside a method: of the same setting, and not a control that asks another method."""
    if other.setting != run.setting or other.info.condition is not None:
        return False
    method = other.info.method
    return not (method.control and "method" in method.options) or asks(method, run.info.method)


def _measured(run: Run) -> Section:
    info, method = run.info, run.info.method
    ran, data = info.run, info.dataset
    patients = len(set(run.samples(["patient_key"])["patient_key"].tolist()))
    git = "" if ran.git is None else f", commit {ran.git.commit[:HASH]}{' with changes' if ran.git.dirty else ''}"
    facts = {
        "method": f"{method.name}, fingerprint {method.fingerprint[:HASH]}",
        "options": ", ".join(f"{key} = {value}" for key, value in method.options.items()) or "none",
        "weights": f"{method.weights}, hash {method.weights_fingerprint}" if method.weights else "none",
        "trained on": ", ".join(method.trained_on) or "not stated",
        "learnt places from": WORDS[info.supervision] if info.supervision else None,
        "boxes that count": describe(info.answers),
        "data": f"{data.name} {data.version}, split {data.split}, fingerprint {data.fingerprint[:HASH]}",
        "samples": f"{data.n_samples - data.n_skipped:,}, of {counted(patients, data.unit)}, {info.n_failed:,} failed",
        "protocol": f"{info.protocol.name}, version {info.protocol.version}, hash {info.protocol.hash[:HASH]}",
        "made": f"{ran.created[:10]} on {ran.device}, groundcxr {ran.packages.get('groundcxr', 'not stated')}{git}",
        "tier": run.tier,
        "made again": "never" if run.reproduction is None else said_of(run.reproduction),
    }
    said = []
    if not info.complete:
        said.append("Not the whole split: a limited or filtered run.")
    if entry := seen_in(info):
        said.append(f"The method has seen this data: it was trained on {entry}.")
    if data.name == PHANTOM:
        said.append(PHANTOMS_SAID)
    said += places_said([info])
    said += [f"{one.text}{f': {one.count:,}' if one.count else ''}." for one in info.notes or []]
    rows = [[key, one_line(value)] for key, value in facts.items() if value]
    return Section("What was measured", [one_line(sentence) for sentence in said], ["", ""], rows)


def _values(run: Run, metrics: Sequence[MetricInfo]) -> Section:
    rows = []
    for metric in metrics:
        cells = [cells_of(run.info, column)[metric.key] for column in (MACRO, MICRO)]
        rows.append([metric.label, *(cell_words(cell, metric, run) for cell in cells), f"{cells[0].n:,}"])
    said = [f"{averages_said(metrics)} {intervals_said([run.info])}"]
    if run.info.derived is not None:
        said.append(DERIVED_SAID)
    return Section("Values", said, ["metric", "macro", "micro", "samples"], rows)


def _pathologies(run: Run, metrics: Sequence[MetricInfo]) -> Section:
    few, rows = [], []
    unit = resampled([run.info])
    found = run.samples(["pathology", "patient_key"]).groupby("pathology")["patient_key"].nunique()
    patients = {str(name): int(number) for name, number in found.to_dict().items()}
    for name, cells in run.info.pathologies.items():
        n = max(cells[metric.key].n for metric in metrics)
        if n < FEW:
            few.append(f"{name} ({n})")
        else:
            # A metric may leave samples out, as CNR does those whose map has two values.
            fewer = ((metric.label, cells[metric.key]) for metric in metrics)
            few += [f"{label} of {name} ({cell.n})" for label, cell in fewer if 0 < cell.n < FEW]
        values = (cell_words(cells[metric.key], metric, run) for metric in metrics)
        rows.append([name, *(_with_few(number) for number in (n, patients[name])), *values])
    said = (
        f"On fewer than {FEW} samples rest: {', '.join(few)}. Their numbers say little, and weigh as much as any other "
        "in the macro mean."
        if few
        else f"None rests on fewer than {FEW} samples."
    )
    drawn = [f"{name} ({number})" for name, number in patients.items() if number < FEW]
    if drawn:
        said += (
            f" Of fewer than {FEW} {unit}: {', '.join(drawn)}. Intervals are of draws of {unit}, and of so few they "
            "are too narrow."
        )
    return Section("By pathology", [said], ["pathology", "samples", unit, *(one.label for one in metrics)], rows)


def _with_few(number: int) -> str:
    return f"{number:,}{' (few)' if number < FEW else ''}"
