"""The leaderboard's app on results of a small phantom, as a browser would see it."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import urllib.request
from contextlib import suppress
from html import unescape
from pathlib import Path
from types import SimpleNamespace

import pytest

import groundcxr.leaderboard
from groundcxr.datasets import load_dataset
from groundcxr.evaluation import evaluate

APP = Path(groundcxr.leaderboard.__file__).parent / "app.py"
PAGES = ("leaderboard", "overview", "compare", "head_to_head", "failures", "run", "cite")
FOREIGN = """
[server]
address = "0.0.0.0"
enableCORS = false
enableXsrfProtection = false
[theme]
codeFont = "Foo:http://127.0.0.1:9/font.css"
"""
CHROMIUM = shutil.which("chromium")
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]
WAIT = 60_000
METHODS = ("center-prior", "random", "whole-image", "oracle")


@pytest.fixture(scope="session")
def demo_folder(tmp_path_factory) -> Path:
    """`results/` of four controls on eight phantom images, which are in `cache/`."""
    folder = tmp_path_factory.mktemp("demo")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GROUNDCXR_CACHE", str(folder / "cache"))
        phantom = load_dataset("phantom", images=8)
        for method in METHODS:
            # v1, under which a method has what it answers with: some runs lack a metric that others have.
            evaluate(method, phantom, "v1", out=folder / "results")
        for method in METHODS[:2]:
            evaluate(method, phantom, "vilouras2024", out=folder / "results")
    return folder


@pytest.fixture
def demo(demo_folder, monkeypatch) -> Path:
    """The demo's folder, with its phantom as the one that is drawn already."""
    monkeypatch.setenv("GROUNDCXR_CACHE", str(demo_folder / "cache"))
    return demo_folder


class Page:
    """A page as AppTest runs it.

    Attributes:
        app: Streamlit's AppTest.
    """

    def __init__(self, app):
        self.app = app

    @property
    def html(self) -> str:
        """All HTML that the page put down itself, its one script apart."""
        return "\n".join(one.proto.body for one in self.app.get("html") if not one.proto.unsafe_allow_javascript)

    @property
    def scripts(self) -> list[str]:
        """What the browser is told to run."""
        return [one.proto.body for one in self.app.get("html") if one.proto.unsafe_allow_javascript]

    @property
    def text(self) -> str:
        """What a reader sees of it: without tags, entities resolved, white space joined."""
        return " ".join(unescape(re.sub(r"<[^>]+>", " ", self.html)).split())

    @property
    def pictures(self) -> list[str]:
        """The addresses of the pictures; Streamlit names each by its content."""
        return [image.url for element in self.app.get("image") for image in element.proto.imgs]

    def widget(self, kind: str, key: str):
        """A widget by its name in the URL."""
        return next(widget for widget in self.app.get(kind) if widget.key == key)

    def choose(self, key: str, option: str) -> Page:
        """Choose an option of a select box by what it says."""
        self.widget("selectbox", key).set_value(option)
        return self.run()

    def run(self) -> Page:
        self.app.run()
        assert not self.app.exception, self.app.exception
        return self


@pytest.fixture
def open_page(monkeypatch):
    """Opens a page: `open_page("compare", "--results", folder, metric="AUROC")`; keywords are the URL's."""
    from streamlit.testing.v1 import AppTest

    def open_(page: str, /, *arguments: object, **url) -> Page:
        monkeypatch.setattr(sys, "argv", [str(APP), *(str(argument) for argument in arguments)])
        app = AppTest.from_file(str(APP), default_timeout=60)
        for key, value in url.items():
            app.query_params[key] = value
        # A page is switched to from the first one, which keeps what the URL says.
        app.run()
        assert not app.exception, app.exception
        if page == "leaderboard":
            return Page(app)
        app.switch_page(f"app_pages/{page}.py")
        return Page(app).run()

    return open_


@pytest.fixture(scope="session")
def server(demo_folder):
    """A running leaderboard, started where somebody else's configuration of Streamlit lies about.

    Has `address`, `port`, `log` (what it prints) and `calls` (a file of its calls to the network; None without strace).
    """
    home = demo_folder / "home"
    for place in (demo_folder, home):
        (place / ".streamlit").mkdir(parents=True)
        (place / ".streamlit" / "config.toml").write_text(FOREIGN)
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = free.getsockname()[1]
    script = Path(sys.executable).parent / "groundcxr"
    words = [script, "leaderboard", "--results", "results", "--port", str(port)]
    calls = demo_folder / "calls.txt" if traces() else None
    if calls is not None:
        words = ["strace", "-f", "-qq", "-e", "trace=connect,sendto,sendmsg,sendmmsg", "-o", calls, *words]
    surroundings = {"HOME": str(home), "GROUNDCXR_CACHE": "cache", "STREAMLIT_SERVER_ENABLE_CORS": "false"}
    log = demo_folder / "server.log"
    with log.open("w") as file:
        running = subprocess.Popen(
            words,
            env={**os.environ, **surroundings},
            stdout=file,
            stderr=file,
            cwd=demo_folder,
            start_new_session=True,  # so that strace and what it traces can be ended together
        )
        try:
            address = f"http://localhost:{port}"
            wait_for(f"{address}/_stcore/health", running)
            yield SimpleNamespace(address=address, port=port, log=log, calls=calls)
        finally:
            os.killpg(running.pid, signal.SIGTERM)
            running.wait(30)


@pytest.fixture(scope="session")
def served(server) -> str:
    """The address of a running leaderboard."""
    return server.address


@pytest.fixture(scope="module")
def chromium():
    from playwright.sync_api import sync_playwright

    assert CHROMIUM is not None, "CI needs the package chromium"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def page(chromium, server):
    """A page of the leaderboard; the test fails if it asked any other address (of a foreign font, say)."""
    from playwright.sync_api import expect

    served = server.address
    page = chromium.new_page(viewport={"width": 1440, "height": 900}, base_url=served)
    page.set_default_timeout(WAIT)
    expect.set_options(timeout=WAIT)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    yield page
    page.close()
    elsewhere = [url for url in asked if not url.startswith((served, served.replace("http", "ws"), "data:", "blob:"))]
    assert asked
    assert not elsewhere
    # A page says only that something went wrong; what did stands in the log.
    log = server.log.read_text()
    assert "Traceback" not in log, log


def traces() -> bool:
    """Whether strace is here and may trace."""
    strace = shutil.which("strace")
    return strace is not None and subprocess.run([strace, "-qq", "-o", os.devnull, "true"], check=False).returncode == 0


def wait_for(address: str, server: subprocess.Popen) -> None:
    while True:
        # A refused connection comes back at once.
        with suppress(OSError), urllib.request.urlopen(address, timeout=30) as answer:
            if answer.status == 200:
                return
        # Between questions the server has the processor to itself.
        with suppress(subprocess.TimeoutExpired):
            server.wait(0.1)
            raise AssertionError("the leaderboard ended before it answered")
