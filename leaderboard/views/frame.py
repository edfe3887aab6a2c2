"""What all pages share: the look, the choice of data set, protocol and metric, and what to say without results."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextvars import ContextVar
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import streamlit as st

from ...core import GroundCXRError
from ...evaluation.schema import MetricInfo
from ..library import Library
from ..options import Options
from ..runs import Run, Setting, metrics_of
from .address import choose, say_what_is_missing, tell_missing_in
from .markup import element, note, put, text

T = TypeVar("T")

PUBLISHED = "published"
"""The tier of numbers from the literature."""

PAGES = (
    ("app_pages/leaderboard.py", "Leaderboard"),
    ("app_pages/compare.py", "Compare"),
    ("app_pages/head_to_head.py", "Head to head"),
    ("app_pages/failures.py", "Failures"),
    ("app_pages/run.py", "Method and run"),
    ("app_pages/cite.py", "Cite"),
)


@dataclass(frozen=True)
class Chosen:
    """What a page is about.

    Attributes:
        options: The command line.
        library: Everything usable in the result folders.
        setting: The data set and protocol chosen.
        runs: The runs of the setting that the filters leave, by label; none where only `published` is wanted.
        metric: The metric chosen.
        metrics: All metrics of the setting's runs.
        published: Whether numbers from the literature are wanted.
        columns: Places beside the three choices, for a page's own.
    """

    options: Options
    library: Library
    setting: Setting
    runs: tuple[Run, ...]
    metric: MetricInfo
    metrics: tuple[MetricInfo, ...]
    published: bool
    columns: Sequence[Any]

    @property
    def in_order(self) -> list[Run]:
        """The runs as pages offer them: those with stored predictions first, methods before controls."""
        return sorted(self.runs, key=lambda run: (run.predictions is None, run.info.method.control))


_CHOSEN: ContextVar[Chosen | None] = ContextVar("chosen", default=None)
"""From `app.py` to the page that it runs."""


def frame(here: Path) -> None:
    """The look of every page, and the choices that all share.

    Streamlit keeps the value of a widget over a change of page only where `app.py` itself draws it.

    Args:
        here: The folder of `app.py`.
    """
    st.html(here / "theme" / "leaderboard.css")
    st.logo(here / "theme" / "wordmark.svg", size="large")
    _CHOSEN.set(_choose())


def open_page(widths: Sequence[float], *, without_runs: bool = False) -> Chosen | None:
    """What the user chose, with places beside the choices for a page's own.

    Args:
        widths: Relative widths of these places.
        without_runs: Whether the page has something to show where published numbers are wanted and no run is left.

    Returns:
        None where there is nothing to show, which the page then says.
    """
    chosen = _CHOSEN.get()
    if chosen is None:
        return None
    if not chosen.runs and not (without_runs and chosen.published):
        note("No method is left: take a filter back.")
        return None
    return replace(chosen, columns=chosen.columns[0].columns(widths, vertical_alignment="bottom"))


def _choose() -> Chosen | None:
    try:
        options = Options.parse(sys.argv[1:])
    except GroundCXRError as error:
        _nothing("The leaderboard was started with something it does not know.", str(error))
        return None
    library = Library.scan(options.results, options.store)
    if not library.runs:
        folders = ", ".join(str(path) for path in options.results)
        _nothing(
            "No results yet.",
            f"There is no result in {folders}. `make demo` makes some in five to ten minutes; so does"
            " `evaluate --dataset phantom --method center-prior --method random`. Then load this page again.",
        )
        _problems(library)
        return None
    columns = st.columns([1.7, 1.05, 1.05, 1.15, 1.15, 3], vertical_alignment="bottom")
    tell_missing_in(st.container())
    setting = _choose_setting(library, columns)
    everyone = library.of(setting)
    metrics = metrics_of(everyone)
    with columns[2]:
        metric = choose("Metric", metrics, "metric", named=lambda one: one.label, first=_first_headline(metrics))
    runs, published = _filtered(everyone, columns[3:5])
    _about(setting, everyone, runs, metric)
    _problems(library)
    return Chosen(options, library, setting, runs, metric, metrics, published, columns[5:])


def _choose_setting(library: Library, columns: Sequence[Any]) -> Setting:
    settings = library.settings()
    data = list(
        dict.fromkeys((s.dataset, s.version, s.split, s.fingerprint, s.complete, s.n_samples) for s in settings)
    )
    names = [_data_name(one) for one in data]
    if len(set(names)) < len(names):
        # Two data sets of one name differ in their samples, which the fingerprint tells.
        names = [f"{name} {one[3][:8]}" for name, one in zip(names, data, strict=True)]
    with columns[0]:
        index = choose("Data set", range(len(data)), "data", named=lambda i: names[i])
    mine = [
        s for s in settings if (s.dataset, s.version, s.split, s.fingerprint, s.complete, s.n_samples) == data[index]
    ]
    titles = [one.protocol for one in mine]
    if len(set(titles)) < len(titles):
        titles = [f"{one.protocol} {one.protocol_version} ({one.protocol_hash[:8]})" for one in mine]
    with columns[1]:
        return mine[choose("Protocol", range(len(mine)), "protocol", named=lambda i: titles[i])]


def _filtered(runs: Sequence[Run], places: Sequence[Any]) -> tuple[tuple[Run, ...], bool]:
    """The runs of the kinds and tiers wanted, and whether published numbers are."""
    # A control that asks a method is of that method's kind, so that it is scored alike; a reader looks for controls.
    kinds = ["control" if run.info.method.control else run.info.method.kind for run in runs]
    tiers: list[str] = list(dict.fromkeys(run.tier for run in runs))
    shown = [*tiers, PUBLISHED]
    say_what_is_missing("kind", kinds)
    say_what_is_missing("tier", shown)
    with places[0]:
        kind = (
            st.multiselect("Kind", list(dict.fromkeys(kinds)), key="kind", bind="query-params", placeholder="all")
            or kinds
        )
    with places[1]:
        tier = st.multiselect("Tier", shown, key="tier", bind="query-params", placeholder="all") or shown
    chosen = (run for run, its in zip(runs, kinds, strict=True) if its in kind and run.tier in tier)
    return tuple(chosen), PUBLISHED in tier


def _data_name(one: tuple[str, str, str, str, bool, int]) -> str:
    name, version, split, _, complete, count = one
    return (
        f"{name} {version} ({split})"
        if complete
        else f"{name} {version} ({split}), {count} {'sample' if count == 1 else 'samples'} only"
    )


def _first_headline(metrics: Sequence[MetricInfo]) -> int:
    return next((i for i, metric in enumerate(metrics) if metric.headline), 0)


def _about(setting: Setting, everyone: Sequence[Run], runs: Sequence[Run], metric: MetricInfo) -> None:
    data = everyone[0].info.dataset
    methods = f"{len(everyone)} {'method' if len(everyone) == 1 else 'methods'}"
    counted = methods if len(runs) == len(everyone) else f"{len(runs)} of {methods}"
    without = sum(run.metric(metric.key) is None for run in runs)
    parts = [
        f"{setting.n_samples:,} samples",
        f"{counted}, {without} without {metric.label}" if without else counted,
        f"protocol hash {setting.protocol_hash[:12]}",
        f"{metric.label}: {'higher' if metric.higher_is_better else 'lower'} is better",
        f"licence: {data.licence}",
    ]
    warning = ""
    if not setting.complete:
        warning = "Not the whole split: nothing is ranked."
    elif setting.dataset == "phantom":
        warning = "Phantoms rank code paths, not clinical ability."
    marked = element("strong", text(warning)) + " " if warning else ""
    put(element("p", marked + text(" · ".join(parts)), "gx-about"))


def _problems(library: Library) -> None:
    if not library.problems:
        return
    count = len(library.problems)
    things = "1 thing in the result folders is" if count == 1 else f"{count} things in the result folders are"
    summary = (
        f"{things} left out, since it cannot be used" if count == 1 else f"{things} left out, since they cannot be used"
    )
    listed = "".join(element("li", text(problem)) for problem in library.problems)
    put(f'<details class="gx-problems"><summary>{text(summary)}</summary><ul>{listed}</ul></details>')


def _nothing(title: str, sentence: str) -> None:
    put(element("div", element("h2", text(title), "gx-h2") + element("p", text(sentence)), "gx-nothing"))
