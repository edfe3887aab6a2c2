"""Small pieces of HTML. Every text from a file goes through `text`, so that markup in it is shown, not obeyed."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape


def text(value: object) -> str:
    """A text as HTML; letters of a file's name that are none in Unicode are shown as escapes."""
    return escape(str(value).encode(errors="backslashreplace").decode())


def element(tag: str, content: str, classes: str = "", *, title: str = "") -> str:
    """An element around content that is HTML already.

    Args:
        tag: Its name.
        content: HTML.
        classes: Of `theme/leaderboard.css`.
        title: A text shown when pointed at.
    """
    named = f' class="{classes}"' if classes else ""
    titled = f' title="{text(title)}"' if title else ""
    return f"<{tag}{named}{titled}>{content}</{tag}>"


def tag(value: str, *, title: str = "") -> str:
    """A short mark behind a name, such as "control", and a text shown when pointed at."""
    return element("span", text(value), "gx-tag", title=title)


def table(head: Iterable[str], rows: Iterable[Iterable[str]], classes: str = "", *, label: str) -> str:
    """A table whose first column names the rows.

    Args:
        head: HTML of the column heads.
        rows: HTML of the cells.
        classes: More classes of the table.
        label: What the table is, for screen readers.
    """
    first, *others = head
    top = f'<th scope="col">{first}</th>' + "".join(f'<th scope="col">{cell}</th>' for cell in others)
    body = "".join(_row(row) for row in rows)
    return (
        f'<div class="gx-scroll" tabindex="0" role="region" aria-label="{text(label)}">'
        f'<table class="gx-table {classes}"><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table></div>'
    )


def interval(low: float, value: float, high: float, scale: tuple[float, float]) -> str:
    """A dot on its interval, drawn across the width of a cell.

    Args:
        low: Lower end.
        value: Where the dot is.
        high: Upper end.
        scale: The values at the left and the right edge; a dot beyond them is hollow.
    """
    span = scale[1] - scale[0] or 1.0

    def place(end: float) -> float:
        return 100 * min(max((end - scale[0]) / span, 0.0), 1.0)

    left, middle, right = place(low), place(value), place(high)
    outside = ' class="gx-outside"' if not scale[0] <= value <= scale[1] else ""
    bar = f'<i style="left:{left:.1f}%;width:{right - left:.1f}%"></i><b{outside} style="left:{middle:.1f}%"></b>'
    return element("span", bar, "gx-interval")


def _row(cells: Iterable[str]) -> str:
    first, *others = cells
    return f'<tr><th scope="row">{first}</th>{"".join(f"<td>{cell}</td>" for cell in others)}</tr>'


def sentence(words: str) -> str:
    """Words as a sentence: a capital at the start, a full stop at the end."""
    return words[:1].upper() + words[1:] + ("" if words.endswith(".") else ".")
