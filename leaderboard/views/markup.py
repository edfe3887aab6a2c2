"""What pages put down: HTML made of the pieces of `..markup`, which are at hand here."""

from __future__ import annotations

import streamlit as st

from ..markup import element, interval, sentence, table, tag, text

__all__ = ["element", "heading", "interval", "note", "put", "sentence", "table", "tag", "text"]


def put(html: str) -> None:
    """Put HTML on the page."""
    st.html(html)


def note(sentence: str, classes: str = "") -> None:
    """A sentence in small grey letters."""
    put(element("p", text(sentence), f"gx-note {classes}".strip()))


def heading(title: str, below: str = "") -> None:
    """A section's headline and a line below it."""
    line = element("p", text(below), "gx-note") if below else ""
    put(element("h2", text(title), "gx-h2") + line)
