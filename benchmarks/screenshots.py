"""Screenshots of every page of the leaderboard, made from the phantom.

`.venv/bin/python benchmarks/screenshots.py` writes them to `screenshots/`, which git ignores; with `--readme` it also
writes the two of the README to `docs/images/`. It evaluates the bundled methods and the README's own, which takes some
minutes once (results stay in `screenshots/results`), and needs Debian's package `chromium`.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from browser import SIZE, leaderboard, script
from pictures import smaller
from playwright.sync_api import Page

ROOT = Path(__file__).resolve().parents[1]
IMAGES = ROOT / "docs" / "images"
OUT = ROOT / "screenshots"
PAGES = {
    "leaderboard": "",
    "overview": "overview",
    "speed": "?chart=Speed+against+quality",
    "compare": "compare?threshold=0.6",
    "zoom": "compare",
    "head-to-head": "head_to_head?metric=AUROC",
    "failures": "failures",
    "run": "run",
    "cite": "cite",
}
README = ("leaderboard", "compare")
SIZES = {"leaderboard": {"width": 1180, "height": 880}}
"""Of windows; GitHub shows pictures 830 pixels wide, where a table of a usual window cannot be read."""
METHODS = (
    "center-prior", "class-mean-box", "text-prior", "location-prior", "oracle", "clip-phantom", "ldm-phantom",
    "ldm-phantom-tuned", "wrong-phrase=shuffled-phrase",
)  # fmt: skip
# As few steps as the demo takes.
SETTINGS = (
    "location-prior.table=phantom", "ldm-phantom.steps=5", "ldm-phantom-tuned.steps=5",
    "wrong-phrase.method=clip-phantom",
)  # fmt: skip


def main() -> None:
    """Evaluate, start the leaderboard, look at each page."""
    OUT.mkdir(exist_ok=True)
    with leaderboard(results(OUT)) as page:
        for name, path in PAGES.items():
            content = shot(page, name, path)
            (OUT / f"{name}.png").write_bytes(content)
            if "--readme" in sys.argv and name in README:
                (IMAGES / f"{name}.webp").write_bytes(smaller(content, lossless=name == "leaderboard"))


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


def shot(page: Page, name: str, path: str) -> bytes:
    """One page, when all of it is there."""
    page.set_viewport_size(SIZES.get(name, SIZE))  # pyright: ignore[reportArgumentType]
    page.goto(f"/{path}")
    page.wait_for_selector(".gx-about")
    page.wait_for_selector('[data-testid="stStatusWidget"]', state="detached")
    # Widgets stand for themselves only when the browser has loaded their scripts.
    page.get_by_role("combobox").first.wait_for()
    page.wait_for_function("!document.querySelector('[data-testid=stSkeleton]')")
    if name == "speed":
        page.locator('[data-testid="stVegaLiteChart"] svg').scroll_into_view_if_needed()
    if name == "zoom":
        page.get_by_role("button", name=re.compile("^Zoom: (?!The image)")).first.click()
        page.wait_for_selector(".gx-viewer canvas")
    page.wait_for_load_state("networkidle")
    page.wait_for_timeout(3000)
    return page.screenshot()


if __name__ == "__main__":
    main()
