"""Screenshots of every page of the leaderboard, made from the phantom.

`.venv/bin/python benchmarks/screenshots.py` writes them to `screenshots/`, which git ignores; with `--readme` it also
writes the two of the README to `docs/images/`. It evaluates the bundled methods and the README's own, and needs
Debian's package `chromium`.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pictures import smaller
from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).resolve().parents[1]
IMAGES = ROOT / "docs" / "images"
OUT = ROOT / "screenshots"
PORT = 8577
SIZE = {"width": 1440, "height": 900}
PAGES = {
    "leaderboard": "",
    "overview": "overview",
    "speed": "",
    "compare": "compare?threshold=0.6",
    "zoom": "compare",
    "head-to-head": "head_to_head?metric=AUROC",
    "failures": "failures",
    "run": "run",
    "cite": "cite",
}
README = ("leaderboard", "compare")
METHODS = (
    "center-prior", "class-mean-box", "text-prior", "oracle", "clip-phantom", "ldm-phantom",
    "noise-difference=ldm-phantom",
)  # fmt: skip
SETTINGS = ("noise-difference.extraction=noise-difference",)


def main() -> None:
    """Evaluate, start the leaderboard, look at each page."""
    OUT.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, served(results(Path(folder))) as page:
        for name, path in PAGES.items():
            content = shot(page, name, path)
            (OUT / f"{name}.png").write_bytes(content)
            if "--readme" in sys.argv and name in README:
                (IMAGES / f"{name}.png").write_bytes(smaller(content))


def results(folder: Path) -> Path:
    """Results of the bundled methods and of the README's own on the phantom."""
    source = re.search(r"```python\n(# bright\.py\n.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert source is not None, "the README has no bright.py any more"
    (folder / "bright.py").write_text(source[1])
    methods = [word for method in (folder / "bright.py", *METHODS) for word in ("--method", str(method))]
    settings = [word for setting in SETTINGS for word in ("--set", setting)]
    command = [str(script()), "evaluate", "--out", str(folder / "results"), *methods, *settings]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return folder / "results"


def script() -> Path:
    """The console script beside this Python."""
    return Path(sys.executable).parent / "groundcxr"


@contextmanager
def served(folder: Path) -> Iterator[Page]:
    """A browser's page on a running leaderboard."""
    server = subprocess.Popen(
        [script(), "leaderboard", "--results", folder, "--port", str(PORT)], stdout=subprocess.PIPE
    )
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


def shot(page: Page, name: str, path: str) -> bytes:
    """One page, when all of it is there."""
    page.goto(f"/{path}")
    page.wait_for_selector(".gx-about")
    page.wait_for_selector('[data-testid="stStatusWidget"]', state="detached")
    if name == "speed":
        page.get_by_role("tab", name="Speed against quality").click()
        page.locator('[data-testid="stVegaLiteChart"] svg').scroll_into_view_if_needed()
    if name == "zoom":
        page.get_by_role("button", name=re.compile("^Zoom: (?!The image)")).first.click()
        page.wait_for_selector(".gx-viewer canvas")
    page.wait_for_load_state("networkidle")
    page.wait_for_timeout(1000)
    return page.screenshot()


if __name__ == "__main__":
    main()
