"""Audit pages as files: Markdown, and HTML that needs nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape as html

from .audit import Page
from .audit_section import Section
from .export_markdown import escape
from .formats import PageFormat

_STYLE = (
    "body{font:11pt/1.4 serif;max-width:60em;margin:2em auto;padding:0 1em;color:#111;background:#fff}"
    "table{border-collapse:collapse;margin:.5em 0}th,td{border-bottom:1px solid #999;padding:.2em .7em;"
    "text-align:left;vertical-align:top;overflow-wrap:anywhere}article+article{break-before:page}"
    "h1{font-size:1.4em}h2{font-size:1.1em}"
)


def export_audit(pages: Sequence[Page], form: PageFormat) -> str:
    """All pages as one text.

    Args:
        pages: The pages.
        form: As what.
    """
    if form is PageFormat.MARKDOWN:
        return "\n".join("\n".join(_markdown(page)) for page in pages)
    body = "\n".join("\n".join(_html(page)) for page in pages)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>Audit</title><style>{_STYLE}</style></head><body>\n{body}\n</body></html>\n"
    )


def _markdown(page: Page) -> Iterator[str]:
    yield f"# {escape(page.title)}\n"
    for section in page.sections:
        yield f"## {escape(section.title)}\n"
        for sentence in section.sentences:
            yield f"{escape(sentence)}\n"
        if section.head:
            yield _line(section.head)
            yield _line(["---"] * len(section.head), plain=True)
            yield from (_line(row) for row in section.rows)
            yield ""


def _line(cells: Sequence[str], *, plain: bool = False) -> str:
    return f"| {' | '.join(cells if plain else map(escape, cells))} |"


def _html(page: Page) -> Iterator[str]:
    yield f"<article><h1>{html(page.title)}</h1>"
    for section in page.sections:
        yield f"<h2>{html(section.title)}</h2>"
        yield from (f"<p>{html(sentence)}</p>" for sentence in section.sentences)
        yield from _html_table(section)
    yield "</article>"


def _html_table(section: Section) -> Iterator[str]:
    if not section.head:
        return
    yield "<table>"
    if any(section.head):
        yield f"<tr>{''.join(f'<th>{html(cell)}</th>' for cell in section.head)}</tr>"
    yield from (f"<tr>{''.join(f'<td>{html(cell)}</td>' for cell in row)}</tr>" for row in section.rows)
    yield "</table>"
