"""The page of the literature's numbers, which are never ranked with those that were measured here."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from ..published import published_by_dataset
from ..published_html import SHARES_SAID, blocks_html, folded_said
from .places import Place

PAGE = "published.html"


def published_words(places: Sequence[Place]) -> dict[str, object]:
    """The words of `published.html`: the blocks of the site's data sets open, those of others folded up."""
    here = {place.setting.dataset.casefold() for place in places}
    own, others = [], []
    for name, groups in published_by_dataset().items():
        blocks = Markup(blocks_html(groups))  # noqa: S704  (texts are escaped)
        if name.casefold() in here:
            own.append((name, blocks))
        else:
            others.append((folded_said(name, groups), blocks))
    return {"said": SHARES_SAID, "own": own, "others": others}
