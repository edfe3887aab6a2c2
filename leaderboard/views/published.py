"""Numbers from the literature, in blocks of their own."""

from __future__ import annotations

from collections.abc import Sequence

from ...evaluation.numbers import write_number
from ..published import PublishedGroup, PublishedRow, PublishedValue, published_groups
from .markup import element, heading, put, table, text


def show(dataset: str) -> None:
    """A block for each protocol group: those of a data set open, those of the others folded up below.

    Args:
        dataset: The name of the data set that the page is about.
    """
    own = published_groups(dataset)
    heading(
        f"Published on {own[0].dataset}" if own else f"Published on other data sets than {dataset}",
        "As printed in the papers. Each block is one way of measuring: numbers of different blocks, and of a block and"
        " what is measured here, must not be ranked against one another.",
    )
    for group in own:
        put(group_table(group))
    others: dict[str, list[PublishedGroup]] = {}
    for group in published_groups():
        if group not in own:
            others.setdefault(group.dataset, []).append(group)
    for name, groups in others.items():
        rows = sum(len(group.rows) for group in groups)
        summary = element("summary", text(f"Published on {name}: {rows} {'row' if rows == 1 else 'rows'}"))
        put(f'<details class="gx-problems">{summary}{"".join(map(group_table, groups))}</details>')


def group_table(group: PublishedGroup) -> str:
    """A protocol group as HTML: a row for each method, its sources and caveats below."""
    heads = [text(group.name)]
    keys = [(column, metric) for column in group.columns for metric in group.metrics if _any(group, column, metric)]
    counts = {key: _count(group, *key) for key in keys}
    heads += [text(column) + element("small", text(metric)) + _n(counts[column, metric]) for column, metric in keys]
    rows = [
        [
            text(row.method)
            + element("small", text(f"{row.year or 'no year'}, n = {row.n if row.n else 'not stated'}")),
            *(_value(row.values.get(column, {}).get(metric), counts[column, metric]) for column, metric in keys),
        ]
        for row in group.rows
    ]
    return table(heads, rows, "gx-published", label=f"published, {group.name}") + _sources(group.rows)


def _any(group: PublishedGroup, column: str, metric: str) -> bool:
    return any(metric in row.values.get(column, {}) for row in group.rows)


def _count(group: PublishedGroup, column: str, metric: str) -> int | None:
    """The number of samples that all rows state for a column; None where they state none, or different ones."""
    cells = [row.values.get(column, {}).get(metric) for row in group.rows]
    stated = {cell.n for cell in cells if cell is not None}
    return stated.pop() if len(stated) == 1 else None


def _n(count: int | None) -> str:
    return "" if count is None else element("small", f"n = {count:,}")


def _value(value: PublishedValue | None, count: int | None) -> str:
    """A cell; it states its own number of samples where the column's head does not."""
    if value is None:
        return ""
    shown = text(_as_printed(value.value))
    if value.low is not None and value.high is not None:
        shown += element("small", text(f"[{_as_printed(value.low)}, {_as_printed(value.high)}]"))
    elif value.plus_minus is not None:
        shown += element("small", text(f"± {_as_printed(value.plus_minus)}"))
    return shown if value.n == count else shown + _n(value.n)


def _as_printed(value: float) -> str:
    return write_number(value, len(f"{value:g}".partition(".")[2]))


def _sources(rows: Sequence[PublishedRow]) -> str:
    """Each source, and each caveat with the methods that it is about, once."""
    said: dict[str, list[str]] = {}
    for row in rows:
        for said_of_it in (
            f"{row.paper}. Read in: {row.source}. Evidence {row.evidence}.",
            f"Data: {row.dataset}: {row.dataset_version}." if row.dataset_version else "",
            f"Measured on {row.split}: {row.notes}",
            f"Caveat: {row.caveat}" if row.caveat else "",
        ):
            if said_of_it:
                said.setdefault(said_of_it, []).append(row.method)
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
