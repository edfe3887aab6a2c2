"""What all pages share: the look, the choice of data set, protocol and metric, and what to say without results."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlencode

import streamlit as st

from ...core import GroundCXRError
from ...evaluation.schema import MetricInfo
from ..library import Library, Run, Setting, metrics_of
from ..options import Options
from .markup import element, put, text

T = TypeVar("T")

_SHARED = ("data", "protocol", "metric")

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
        runs: The runs of the setting, by label.
        metric: The metric chosen.
        metrics: All metrics of the runs.
        columns: Places beside the three choices, for a page's own.
    """

    options: Options
    library: Library
    setting: Setting
    runs: tuple[Run, ...]
    metric: MetricInfo
    metrics: tuple[MetricInfo, ...]
    columns: Sequence[Any]


def frame(here: Path) -> None:
    """The look of every page.

    Args:
        here: The folder of `app.py`.
    """
    st.html(here / "theme" / "leaderboard.css")
    st.logo(here / "theme" / "wordmark.svg", size="large")


def open_page(widths: Sequence[float] = ()) -> Chosen | None:
    """Read the results and let the user choose data set, protocol and metric.

    Args:
        widths: Relative widths of the places that the page wants beside the choices.

    Returns:
        What was chosen; None where there is nothing to show, which the page then says.
    """
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
            f"There is no result in {folders}. `make demo` makes some in two minutes; so does"
            " `evaluate --dataset phantom --method center-prior --method random`. Then load this page again.",
        )
        _problems(library)
        return None
    columns = st.columns([2.2, 1.3, 1.3, *widths], vertical_alignment="bottom")
    setting = _choose_setting(library, columns)
    runs = library.of(setting)
    metrics = metrics_of(runs)
    with columns[2]:
        metric = choose("Metric", metrics, "metric", named=lambda one: one.label, first=_first_headline(metrics))
    _about(setting, runs, metric)
    _problems(library)
    return Chosen(options, library, setting, runs, metric, metrics, columns[3:])


def choose(
    label: str,
    options: Sequence[T],
    key: str,
    *,
    named: Callable[[T], str] = str,
    first: int = 0,
    help: str | None = None,
) -> T:
    """A select box whose value stands in the URL.

    Args:
        label: What is chosen.
        options: At least one.
        key: Name in the URL.
        named: An option's name, unique among the options.
        first: Which is chosen at first.
        help: A sentence shown on demand.
    """
    index = st.selectbox(
        label,
        range(len(options)),
        index=first,
        format_func=lambda place: named(options[place]),
        key=key,
        help=help,
        bind="query-params",
    )
    return options[index]


def linked(page: str, **more: str | list[str]) -> str:
    """The URL of another page of the same data set, protocol and metric.

    Args:
        page: The page's name in URLs.
        **more: Further choices on that page, by their names in the URL.
    """
    return f"{page}?{urlencode(kept(**more), doseq=True)}"


def kept(**more: str | list[str]) -> dict[str, str | list[str]]:
    """What a link to another page must carry: the choices that all pages share, unless they are the first ones."""
    shared = {key: st.query_params[key] for key in _SHARED if key in st.query_params}
    return {**shared, **more}


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


def _data_name(one: tuple[str, str, str, str, bool, int]) -> str:
    name, version, split, _, complete, count = one
    return f"{name} {version} ({split})" if complete else f"{name} {version} ({split}), {count} samples only"


def _first_headline(metrics: Sequence[MetricInfo]) -> int:
    return next((i for i, metric in enumerate(metrics) if metric.headline), 0)


def _about(setting: Setting, runs: Sequence[Run], metric: MetricInfo) -> None:
    data = runs[0].info.dataset
    parts = [
        f"{setting.n_samples:,} samples",
        f"{len(runs)} {'method' if len(runs) == 1 else 'methods'}",
        f"protocol hash {setting.protocol_hash[:12]}",
        f"{metric.label}: {'higher' if metric.higher_is_better else 'lower'} is better",
        data.licence,
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
