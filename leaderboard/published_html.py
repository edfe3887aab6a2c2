"""Numbers of the literature as HTML: a block for each way of measuring, with links, sources and caveats."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from ..core.sizes import counted
from ..evaluation.numbers import write_number
from .markup import element, table, text
from .published import PublishedGroup, PublishedRow, PublishedValue

_PERCENT = " (%)"

SHARES_SAID = (
    "As printed in the papers, with as many digits, shares of 1 in the place of per cent. Each block is one way of"
    " measuring: numbers of different blocks, and of a block and what is measured here, must not be ranked against one"
    " another."
)
"""What a reader must know of the numbers."""


def blocks_html(groups: Sequence[PublishedGroup]) -> str:
    """The blocks of one data set."""
    return "\n".join(map(group_html, groups))


def folded_said(dataset: str, groups: Sequence[PublishedGroup]) -> str:
    """What stands on folded blocks: whose they are, and how many rows they have."""
    return f"{dataset}: {counted(sum(len(group.rows) for group in groups), 'row')}"


def group_html(group: PublishedGroup) -> str:
    """A protocol group: its title, a row for each method, sources and caveats below."""
    keys = [(column, metric) for column in group.columns for metric in group.metrics if _any(group, column, metric)]
    counts = {key: _count(group, *key) for key in keys}
    digits = {metric: _digits(group, metric) for metric in group.metrics}
    heads = ["method"]
    heads += [
        text(column) + element("small", text(metric.removesuffix(_PERCENT))) + _n(counts[column, metric])
        for column, metric in keys
    ]
    rows = [
        [
            _name(row),
            *(
                _value(row.values.get(column, {}).get(metric), metric, digits[metric], counts[column, metric])
                for column, metric in keys
            ),
        ]
        for row in group.rows
    ]
    label = f"published on {group.dataset}: {group.title}"
    title = element("h3", text(group.title), "gx-h3")
    return title + table(heads, rows, "gx-published", label=label) + _sources(group.rows)


def _name(row: PublishedRow) -> str:
    """A method as printed, its year and number of samples, and where the paper and the numbers are."""
    said = [f"{row.year or 'no year'}", f"n = {row.n:,}" if row.n else "n not stated"]
    links = [f'<a href="{text(url)}">{text(what)}</a>' for what, url in row.links.items()]
    return text(row.method) + element("small", " · ".join([*map(text, said), *links]))


def _any(group: PublishedGroup, column: str, metric: str) -> bool:
    return any(metric in row.values.get(column, {}) for row in group.rows)


def _count(group: PublishedGroup, column: str, metric: str) -> int | None:
    """The number of samples that all rows state for a column; None where they state none, or different ones."""
    cells = [row.values.get(column, {}).get(metric) for row in group.rows]
    stated = {cell.n for cell in cells if cell is not None}
    return stated.pop() if len(stated) == 1 else None


def _n(count: int | None) -> str:
    return "" if count is None else element("small", f"n = {count:,}")


def _digits(group: PublishedGroup, metric: str) -> int:
    """The decimals that most numbers of a metric are printed with; those with fewer have lost a zero at their end."""
    cells = (cells[metric] for row in group.rows for cells in row.values.values() if metric in cells)
    counts = Counter(_decimals(end) for cell in cells for end in _ends(cell))
    return max(counts, key=lambda digits: (counts[digits], digits))


def _decimals(number: float) -> int:
    return len(f"{number:g}".partition(".")[2])


def _ends(cell: PublishedValue) -> Iterable[float]:
    return (end for end in (cell.value, cell.low, cell.high, cell.plus_minus) if end is not None)


def _value(value: PublishedValue | None, metric: str, digits: int, count: int | None) -> str:
    """A cell; it states its own number of samples where the column's head does not."""
    if value is None:
        return ""

    def written(number: float) -> str:
        percent, decimals = metric.endswith(_PERCENT), max(digits, _decimals(number))
        return text(write_number(number / 100 if percent else number, decimals + 2 if percent else decimals))

    shown = written(value.value)
    if value.low is not None and value.high is not None:
        shown += element("small", f"[{written(value.low)}, {written(value.high)}]")
    elif value.plus_minus is not None:
        shown += element("small", f"± {written(value.plus_minus)}")
    return shown if value.n == count else shown + _n(value.n)


def _sources(rows: Sequence[PublishedRow]) -> str:
    """Each source, and each caveat with the methods that it is about, once."""
    said: dict[str, list[str]] = {}
    for row in rows:
        for said_of_it in (
            f"{row.paper}. Read in: {row.source} ({row.evidence.partition(': ')[2]}).",
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
