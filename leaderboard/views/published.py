"""Numbers from the literature, in blocks of their own."""

from __future__ import annotations

from ..published import published_by_dataset, published_groups
from ..published_html import SHARES_SAID, blocks_html, folded_said, group_html
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
    for name, groups in published_by_dataset().items():
        if groups[0] not in own:
            summary = element("summary", text(f"Published on {folded_said(name, groups)}"))
            put(f'<details class="gx-problems">{summary}{blocks_html(groups)}</details>')
