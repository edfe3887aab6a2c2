"""The page of the literature's numbers, which are never ranked with those that were measured here."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from ...core.sizes import counted
from ..published import PublishedGroup, published_groups
from ..published_html import SHARES_SAID, group_html
from .places import Place

PAGE = "published.html"


def published_words(places: Sequence[Place]) -> dict[str, object]:
    """The words of `published.html`: the blocks of the site's data sets open, those of others folded up."""
    of: dict[str, list[PublishedGroup]] = {}
    for group in published_groups():
        of.setdefault(group.dataset, []).append(group)
    here = {place.setting.dataset.casefold() for place in places}
    return {
        "said": SHARES_SAID,
        "own": [(name, _blocks(groups)) for name, groups in of.items() if name.casefold() in here],
        "others": [
            (f"{name}: {_rows(groups)}", _blocks(groups)) for name, groups in of.items() if name.casefold() not in here
        ],
    }


def _blocks(groups: Sequence[PublishedGroup]) -> Markup:
    return Markup("\n".join(map(group_html, groups)))  # noqa: S704  (texts are escaped)


def _rows(groups: Sequence[PublishedGroup]) -> str:
    return counted(sum(len(group.rows) for group in groups), "row")
