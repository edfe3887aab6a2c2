"""The pages of the documentation: every link leads somewhere, and every page can be found from the README."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGES = [
    *ROOT.glob("*.md"),
    *(ROOT / "docs").rglob("*.md"),
    *(page for folder in (ROOT / "training", ROOT / "benchmarks") for page in folder.glob("*.md")),
]
LINK = re.compile(r"\]\((?!https?:)([^)\s#]*)(?:#([^)\s]+))?\)")


def anchors(page):
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def links(page):
    """(file, anchor) of each link to another file of the project."""
    for place, anchor in LINK.findall(page.read_text()):
        yield ((page.parent / place).resolve() if place else page), anchor


def test_links_lead_somewhere():
    for page in PAGES:
        for file, anchor in links(page):
            assert file.exists(), f"{page} -> {file}"
            assert not anchor or anchor in anchors(file), f"{page} -> {file}#{anchor}"


def test_every_page_is_found_from_the_readme():
    found, waiting = set(), [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        if page not in found and page.suffix == ".md":
            found.add(page)
            waiting.extend(file for file, _ in links(page))
    assert not set(PAGES) - found
