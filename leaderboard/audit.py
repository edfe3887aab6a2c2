"""One page per method for a paper's appendix: what its numbers are worth, by everything that was measured beside it."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, field

from ..comparison.significance import MACRO, MICRO
from ..core.names import one_line
from ..core.sizes import counted
from ..core.supervision import WORDS
from ..evaluation.box_choice import describe
from ..evaluation.conditions import describe_condition
from ..evaluation.derived import DERIVED, DERIVED_SAID, is_derived
from ..evaluation.numbers import digits_of, write_number
from ..evaluation.reproduction.record import said_of
from ..evaluation.schema import Cell, MetricInfo
from .audit_pairs import asks, in_condition
from .caption import HASH, PHANTOMS_SAID
from .data_columns import PHANTOM
from .differences import Difference, difference
from .reproduction import method_words
from .runs import Run
from .supervision import places_said
from .tables import cells_of
from .zero_shot import seen_in

FEW = 20
"""Samples of a pathology below which its number says little."""

CHANCE = {"auroc": 0.5}
"""What a metric has by chance, of those whose chance is neither 0 nor the data's."""

_WRONG = "shuffled-phrase"
_NOTHING = "-"


@dataclass(frozen=True)
class Section:
    """A part of a page.

    Attributes:
        title: Its headline.
        sentences: What is said before the table.
        head: The table's columns; empty for no table.
        rows: Its cells, as plain text.
    """

    title: str
    sentences: Sequence[str] = ()
    head: Sequence[str] = ()
    rows: Sequence[Sequence[str]] = field(default_factory=list)


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
            _beside(run, beside, metrics),
            _phrase(run, beside, metrics),
            _conditions(run, runs, metrics),
            _pathologies(run, metrics),
            _power(run, beside, metrics),
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
        "samples": f"{data.n_samples - data.n_skipped:,} of {counted(patients, 'patient')}, {info.n_failed:,} failed",
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
        rows.append([metric.label, *(_cell(cell, metric, run) for cell in cells), f"{cells[0].n:,}"])
    means = "Macro: mean over pathologies; micro: mean over samples."
    said = [f"{means} In brackets the 95 % interval (bootstrap over patients)."]
    if run.info.derived is not None:
        said.append(DERIVED_SAID)
    return Section("Values", said, ["metric", "macro", "micro", "samples"], rows)


def _beside(run: Run, beside: Sequence[Run], metrics: Sequence[MetricInfo]) -> Section:
    title = "Beside controls and other methods"
    if not beside:
        said = (
            f"No other result of {run.setting.title} was given, so nothing says what these numbers are worth. "
            "Controls: evaluate --method center-prior --method class-mean-box --method text-prior, with the same data "
            "and protocol."
        )
        return Section(title, [said])
    rows, notes = [], []
    for other in beside:
        method = other.info.method
        name = other.label + (" (control)" if method.control else "")
        for metric in metrics:
            cell, found = cells_of(other.info, MACRO).get(metric.key), difference(run, other, metric.key)
            if cell is not None and found is not None and found.value is not None:
                rows.append([name, metric.label, _cell(cell, metric, other), *_differing(found, metric)])
        if method.control and method.note:
            notes.append(f"{other.label}: {method.note}.")
    said = (
        f"Differences are the macro mean of {run.label} minus the other's, on the samples that both have; p is of one "
        "comparison, not corrected for their number. The last column is explained at the end."
    )
    head = ["beside it", "metric", "its macro", "difference", "p", "smallest that would show"]
    return Section(title, [said, *notes], head, rows)


def _phrase(run: Run, beside: Sequence[Run], metrics: Sequence[MetricInfo]) -> Section:
    title = "What of the score survives the wrong phrase"
    wrong = [other for other in beside if other.info.method.name == _WRONG and asks(other.info.method, run.info.method)]
    if not wrong:
        return Section(title, [_how_to_ask(run)])
    rows = []
    for other in wrong:
        for metric in metrics:
            found = difference(run, other, metric.key)
            if found is None or found.value is None:
                continue
            rows.append(
                [
                    metric.label,
                    _value(found.first, metric, run),
                    _value(found.second, metric, other),
                    _differing(found, metric)[0],
                    _left(found, metric),
                ]
            )
    said = (
        "Asked about another phrase than the sample's and scored against the sample's own target; what is left of the "
        "score was not earned by the phrase. Of AUROC the share is of what lies above .5; of the others nothing is "
        "taken off for chance."
    )
    return Section(title, [said], ["metric", "right phrase", "wrong phrase", "difference", "left"], rows)


def _how_to_ask(run: Run) -> str:
    """Why nothing is known of the wrong phrase, with the command that asks about it where there is one."""
    if run.imported is not None and run.imported.what == "predictions":
        return "Not measured: its predictions were made elsewhere, where it would have to be asked."
    asked, settings = method_words(run.info.method)
    said = {"wrong.method": asked}
    if settings:
        said["wrong.settings"] = shlex.join(f"{key}={value}" for key, value in settings.items())
    words = ["evaluate", "--method", f"wrong={_WRONG}"]
    words += [word for key, value in said.items() for word in ("--set", f"{key}={value}")]
    return f"Not measured: {one_line(shlex.join(words))}, with the same data and protocol."


def _left(found: Difference, metric: MetricInfo) -> str:
    """The share of a score that the wrong phrase keeps, above chance; none where the score is not above it."""
    if found.first is None or found.second is None or not metric.higher_is_better:
        return _NOTHING
    chance = CHANCE.get(metric.key, 0.0)
    earned = found.first - chance
    return _NOTHING if earned <= 0 else f"{max(0.0, (found.second - chance) / earned):.0%}".replace("%", " %")


def _conditions(run: Run, runs: Sequence[Run], metrics: Sequence[MetricInfo]) -> Section:
    title = "Under changed inputs"
    changed = [other for other in runs if in_condition(other, run)]
    if not changed:
        return Section(title, ["Not measured: no result of this method under a condition was given."])
    rows = []
    for other in changed:
        condition = describe_condition(other.info.condition) if other.info.condition else ""
        for metric in metrics:
            cell, found = cells_of(other.info, MACRO).get(metric.key), difference(other, run, metric.key)
            if cell is not None:
                drop = _NOTHING if found is None else _differing(found, metric)[0]
                rows.append([condition, metric.label, _cell(cell, metric, other), drop])
    said = "The change is the value under the condition minus the plain one, on the same samples."
    return Section(title, [said], ["condition", "metric", "macro", "change"], rows)


def _pathologies(run: Run, metrics: Sequence[MetricInfo]) -> Section:
    few, rows = [], []
    patients = run.samples(["pathology", "patient_key"]).groupby("pathology")["patient_key"].nunique().to_dict()
    for name, cells in run.info.pathologies.items():
        n = max(cells[metric.key].n for metric in metrics)
        if n < FEW:
            few.append(f"{name} ({n})")
        else:
            # A metric may leave samples out, as CNR does those whose map has two values.
            fewer = ((metric.label, cells[metric.key]) for metric in metrics)
            few += [f"{label} of {name} ({cell.n})" for label, cell in fewer if 0 < cell.n < FEW]
        values = (_cell(cells[metric.key], metric, run) for metric in metrics)
        rows.append([name, f"{n:,}{' (few)' if n < FEW else ''}", f"{int(patients.get(name, 0)):,}", *values])
    said = (
        f"On fewer than {FEW} samples rest: {', '.join(few)}. Their numbers say little, and weigh as much as any other "
        "in the macro mean."
        if few
        else f"None rests on fewer than {FEW} samples."
    )
    return Section("By pathology", [said], ["pathology", "samples", "patients", *(one.label for one in metrics)], rows)


def _power(run: Run, beside: Sequence[Run], metrics: Sequence[MetricInfo]) -> Section:
    title = "What this data set could show"
    rivals = [other for other in beside if not other.info.method.control] or list(beside)
    rows = []
    for metric in metrics:
        found = [(one.smallest, other.label) for other in rivals if (one := difference(run, other, metric.key))]
        known = sorted((size, label) for size, label in found if size is not None)
        if known:
            digits = digits_of(metric)
            (least, first), (most, last) = known[0], known[-1]
            rows.append(
                [metric.label, *(f"{_number(size, digits)} ({name})" for size, name in ((least, first), (most, last)))]
            )
    if not rows:
        return Section(
            title,
            [
                "It takes a second method's result on the same samples to say how small a difference "
                "would show: pairs differ in how alike their errors are."
            ],
        )
    said = (
        "The smallest true paired difference in the macro mean that a 95 % interval (bootstrap over patients) would "
        "tell from 0 in four of five such data sets (80 % power): 2.80 standard errors, a standard error being the "
        "interval's width over 3.92. It depends on how alike two methods' errors are, so it is given for the pair with "
        "the least and the pair with the most. What is smaller is missed more often than one time in five."
    )
    return Section(title, [said], ["metric", "least (beside)", "most (beside)"], rows)


def _cell(cell: Cell, metric: MetricInfo, run: Run) -> str:
    if cell.value is None:
        return _NOTHING
    digits = digits_of(metric)
    ends = (
        "" if cell.low is None or cell.high is None else f" [{_number(cell.low, digits)}, {_number(cell.high, digits)}]"
    )
    return _value(cell.value, metric, run) + ends


def _differing(found: Difference, metric: MetricInfo) -> list[str]:
    """Difference with interval, p, and the smallest difference that would show."""
    digits = digits_of(metric)
    ends = (
        ""
        if found.low is None or found.high is None
        else f" [{_number(found.low, digits)}, {_number(found.high, digits)}]"
    )
    p = _NOTHING if found.p is None else f"{found.p:.4f}".lstrip("0") if found.p < 1 else "1"
    return [_number(found.value, digits) + ends, p, _number(found.smallest, digits)]


def _number(value: float | None, digits: int) -> str:
    return _NOTHING if value is None else write_number(value, digits)


def _value(value: float | None, metric: MetricInfo, run: Run) -> str:
    """A value of a run, marked where it is of the view that its method does not give."""
    mark = DERIVED if value is not None and is_derived(run.info, metric.key) else ""
    return _number(value, digits_of(metric)) + mark
