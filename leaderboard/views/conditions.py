"""The table of what conditions change, below the board."""

from __future__ import annotations

from ...comparison.captions import signed
from ...comparison.setting import Setting
from ...evaluation.derived import DERIVED
from ...evaluation.numbers import digits_of, write_number
from ..conditions import Change, ConditionTable, condition_table
from ..export_conditions import AS_IT_IS, changes_caption, names_of
from .choices import Chosen
from .markup import element, heading, note, put, table, text


def show(chosen: Chosen) -> None:
    """The table of the samples chosen, under whatever condition; nothing where no method has both results."""
    mine = Setting.without_condition(chosen.runs[0].info)
    labels = {run.info.method.fingerprint for run in chosen.runs}
    runs = [
        run
        for run in chosen.library.runs
        if Setting.without_condition(run.info) == mine and run.info.method.fingerprint in labels
    ]
    shown = condition_table(runs, chosen.metric.key)
    if shown is None:
        return
    heading("Under conditions", "what altered images and phrases change")
    put(changes_table(shown))
    note(changes_caption(shown, intervals=True))


def changes_table(shown: ConditionTable) -> str:
    """The table as HTML."""
    metric = shown.metric

    def cell(change: Change | None, mark: str) -> str:
        if change is None or change.difference is None:
            return element("span", "-", "gx-faint", title="not run under it, or no sample counts")
        ends = "no interval" if change.low is None else f"[{signed(change.low, metric)}, {signed(change.high, metric)}]"
        return text(signed(change.difference, metric) + mark) + element("small", text(ends))

    rows = []
    for name, row in zip(names_of(shown), shown.rows, strict=True):
        value = row.run.info.overall.macro[metric.key].value
        mark = DERIVED if row.derived(metric) else ""
        plain = "-" if value is None else write_number(value, digits_of(metric)) + mark
        rows.append([text(name), text(plain), *(cell(row.changes.get(one), mark) for one in shown.conditions)])
    heads = ["method", AS_IT_IS, *map(text, shown.conditions)]
    return table(heads, rows, label=f"what conditions change of {metric.label}")
