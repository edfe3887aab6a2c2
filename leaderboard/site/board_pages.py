"""The pages of tables: each metric of a data set, and each over all data sets."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from markupsafe import Markup

from ...comparison.setting import ProtocolKey
from ...core import GroundCXRError
from ...evaluation.schema import MetricInfo
from ..board import board
from ..board_html import board_notes, board_table, scale_note
from ..caption import blind_said
from ..overview import Overview, overview
from ..overview_caption import overview_caption, ranks_said
from ..overview_html import BARS_SAID, overview_scale, overview_table, ranks_table
from ..runs import metrics_of
from ..words import TASK, metric_sentence, metric_words
from .places import Choice, Place, slug

UP = "../"
"""From the folder of a page to the site's; only the first page is in that itself."""


def board_page(place: Place, metric: MetricInfo, root: str) -> dict[str, object]:
    """The words of `board.html`.

    Args:
        place: Of which data set and protocol.
        metric: Of what.
        root: What leads from the page's folder to the site's, as in `render`.

    Raises:
        StoreError: If the rows of a run cannot be read any more.
    """
    shown = board(place.runs, metric.key)
    return {
        "metric": metric.label,
        "place": place,
        "said": f"{TASK} {metric_sentence(shown)}",
        "blind": blind_said(shown),
        "table": Markup(board_table(shown, lambda run: root + place.method(run))),  # noqa: S704  (texts are escaped)
        "caption": board_notes(shown),
        "without": [(run.label, place.method(run)) for run in place.runs if run.metric(metric.key) is None],
    }


def place_choices(places: Sequence[Place], here: Place, metric: MetricInfo | None = None) -> tuple[str, list[Choice]]:
    """The links from a table to the same one of other data sets and protocols."""
    several = len({place.protocol for place in places}) > 1
    return "Data set and protocol" if several else "Data set", [
        (f"{one.data}, {one.protocol}" if several else one.data, one.board(metric), one is here) for one in places
    ]


def metric_choices(place: Place, here: MetricInfo) -> tuple[str, list[Choice]]:
    """The links from a table to those of other metrics."""
    return "Metric", [(metric.label, place.board(metric), metric.key == here.key) for metric in place.metrics]


def overviews_of(places: Sequence[Place]) -> dict[str, Overview]:
    """The tables over all data sets by page: of each protocol that several data sets are under, and each metric."""
    found: dict[str, Overview] = {}
    for key in dict.fromkeys(place.setting.protocol_key for place in places):
        mine = [place for place in places if place.setting.protocol_key == key]
        runs = [run for place in mine for run in place.runs]
        if len(mine) < 2:
            continue
        for metric in metrics_of(runs):
            try:
                found[overview_page(key, metric)] = overview(runs, metric.key)
            except GroundCXRError:
                continue  # no data set has a table of it
    return found


def overview_page(protocol: ProtocolKey, metric: MetricInfo) -> str:
    """The page of a table over all data sets."""
    return f"overview/{slug(' '.join(protocol))}-{slug(metric.key)}.html"


def overview_words(shown: Overview, places: Sequence[Place]) -> dict[str, object]:
    """The words of `overview.html`."""
    metric = shown.metric
    mine = {place.setting: place for place in places if place.setting.protocol_key == shown.protocol}
    scale = overview_scale(shown)
    urls = {column: UP + mine[column.setting].board(metric) for column in shown.columns}
    return {
        "metric": metric.label,
        "protocol": next(iter(mine.values())).protocol,
        "said": f"{metric.label}: {metric_words(metric, shown.protocol[0])}. Macro averages by data set.",
        "table": Markup(overview_table(shown, scale, urls)),  # noqa: S704  (texts are escaped)
        "caption": f"{overview_caption(shown, intervals=True)} {scale_note(scale, metric)}",
        "ranks_said": ranks_said(shown),
        "ranks": Markup(ranks_table(shown)) if shown.ranks is not None else "",  # noqa: S704
        "bars_said": BARS_SAID,
    }


def overview_choices(shown: Overview, tables: dict[str, Overview], places: Sequence[Place]) -> Iterator[object]:
    """The links from a table over all data sets to those under other protocols, and of other metrics."""
    names = {place.setting.protocol_key: place.protocol for place in places}
    first: dict[ProtocolKey, str] = {}
    for page, one in tables.items():
        if one.metric.key == shown.metric.key or one.protocol not in first:
            first[one.protocol] = page
    yield "Protocol", [(names[key], page, key == shown.protocol) for key, page in first.items()]
    mine = [(one.metric, page) for page, one in tables.items() if one.protocol == shown.protocol]
    yield "Metric", [(metric.label, page, metric.key == shown.metric.key) for metric, page in mine]
