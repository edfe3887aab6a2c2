"""Text from files that may be somebody else's, made fit for one line of a table."""

from __future__ import annotations


def one_line(text: str) -> str:
    """Text in one line: white space joined, and signs that cannot be printed, or turn others about, as escapes."""
    joined = " ".join(text.split())
    return "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in joined)
