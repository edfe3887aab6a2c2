"""Which methods a table shows: by kind and by tier."""

from __future__ import annotations

import streamlit as st

from ..library import Run
from ..published import published_groups
from .frame import Chosen

PUBLISHED = "published"


def filtered(chosen: Chosen) -> tuple[list[Run], bool]:
    """The runs that the filters leave, drawn in the second and third of the page's own places.

    Args:
        chosen: What the page is about.

    Returns:
        The runs that have the metric, and whether published rows are wanted.
    """
    kinds = list(dict.fromkeys(run.info.method.kind for run in chosen.runs))
    tiers: list[str] = list(dict.fromkeys(run.tier for run in chosen.runs))
    tiers += [PUBLISHED] if published_groups(chosen.setting.dataset) else []
    with chosen.columns[1]:
        kind = st.multiselect("Kind", kinds, key="kind", bind="query-params", placeholder="all")
    with chosen.columns[2]:
        tier = st.multiselect("Tier", tiers, key="tier", bind="query-params", placeholder="all")
    runs = [
        run
        for run in chosen.runs
        if run.info.method.kind in (kind or kinds)
        and run.tier in (tier or tiers)
        and run.metric(chosen.metric.key) is not None
    ]
    return runs, not tier or PUBLISHED in tier
