"""Numbers from the literature, in blocks of their own."""

from __future__ import annotations

from collections.abc import Sequence

from ...evaluation.numbers import write_number
from ..published import PublishedGroup, PublishedRow, PublishedValue
from .markup import element, heading, put, table, text


def show(groups: Sequence[PublishedGroup], dataset: str) -> None:
    """A block for each protocol group of a data set; nothing where nothing is known.

    Args:
        groups: What is published.
        dataset: The data set's name.
    """
    if not groups:
        return
    heading(
        f"Published on {dataset}",
        "As printed in the papers. Each block is one way of measuring: numbers of different blocks, and of a block and"
        " the table above, must not be ranked against one another.",
    )
    for group in groups:
        put(group_table(group))


def group_table(group: PublishedGroup) -> str:
    """A protocol group as HTML: a row for each method, its sources and caveats below."""
    heads = [text(group.name)]
    keys = [(column, metric) for column in group.columns for metric in group.metrics if _any(group, column, metric)]
    heads += [f"{text(column)}{element('small', text(metric))}" for column, metric in keys]
    rows = [
        [
            text(row.method)
            + element("small", text(f"{row.year or 'no year'}, n = {row.n if row.n else 'not stated'}")),
            *(_value(row.values.get(column, {}).get(metric)) for column, metric in keys),
        ]
        for row in group.rows
    ]
    return table(heads, rows, "gx-published", label=f"published, {group.name}") + _sources(group.rows)


def _any(group: PublishedGroup, column: str, metric: str) -> bool:
    return any(metric in row.values.get(column, {}) for row in group.rows)


def _value(value: PublishedValue | None) -> str:
    if value is None:
        return ""
    shown = text(_as_printed(value.value))
    if value.low is not None and value.high is not None:
        shown += element("small", text(f"[{_as_printed(value.low)}, {_as_printed(value.high)}]"))
    elif value.plus_minus is not None:
        shown += element("small", text(f"± {_as_printed(value.plus_minus)}"))
    return shown


def _as_printed(value: float) -> str:
    return write_number(value, len(f"{value:g}".partition(".")[2]))


def _sources(rows: Sequence[PublishedRow]) -> str:
    """Each source, and each caveat with the methods that it is about, once."""
    said: dict[str, list[str]] = {}
    for row in rows:
        for sentence in (
            f"{row.paper}. Read in: {row.source}. Evidence {row.evidence}.",
            f"Measured on {row.split}: {row.notes}",
            f"Caveat: {row.caveat}" if row.caveat else "",
        ):
            if sentence:
                said.setdefault(sentence, []).append(row.method)
    everyone = {row.method for row in rows}
    items = "".join(
        element("li", text(sentence if set(who) == everyone else f"{', '.join(dict.fromkeys(who))}: {sentence}"))
        for sentence, who in said.items()
    )
    summary = "Sources, how it was measured, caveats"
    caveats = sum(1 for row in rows if row.caveat)
    if caveats:
        summary += f" (caveats for {caveats} of {len(rows)} rows)"
    return f'<details class="gx-problems"><summary>{text(summary)}</summary><ul>{items}</ul></details>'
