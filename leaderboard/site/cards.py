"""Protocol cards: what a protocol measures, as `docs/protocols` says it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from importlib.resources import files
from itertools import count

from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup

from ...comparison.setting import ProtocolKey
from ...metrics import known_protocol


def card(protocol: ProtocolKey, addresses: Mapping[str, str]) -> Markup | None:
    """A protocol's card as HTML, from its headline on.

    Args:
        protocol: Name, version and hash, as results name it.
        addresses: Of other cards of the site, by protocol name; links to anything else that is not on the web become
            plain words.

    Returns:
        None where no protocol of that name and hash is known here: a card would say something else than was measured.
    """
    name, _, sha256 = protocol
    if known_protocol(name, sha256) is None:
        return None
    file = files((__package__ or "").partition(".")[0]).joinpath("docs", "protocols", f"{name}.md")
    if not file.is_file():
        return None
    return markdown(file.read_text(encoding="utf-8"), addresses)


def markdown(text: str, addresses: Mapping[str, str]) -> Markup:
    """Markdown of the documentation as HTML.

    Args:
        text: The Markdown; HTML in it is shown, not obeyed.
        addresses: As in `card`.
    """
    parser = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = parser.parse(text)
    for token in tokens:
        if token.children:
            token.children = list(_linked(token.children, addresses))
        if token.type == "th_open":
            token.attrSet("scope", "col")
    html = parser.renderer.render(tokens, parser.options, {})
    number = count(1)

    def wide(_: re.Match[str]) -> str:
        # A table may be wider than a phone: it scrolls, not the page.
        region = f'<div class="gx-scroll" tabindex="0" role="region" aria-label="table {next(number)}">'
        return f'{region}<table class="gx-table gx-card">'

    return Markup(re.sub("<table>", wide, html).replace("</table>", "</table></div>"))  # noqa: S704  (html is off)


def _linked(tokens: list[Token], addresses: Mapping[str, str]) -> Iterator[Token]:
    """The tokens of a line, with the links that lead somewhere."""
    kept: list[bool] = []
    for token in tokens:
        if token.type == "link_open":
            href = str(token.attrGet("href") or "")
            card = re.fullmatch(r"(?:\./)?([\w.-]+)\.md(#.*)?", href)
            if card and card[1] in addresses:
                token.attrSet("href", addresses[card[1]])
            elif not href.startswith("https://"):
                kept.append(False)
                continue
            kept.append(True)
        elif token.type == "link_close" and not kept.pop():
            continue
        yield token
