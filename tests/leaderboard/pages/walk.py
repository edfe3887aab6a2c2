"""A random walk over the leaderboard's pages in a browser: every widget, link and picture, and the way back.

By hand, against a server that runs (`groundcxr leaderboard --results DIR --port 8501`):

    python tests/leaderboard/pages/walk.py http://localhost:8501 1000 [SEED]
"""

from __future__ import annotations

import random
import shutil
import sys
from collections.abc import Callable
from typing import Any

FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]
PAGES = ("", "overview", "compare", "head_to_head", "failures", "run", "cite")
IDLE = """() => document.querySelector('.stApp[data-test-script-state="notRunning"]')
    && !document.querySelector('[data-stale="true"]') && document.querySelector('.gx-about, .gx-nothing')"""
WRONG = '[data-testid="stException"], [data-testid="stAlertContentError"]'
DIALOG = '[role="dialog"]'


class Walk:
    """Steps of one browser's page.

    Attributes:
        page: Playwright's page.
        did: What was done, for whoever looks for a mistake.
    """

    def __init__(self, page: Any, seed: int) -> None:
        """Open the first page.

        Args:
            page: With a `base_url`.
            seed: Of the choices.
        """
        self.page, self.random, self.did = page, random.Random(seed), []
        self.broken: list[str] = []
        page.on("pageerror", lambda error: self.broken.append(f"{error}"))
        self.step(("open", lambda: page.goto("/")))

    def run(self, steps: int) -> None:
        """Take steps.

        Raises:
            AssertionError: If a page shows an error, with all that was done before.
        """
        for _ in range(steps):
            self.step(self.random.choice(self.ways()))

    def step(self, way: tuple[str, Callable[[], Any]]) -> None:
        """Do one thing and wait for the page."""
        name, act = way
        self.did.append(f"{name}  at {self.page.url}")
        act()
        if self.page.url == "about:blank":
            # Back from the first page.
            self.page.goto("/")
        self.page.wait_for_function(IDLE)
        wrong = self.page.locator(WRONG).all_inner_texts() + self.broken
        assert not wrong, "\n".join([*self.did[-30:], self.page.url, *wrong])

    def ways(self) -> list[tuple[str, Callable[[], Any]]]:
        """What can be done now; in a dialog, only what it offers."""
        page = self.page
        if page.locator(DIALOG).count():
            return [
                ("dialog: close", lambda: page.keyboard.press("Escape")),
                ("dialog: button", lambda: self.click(f"{DIALOG} button:enabled:not([aria-label=Close])")),
                ("dialog: slider", lambda: self.press(f"{DIALOG} input[type=range]:enabled")),
                ("dialog: layer", lambda: self.click(f"{DIALOG} input[type=checkbox]:enabled")),
                ("dialog: choose", lambda: self.choose(f"{DIALOG} .stSelectbox")),
            ]
        address = self.random.choice(PAGES)
        return [
            ("choose", lambda: self.choose(".stSelectbox")),
            ("choose again", lambda: self.choose(".stSelectbox")),
            ("several", lambda: self.choose(".stMultiSelect")),
            ("toggle", lambda: self.click(".stCheckbox label, [data-testid=stButtonGroup] button, summary")),
            ("slide", lambda: self.press("[role=slider]")),
            ("write", self.write),
            ("page of rows", lambda: self.click("[data-testid=stPagination] button:enabled, .stButton button:enabled")),
            ("picture", lambda: self.click('[class*="st-key-gx-zoomable"] button')),
            ("link", lambda: self.click('.stMain a[href]:not([href^="http"]), .mark-symbol path')),
            ("page", lambda: self.click('[data-testid="stTopNavLink"]')),
            ("back", page.go_back),
            ("forward", page.go_forward),
            ("load again", page.reload),
            (f"address {address}", lambda: page.goto(f"/{address}?{page.url.partition('?')[2]}")),
        ]

    def one(self, selector: str) -> Any:
        """One of the elements that are seen; None where there is none."""
        seen = [element for element in self.page.locator(selector).all() if element.is_visible()]
        return self.random.choice(seen) if seen else None

    def click(self, selector: str) -> None:
        """Click one of the elements."""
        if (element := self.one(selector)) is not None:
            self.did[-1] += f"  [{element.evaluate('e => e.outerHTML')[:160]}]"
            element.click(force=True)
            self.page.wait_for_timeout(150)

    def choose(self, selector: str) -> None:
        """Open a box of options and take one."""
        box = self.one(f"{selector}:not(:has([disabled]))")
        if box is None:
            return
        box.locator("input").first.click(force=True)
        options = self.page.get_by_role("option")
        self.page.wait_for_timeout(150)
        if count := options.count():
            option = options.nth(self.random.randrange(count))
            self.did[-1] += f"  [{option.inner_text()}]"
            option.click(force=True)
        self.page.keyboard.press("Escape")
        self.page.wait_for_timeout(150)

    def press(self, selector: str) -> None:
        """Move a slider by keys."""
        if (slider := self.one(selector)) is not None:
            slider.focus()
            for _ in range(self.random.randrange(1, 4)):
                slider.press(self.random.choice(["ArrowLeft", "ArrowRight", "Home", "End"]))
            self.page.wait_for_timeout(250)

    def write(self) -> None:
        """Write something into a box."""
        box = self.one(".stTextInput input:enabled")
        if box is not None:
            box.fill(self.random.choice(["", "left", "no such words", "0123456789abcdef", "<b>", "%%"]))
            box.press("Enter")
            self.page.wait_for_timeout(150)


def main() -> None:
    """Walk against a server that runs."""
    from playwright.sync_api import sync_playwright

    address, steps, *seed = sys.argv[1:]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        page = browser.new_page(viewport={"width": 1440, "height": 900}, base_url=address)
        page.set_default_timeout(60_000)
        walk = Walk(page, int(seed[0]) if seed else 0)
        for step in range(int(steps)):
            try:
                walk.run(1)
            except Exception:
                sys.stdout.write("\n".join(walk.did[-30:]) + f"\n{page.url}\n")
                page.screenshot(path="walk.png")
                raise
            sys.stdout.write(f"{step + 1} {walk.did[-1]}\n")
            sys.stdout.flush()
        browser.close()


if __name__ == "__main__":
    main()
