"""What all pages share: the look, the choice of data set, protocol and metric, and what to say without results."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextvars import ContextVar
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import streamlit as st

from ...comparison.setting import Setting
from ...core import GroundCXRError
from ...evaluation.derived import can_derive
from ...evaluation.schema import MetricInfo
from ..caption import PHANTOMS_SAID
from ..data_columns import PHANTOM
from ..library import Library
from ..options import Options
from ..overview_rows import identity
from ..runs import Run, metrics_of
from ..supervision import label_of
from ..tables import native
from ..zero_shot import only_zero_shot
from .address import choose, say_what_is_missing, tell_missing_in
from .markup import element, note, put, text

T = TypeVar("T")

PUBLISHED = "published"
"""The tier of numbers from the literature."""

OVERVIEW = "app_pages/overview.py"
"""The page over all data sets, whose choices are those of all runs."""

CITE = "app_pages/cite.py"
"""The page of exports, which are of one data set or of all."""

ALL_DATA = "all_data"
"""The name in URLs of the switch to all data sets on the page of exports."""

PAGES = (
    ("app_pages/leaderboard.py", "Leaderboard"),
    (OVERVIEW, "Overview"),
    ("app_pages/compare.py", "Compare"),
    ("app_pages/head_to_head.py", "Head to head"),
    ("app_pages/failures.py", "Failures"),
    ("app_pages/run.py", "Method and run"),
    (CITE, "Cite"),
)


@dataclass(frozen=True)
class Chosen:
    """What a page is about.

    Attributes:
        options: The command line.
        library: Everything usable in the result folders.
        setting: The data set and protocol chosen.
        runs: The runs of the setting (on Overview, of the protocol) that the filters leave, by label; none where only
            `published` is wanted.
        metric: The metric chosen.
        metrics: All metrics of the setting's runs.
        published: Whether numbers from the literature are wanted.
        zero_shot: Whether only methods that have not seen their data set are wanted.
        columns: Places beside the three choices, for a page's own.
    """

    options: Options
    library: Library
    setting: Setting
    runs: tuple[Run, ...]
    metric: MetricInfo
    metrics: tuple[MetricInfo, ...]
    published: bool
    zero_shot: bool
    columns: Sequence[Any]

    @property
    def in_order(self) -> list[Run]:
        """The runs as pages offer them: those with stored predictions first, methods before controls."""
        return sorted(self.runs, key=lambda run: (run.predictions is None, run.info.method.control))


_CHOSEN: ContextVar[Chosen | None] = ContextVar("chosen", default=None)
"""From `app.py` to the page that it runs."""


def is_about_everything(page: str) -> bool:
    """Whether a page is about all data sets.

    The choices above a page are made before its own switch is drawn, which the address alone tells of at first.

    Args:
        page: One of `PAGES`.
    """
    if page == CITE:
        return bool(st.session_state.get(ALL_DATA, st.query_params.get(ALL_DATA) == "true"))
    return page == OVERVIEW


def frame(here: Path, *, everything: bool) -> None:
    """The look of every page, and the choices that all share.

    Streamlit keeps the value of a widget over a change of page only where `app.py` itself draws it.

    Args:
        here: The folder of `app.py`.
        everything: Whether the page is about all data sets.
    """
    st.html(here / "theme" / "leaderboard.css")
    st.logo(here / "theme" / "wordmark.svg", size="large")
    _CHOSEN.set(_choose(everything))


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


def _choose(everything: bool) -> Chosen | None:
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
    columns = st.columns([1.7, 1.0, 1.05, 1.0, 1.0, 1.3, 2.4], vertical_alignment="bottom")
    tell_missing_in(st.container())
    setting = _choose_setting(library, columns, everything)
    everyone = library.of(setting)
    if everything:
        # Those of the data set first, so that a choice is the same one on all pages.
        everyone += tuple(
            run for run in library.runs if run not in everyone and run.setting.protocol_key == setting.protocol_key
        )
    metrics = metrics_of(everyone)
    with columns[2]:
        metric = choose("Metric", metrics, "metric", named=lambda one: one.label, first=_first_headline(metrics))
    runs, published = _filtered(everyone, columns[3:5])
    with columns[5]:
        zero_shot = st.toggle(
            "Only zero-shot",
            key="zero_shot",
            bind="query-params",
            help="Leave out what methods have on data sets whose images, phrases or boxes they have seen.",
        )
        runs = _learnt_as_wanted(everyone, runs)
        # Under other protocols all values are.
        only_native = any(can_derive(run.info) for run in everyone) and st.toggle(
            "Only native",
            key="native",
            bind="query-params",
            help="Leave out methods whose values of this metric are derived from another kind of answer.",
        )
    if zero_shot and not everything:
        # Overview says of each number why it is not there.
        runs = only_zero_shot(runs)
    if only_native:
        runs = native(runs, metric.key)
    _about(setting, everyone, runs, metric, all_data=everything)
    _problems(library)
    return Chosen(options, library, setting, runs, metric, metrics, published, zero_shot, columns[6:])


def _choose_setting(library: Library, columns: Sequence[Any], everything: bool) -> Setting:
    settings = library.settings()
    names = data_names(settings)
    data = list(dict.fromkeys(names.values()))
    with columns[0]:
        chosen = choose(
            "Data set",
            data,
            "data",
            disabled=everything,
            help="All of them are on this page; the choice holds on the others." if everything else None,
        )
    mine = [setting for setting in settings if names[setting] == chosen]
    titles = protocol_titles(mine)
    if everything:
        # Those of the data set first, so that a choice is the same one on all pages.
        others = {setting.protocol_key: setting for setting in settings}
        known = {setting.protocol_key for setting in mine}
        mine += [setting for key, setting in others.items() if key not in known]
        titles = {**protocol_titles(mine), **titles}
    with columns[1]:
        return choose("Protocol", mine, "protocol", named=titles.__getitem__)


def data_names(settings: Sequence[Setting]) -> dict[Setting, str]:
    """What each setting's data are called in the choice of data sets and in the URL."""
    data = {setting: _data(setting) for setting in settings}
    names = {one: _data_name(one) for one in data.values()}
    # Two data sets of one name differ in their samples, which the fingerprint tells.
    if len(set(names.values())) < len(names):
        names = {one: f"{name} {one[3][:8]}" for one, name in names.items()}
    return {setting: names[one] for setting, one in data.items()}


def protocol_titles(settings: Sequence[Setting]) -> dict[Setting, str]:
    """What the protocols of settings of one data set are called in the choice and in the URL."""
    titles = {setting: setting.protocol for setting in settings}
    if len(set(titles.values())) == len(titles):
        return titles
    return {one: f"{one.protocol} {one.protocol_version} ({one.protocol_hash[:8]})" for one in settings}


def _data(setting: Setting) -> tuple[str, str, str, str, bool, int, str]:
    s = setting
    return s.dataset, s.version, s.split, s.fingerprint, s.complete, s.n_samples, s.condition


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


def _learnt_as_wanted(everyone: Sequence[Run], runs: Sequence[Run]) -> tuple[Run, ...]:
    """The runs of methods that have learnt places from what is wanted; a choice where they differ in it."""
    labels = list(dict.fromkeys(label_of(run.info) for run in everyone))
    say_what_is_missing("supervision", labels)
    if len(labels) == 1:
        return tuple(runs)
    wanted = st.multiselect(
        "Supervision",
        labels,
        key="supervision",
        bind="query-params",
        placeholder="all",
        help="What methods have learnt places from: nothing, mean boxes of anatomy (weak), or boxes or masks.",
    )
    return tuple(run for run in runs if label_of(run.info) in (wanted or labels))


def _data_name(one: tuple[str, str, str, str, bool, int, str]) -> str:
    name, version, split, _, complete, count, condition = one
    under = f", {condition}" if condition else ""
    part = "" if complete else f", {count} {'sample' if count == 1 else 'samples'} only"
    return f"{name} {version} ({split}){under}{part}"


def _first_headline(metrics: Sequence[MetricInfo]) -> int:
    return next((i for i, metric in enumerate(metrics) if metric.headline), 0)


def _about(
    setting: Setting, everyone: Sequence[Run], runs: Sequence[Run], metric: MetricInfo, *, all_data: bool
) -> None:
    # One method has a run on each data set.
    everybody, left = ({identity(run.info) if all_data else run.id for run in some} for some in (everyone, runs))
    methods = f"{len(everybody)} {'method' if len(everybody) == 1 else 'methods'}"
    counted = methods if len(left) == len(everybody) else f"{len(left)} of {methods}"
    without = sum(run.metric(metric.key) is None for run in runs)
    settings = {run.setting for run in everyone}
    data = f"{len(settings)} data sets" if len(settings) > 1 else f"{setting.n_samples:,} samples"
    results = " results" if all_data else ""
    parts = [
        data,
        f"{counted}, {without}{results} without {metric.label}" if without else counted,
        f"protocol hash {setting.protocol_hash[:12]}",
        f"{metric.label}: {'higher' if metric.higher_is_better else 'lower'} is better",
    ]
    parts += [] if all_data else [f"licence: {everyone[0].info.dataset.licence}"]
    warning = ""
    if not setting.complete and not all_data:
        warning = "Not the whole split: nothing is ranked."
    elif PHANTOM in {one.dataset for one in settings}:
        warning = PHANTOMS_SAID
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
