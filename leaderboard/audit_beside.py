"""What other results say of a method: controls, others, the wrong phrase, changed inputs, what data could show."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from ..comparison.significance import MACRO
from ..core.names import one_line
from ..evaluation.conditions import describe_condition
from ..evaluation.numbers import digits_of
from ..evaluation.resampled import resampled
from ..evaluation.schema import MetricInfo
from .audit_pairs import asks, in_condition
from .audit_section import NOTHING, Section, cell_words, difference_words, number, value_words
from .differences import Difference, difference
from .reproduction import method_words
from .runs import Run
from .tables import cells_of

CHANCE = {"auroc": 0.5}
"""What a metric has by chance, of those whose chance is neither 0 nor the data's."""

_WRONG = "shuffled-phrase"


def beside_section(run: Run, beside: Sequence[Run], metrics: Sequence[MetricInfo]) -> Section:
    """Each other result of the setting, and how far the method is from it."""
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
                rows.append([name, metric.label, cell_words(cell, metric, other), *difference_words(found, metric)])
        if method.control and method.note:
            notes.append(f"{other.label}: {method.note}.")
    said = (
        f"Differences are the macro mean of {run.label} minus the other's, on the samples that both have; p is of one "
        "comparison, not corrected for their number. The last column is explained at the end."
    )
    if not rows:
        return Section(title, [f"No sample has a value of {run.label} and of another result that was given.", *notes])
    head = ["beside it", "metric", "its macro", "difference", "p", "smallest that would show"]
    return Section(title, [said, *notes], head, rows)


def phrase_section(run: Run, beside: Sequence[Run], metrics: Sequence[MetricInfo]) -> Section:
    """What the method keeps of its score when it is asked about another phrase."""
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
                    value_words(found.first, metric, run),
                    value_words(found.second, metric, other),
                    difference_words(found, metric)[0],
                    _left(found, metric),
                ]
            )
    if not rows:
        return Section(title, ["No sample has a value of both phrases."])
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
        return NOTHING
    chance = CHANCE.get(metric.key, 0.0)
    earned = found.first - chance
    return NOTHING if earned <= 0 else f"{max(0.0, (found.second - chance) / earned):.0%}".replace("%", " %")


def conditions_section(run: Run, runs: Sequence[Run], metrics: Sequence[MetricInfo]) -> Section:
    """How the method does where its input is changed."""
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
                drop = NOTHING if found is None else difference_words(found, metric)[0]
                rows.append([condition, metric.label, cell_words(cell, metric, other), drop])
    said = "The change is the value under the condition minus the plain one, on the same samples."
    return Section(title, [said], ["condition", "metric", "macro", "change"], rows)


def power_section(run: Run, beside: Sequence[Run], metrics: Sequence[MetricInfo]) -> Section:
    """The smallest difference between methods that the data set could show."""
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
                [metric.label, *(f"{number(size, digits)} ({name})" for size, name in ((least, first), (most, last)))]
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
        "The smallest true paired difference in the macro mean that a 95 % interval (bootstrap over "
        f"{resampled([run.info])}) would "
        "tell from 0 in four of five such data sets (80 % power): 2.80 standard errors, a standard error being the "
        "interval's width over 3.92. It depends on how alike two methods' errors are, so it is given for the pair with "
        "the least and the pair with the most. What is smaller is missed more often than one time in five."
    )
    return Section(title, [said], ["metric", "least (beside)", "most (beside)"], rows)
