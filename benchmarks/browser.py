"""A headless Chromium (Debian's package `chromium`) on a running leaderboard, or on an empty page of Streamlit."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

PORT = 8577
SIZE = {"width": 1440, "height": 900}


def script() -> Path:
    """The console script beside this Python."""
    return Path(sys.executable).parent / "groundcxr"


@contextmanager
def leaderboard(results: Path) -> Iterator[Page]:
    """A browser's page on the leaderboard of a folder."""
    with served([script(), "leaderboard", "--results", results, "--port", str(PORT)]) as page:
        yield page


@contextmanager
def empty_page(folder: Path) -> Iterator[Page]:
    """A browser's page on a Streamlit app that puts nothing down, written to a folder."""
    app = folder / "empty.py"
    app.write_text("import streamlit\n")
    options = ["--server.headless=true", f"--server.port={PORT}", "--browser.gatherUsageStats=false"]
    with served([sys.executable, "-m", "streamlit", "run", app, *options]) as page:
        yield page


@contextmanager
def served(command: Sequence[str | Path]) -> Iterator[Page]:
    """A browser's page, with nothing in its cache, on what a command serves."""
    server = subprocess.Popen(command, stdout=subprocess.PIPE)
    try:
        assert server.stdout is not None
        # Streamlit says where it listens once it does.
        next(line for line in server.stdout if b"URL:" in line)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=shutil.which("chromium"),
                args=["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"],
            )
            yield browser.new_page(viewport=SIZE, base_url=f"http://localhost:{PORT}")  # pyright: ignore[reportArgumentType]
            browser.close()
    finally:
        server.terminate()
        server.wait()
