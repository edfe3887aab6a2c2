"""From a library of results to the files of a site."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib.resources import files

from ...core import GroundCXRError
from ...core.progress import Advance, progress
from ..board import boards
from ..export import export
from ..formats import Format
from ..library import Library
from .board_pages import UP, board_page, metric_choices, overview_choices, overview_words, overviews_of, place_choices
from .cards import card
from .folder import README
from .method_pages import method_page
from .pairs import pairs_of
from .pictures import Gallery
from .places import Choice, Place, card_page, places_of
from .published_page import PAGE as PUBLISHED
from .published_page import published_words
from .rendering import asset, render

SCRIPTS = ("copy.js", "pairs.js")
SHARED = ("icon.png", "tables.css", "tables.js")
"""Of the app's theme."""


def build_site(library: Library) -> dict[str, bytes]:
    """The files of a site; equal results give equal bytes, wherever they lie. Says on stderr how far it is.

    Args:
        library: Its usable results; at least one.

    Returns:
        The content of each file, by its path within the site.

    Raises:
        GroundCXRError: If there is no result.
        StoreError: If the rows of a run cannot be read any more.
    """
    if not library.runs:
        raise GroundCXRError("there is no result to make a site of; evaluate makes results")
    places = places_of(library)
    overviews = overviews_of(places)
    site = _Site(places, {shown.protocol: page for page, shown in reversed(overviews.items())})
    found: dict[str, bytes] = {".nojekyll": b"", README: asset("README.md")}
    theme = files((__package__ or "").rpartition(".")[0]).joinpath("theme")
    found |= {f"assets/{name}": theme.joinpath(name).read_bytes() for name in SHARED}
    found |= {f"assets/{name}": asset(name) for name in (*SCRIPTS, "site.css")}
    with progress("pages", sum(len(place.metrics) + len(place.runs) + 2 for place in places)) as advance:
        for place in places:
            for page, content in site.of_place(place, advance):
                found[page] = content
    for page, shown in overviews.items():
        first = next(place for place in places if place.setting.protocol_key == shown.protocol)
        words = overview_words(shown, places)
        rows = list(overview_choices(shown, overviews, places))
        found[page] = render("overview.html", UP, pages=site.pages(first, "Overview"), rows=rows, **words)
    for place in places:
        if place.card not in found:
            found[place.card] = site.card(place)
    found[PUBLISHED] = render("published.html", "", pages=site.pages(places[0], "Published"), **published_words(places))
    return found


class _Site:
    """What pages say of one another.

    Args:
        places: All of them.
        overviews: The first page over all data sets, by protocol.
    """

    def __init__(self, places: Sequence[Place], overviews: dict[tuple[str, str, str], str]) -> None:
        self._places, self._overviews = places, overviews

    def pages(self, place: Place, here: str) -> list[Choice]:
        """The links at the head of each page."""
        overview = self._overviews.get(place.setting.protocol_key)
        found = [("Leaderboard", place.board())]
        found += [("Overview", overview)] if overview else []
        found += [
            ("Head to head", place.pairs),
            ("Cite", place.cite),
            ("Protocol", place.card),
            ("Published", PUBLISHED),
        ]
        return [(name, page, name == here) for name, page in found]

    def of_place(self, place: Place, advance: Advance) -> Iterator[tuple[str, bytes]]:
        """The pages of a data set under a protocol, and their pictures; tells of each page when it is made."""
        for metric in place.metrics:
            page = place.board(metric)
            root = "" if page == "index.html" else UP
            rows = [place_choices(self._places, place, metric), metric_choices(place, metric)]
            words = board_page(place, metric, root)
            yield page, render("board.html", root, pages=self.pages(place, "Leaderboard"), rows=rows, **words)
            advance()
        gallery = Gallery.of(place.runs)
        for run in place.runs:
            words = method_page(run, place, self._places, gallery)
            yield place.method(run), render("method.html", UP, pages=self.pages(place, ""), **words)
            advance()
        yield from gallery.files.items()
        headline = [metric for metric in place.metrics if metric.headline] or list(place.metrics)
        yield (
            place.pairs,
            render(
                "pairs.html",
                UP,
                pages=self.pages(place, "Head to head"),
                place=place,
                rows=[self._elsewhere(place, "pairs")],
                data=pairs_of(place.runs, headline),
            ),
        )
        advance()
        tables = boards(place.runs, [metric.key for metric in headline])
        yield (
            place.cite,
            render(
                "cite.html",
                UP,
                pages=self.pages(place, "Cite"),
                place=place,
                rows=[self._elsewhere(place, "cite")],
                bibtex=export(tables, Format.BIBTEX),
                tables=[
                    (one.metric.label, export([one], Format.LATEX), export([one], Format.MARKDOWN)) for one in tables
                ],
            ),
        )
        advance()

    def card(self, place: Place) -> bytes:
        """The page of a place's protocol."""
        key = place.setting.protocol_key
        name, number, sha256 = key
        known = {one.setting.protocol: one.setting.protocol_key for one in self._places}
        # In the same folder, so the file's name alone.
        addresses = {other: card_page(it).rpartition("/")[2] for other, it in known.items()}
        return render(
            "protocol.html",
            UP,
            pages=self.pages(place, "Protocol"),
            name=name,
            number=number,
            sha256=sha256,
            card=card(key, addresses),
            boards=[(one.data, one.board()) for one in self._places if one.setting.protocol_key == key],
        )

    def _elsewhere(self, here: Place, page: str) -> tuple[str, list[Choice]]:
        """The links to the page of the same name of other data sets and protocols."""
        label, links = place_choices(self._places, here)
        return label, [
            (words, getattr(one, page), current) for (words, _, current), one in zip(links, self._places, strict=True)
        ]
