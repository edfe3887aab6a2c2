"""A headless Chromium (Debian's package `chromium`) on a running leaderboard, or on an empty page of Streamlit."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

SIZE = {"width": 1440, "height": 900}


def script() -> Path:
    """The console script beside this Python."""
    return Path(sys.executable).parent / "groundcxr"


@contextmanager
def leaderboard(results: Path) -> Iterator[Page]:
    """A browser's page on the leaderboard of a folder."""
    port = free_port()
    with served([script(), "leaderboard", "--results", results, "--port", str(port)], port) as page:
        yield page


@contextmanager
def empty_page(folder: Path) -> Iterator[Page]:
    """A browser's page on a Streamlit app that puts nothing down, written to a folder."""
    app = folder / "empty.py"
    app.write_text("import streamlit\n")
    port = free_port()
    options = ["--server.headless=true", f"--server.port={port}", "--browser.gatherUsageStats=false"]
    with served([sys.executable, "-m", "streamlit", "run", app, *options], port) as page:
        yield page


@contextmanager
def served(command: Sequence[str | Path], port: int) -> Iterator[Page]:
    """A browser's page, with nothing in its cache, on what a command serves."""
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        wait_for(server, port)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=shutil.which("chromium"),
                args=["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"],
            )
            yield browser.new_page(viewport=SIZE, base_url=f"http://localhost:{port}")  # pyright: ignore[reportArgumentType]
            browser.close()
    finally:
        server.terminate()
        server.wait()


def free_port() -> int:
    """A port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        return probe.getsockname()[1]


def wait_for(server: subprocess.Popen[bytes], port: int) -> None:
    """Wait until a server answers."""
    while server.poll() is None:
        try:
            with urllib.request.urlopen(f"http://localhost:{port}/_stcore/health"):
                return
        except OSError:
            time.sleep(0.2)
    raise SystemExit(f"the server ended: {server.args}")
