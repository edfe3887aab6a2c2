"""Sites of made-up results, and a reader of their pages that knows HTML from the standard library alone."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from types import SimpleNamespace

import numpy as np
import pytest

from groundcxr.leaderboard.site import build_site

VOID = {"meta", "link", "img", "input", "br", "hr"}


class Page(HTMLParser):
    """A page as a browser reads it.

    Attributes:
        tags: Every tag with its attributes, in order.
        tables: Of each table its rows, of each row the texts of its cells without what stands in `small`.
        scripts: The texts of scripts.
        text: All that is shown.
    """

    def __init__(self, content: bytes):
        super().__init__()
        self.tags, self.tables, self.scripts, self.text, self.open = [], [], [], "", []
        self.feed(content.decode())
        self.close()
        assert not self.open, f"never closed: {self.open}"

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)
        if tag == "table":
            self.tables.append([])
        if tag == "tr":
            self.tables[-1].append([])
        if tag in ("td", "th"):
            self.tables[-1][-1].append("")

    def handle_endtag(self, tag):
        assert self.open, f"closed and never opened: {tag}"
        assert self.open.pop() == tag

    def handle_data(self, data):
        if "script" in self.open:
            self.scripts.append(data)
            return
        self.text += data
        if {"td", "th"} & set(self.open) and "small" not in self.open:
            self.tables[-1][-1][-1] += data

    @property
    def data(self):
        """The JSON in the page."""
        return json.loads("".join(self.scripts))


@pytest.fixture
def read():
    """Reads a page: `read(files["index.html"])`."""
    return Page


@pytest.fixture
def pages():
    """Finds pages: `pages(files, "methods/")` gives those below a folder by name, read."""

    def pages(files, start):
        return {name: Page(content) for name, content in files.items() if name.startswith(start) and ".html" in name}

    return pages


_MADE: list[SimpleNamespace] = []


@pytest.fixture
def two_sets(save_run, scan, tmp_path):
    """A site of three methods on two data sets, one of them under two protocols: `files`, `library`, `folder`.

    Made once: its tests only read it.
    """
    if not _MADE:
        rng = np.random.default_rng(1)
        for place in ({}, {"dataset": "other"}, {"protocol": "medrpg2023"}):
            good = rng.uniform(0.4, 0.9, 24)
            for label, shift in (("good", 0.0), ("close", 0.02), ("poor", 0.3)):
                values = np.clip(good - shift * rng.uniform(0.5, 1.5, 24), 0, 1)
                save_run(label, {"box_iou": values, "iou": values}, **place)
        library = scan()
        _MADE.append(SimpleNamespace(files=build_site(library), library=library, folder=tmp_path / "results"))
    return _MADE[0]
