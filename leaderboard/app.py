"""The leaderboard's frame: `groundcxr leaderboard`, or `streamlit run leaderboard/app.py -- --results DIR`."""

from __future__ import annotations

import sys
from pathlib import Path

# Streamlit puts this folder on sys.path, where our modules (`tables`, `export`) would stand for other packages' names.
HERE = Path(__file__).resolve().parent
# A new list: another user's page may be importing by the old one at this moment, and would pass over a place of it.
sys.path = [place for place in sys.path if Path(place or ".").resolve() != HERE]

import streamlit as st  # noqa: E402

from groundcxr.core import GroundCXRError  # noqa: E402  # pyright: ignore[reportMissingImports]
from groundcxr.leaderboard.views.frame import PAGES, frame, is_about_everything  # noqa: E402  # pyright: ignore[reportMissingImports]
from groundcxr.leaderboard.views.markup import note, sentence  # noqa: E402  # pyright: ignore[reportMissingImports]

pages = {path: st.Page(path, title=title, default=path == PAGES[0][0]) for path, title in PAGES}
page = st.navigation(list(pages.values()), position="top")
place = next(path for path in pages if pages[path] == page)
st.set_page_config(page_title=f"{page.title} - groundcxr", page_icon=HERE / "theme" / "icon.png", layout="wide")
frame(HERE, page.title, everything=is_about_everything(place))
try:
    page.run()
except GroundCXRError as error:
    # A result may be written anew, or go, while a page reads it.
    note(sentence(str(error)))
