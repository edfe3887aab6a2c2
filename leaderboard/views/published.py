"""Numbers from the literature, in blocks of their own."""

from __future__ import annotations

from ...core.sizes import counted
from ..published import PublishedGroup, published_groups
from ..published_html import SHARES_SAID, group_html
from .markup import element, heading, put, text


def show(dataset: str) -> None:
    """A block for each protocol group: those of a data set open, those of the others folded up below.

    Args:
        dataset: The name of the data set that the page is about.
    """
    own = published_groups(dataset)
    title = f"Published on {own[0].dataset}" if own else f"Published on other data sets than {dataset}"
    heading(title, SHARES_SAID)
    for group in own:
        put(group_html(group))
    others: dict[str, list[PublishedGroup]] = {}
    for group in published_groups():
        if group not in own:
            others.setdefault(group.dataset, []).append(group)
    for name, groups in others.items():
        rows = sum(len(group.rows) for group in groups)
        summary = element("summary", text(f"Published on {name}: {counted(rows, 'row')}"))
        put(f'<details class="gx-problems">{summary}{"".join(map(group_html, groups))}</details>')
