"""The choices that all pages share: data set, protocol, metric and filters, and the runs that they leave."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st

from ...comparison.setting import Setting
from ...core import GroundCXRError
from ...evaluation.derived import can_derive
from ...evaluation.schema import MetricInfo
from ..blind import never_looks
from ..board import best_first
from ..controls_again import answers_again
from ..data_names import protocol_titles
from ..export_markdown import escape
from ..library import Library
from ..options import Options
from ..runs import Run, metrics_of
from ..supervision import label_of
from ..tables import native
from ..words import KINDS, TIERS, document, metric_words, protocol_card
from ..zero_shot import only_zero_shot
from .about import say_about, say_nothing, say_problems
from .address import choose, say_what_is_missing, tell_missing_in
from .markup import put, text

_FOLD = '<details class="gx-fold"><summary>Data set, metric and filters</summary></details>'
"""Unfolds the choices in a narrow window; `leaderboard.css` shows it there alone."""

PUBLISHED = "published"
"""The tier of numbers from the literature."""


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
        """The runs as pages offer them: methods, then controls, of which those that never look at an image come first.

        Of these, those with pictures come first, and of these those with the best macro average.
        """

        def place(run: Run) -> tuple[Any, ...]:
            metric = run.metric(self.metric.key)
            cell = None if metric is None else run.info.overall.macro.get(metric.key)
            merit = (True, 0.0) if metric is None or cell is None else (False, best_first(cell, metric))
            method = run.info.method
            drawn = run.predictions is not None or answers_again(run)
            return method.control, method.control and not never_looks(method), not drawn, merit

        return sorted(self.runs, key=place)


def make_choices(everything: bool) -> Chosen | None:
    """Draw the choices.

    Args:
        everything: Whether the page is about all data sets.

    Returns:
        What was chosen; None where there is nothing to choose from, which is said.
    """
    try:
        options = Options.parse(sys.argv[1:])
    except GroundCXRError as error:
        say_nothing("The leaderboard was started with something it does not know.", text(error))
        return None
    library = Library.scan(options.results, options.store)
    if not library.runs:
        folders = ", ".join(str(path.absolute()) for path in options.results)
        say_nothing(
            "No results yet.",
            f"There is no result in {text(folders)}. <code>make demo</code> makes some in a few minutes; so does <code>"
            "evaluate --dataset phantom --method center-prior --method random</code>. Then load this page again.",
        )
        say_problems(library)
        return None
    put(_FOLD)
    with st.container(key="gx_choices"):
        columns = st.columns([1.6, 1.05, 1.05, 0.8, 0.8, 1.15, 1.3, 2.3], vertical_alignment="bottom")
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
        metric = choose(
            "Metric",
            metrics,
            "metric",
            named=lambda one: one.label,
            also=lambda one: one.key,
            first=_first_headline(metrics),
            help=_listed({metric.label: metric_words(metric, setting.protocol) for metric in metrics}),
        )
    runs, published = _filtered(everyone, columns[3:5])
    with columns[5]:
        runs = _learnt_as_wanted(everyone, runs)
    with columns[6]:
        zero_shot = st.toggle(
            "Only zero-shot",
            key="zero_shot",
            bind="query-params",
            help="Leave out what methods have on data sets whose images, phrases or boxes they have seen.",
        )
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
    say_about(setting, everyone, runs, metric, all_data=everything)
    say_problems(library)
    return Chosen(options, library, setting, runs, metric, metrics, published, zero_shot, columns[7:])


def _choose_setting(library: Library, columns: Sequence[Any], everything: bool) -> Setting:
    settings = library.settings()
    names = library.data_names
    data = list(dict.fromkeys(names[setting] for setting in settings))
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
        return choose("Protocol", mine, "protocol", named=titles.__getitem__, help=_protocols_said(mine))


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
            st.multiselect(
                "Kind",
                list(dict.fromkeys(kinds)),
                key="kind",
                bind="query-params",
                placeholder="all",
                help=_listed(KINDS) + f"\n\n[What methods there are]({document('methods/README.md')})",
            )
            or kinds
        )
    with places[1]:
        tier = (
            st.multiselect(
                "Tier",
                shown,
                key="tier",
                bind="query-params",
                placeholder="all",
                help=_listed(TIERS) + f"\n\n[What *reproduced* means]({document('reproduce.md')})",
            )
            or shown
        )
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


def _first_headline(metrics: Sequence[MetricInfo]) -> int:
    return next((i for i, metric in enumerate(metrics) if metric.headline), 0)


def _listed(words: Mapping[str, str]) -> str:
    """Names and what they mean, as the help of a choice has it."""
    return "\n\n".join(f"**{escape(name)}**: {escape(said)}" for name, said in words.items())


def _protocols_said(settings: Sequence[Setting]) -> str:
    """What a protocol is, with links to those that can be chosen."""
    cards = {setting.protocol: protocol_card(setting.protocol) for setting in settings}
    links = ", ".join(f"[{name}]({card})" for name, card in cards.items() if card)
    said = "Which pixels count, how maps are treated, what a failure counts as. Numbers of two protocols never compare."
    return f"{said} Described: {links}." if links else said
