"""A site as it is opened from a disk, in Debian's Chromium: what can be done on it, how it looks, what it asks for."""

import os
import shutil
from dataclasses import replace

import numpy as np
import pytest

from groundcxr.leaderboard.site import build_site, write_site

sync_api = pytest.importorskip("playwright.sync_api", reason="Playwright is a development dependency")
axe_api = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is a development dependency")
CHROMIUM = shutil.which("chromium")
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]
SIZES = ((1440, 900), (1024, 768), (390, 844))
KINDS = ("index.html", "boards/", "overview/", "pairs/", "methods/", "cite/", "protocols/", "published.html")

pytestmark = [
    pytest.mark.xdist_group("browser"),
    # Locally a machine may have no browser; where the suite must pass whole, that is an error.
    pytest.mark.skipif(CHROMIUM is None and not os.environ.get("CI"), reason="there is no Chromium (apt: chromium)"),
]


@pytest.fixture(scope="module")
def chromium():
    assert CHROMIUM is not None, "CI needs the package chromium"
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def site(two_sets, tmp_path):
    """The folder of a site."""
    write_site(tmp_path / "public", two_sets.files)
    return tmp_path / "public"


@pytest.fixture
def page(chromium, site, tmp_path):
    """A page; the test fails if it asked for anything but the site's files, or said that something went wrong."""
    page = chromium.new_page(viewport={"width": 1440, "height": 900})
    told: list[str] = []
    page.on(
        "request", lambda request: told.append(request.url) if not request.url.startswith(tmp_path.as_uri()) else None
    )
    page.on("console", lambda message: told.append(message.text))
    page.on("pageerror", lambda error: told.append(str(error)))
    page.on("dialog", lambda dialog: (told.append(dialog.message), dialog.dismiss()))
    yield page
    page.close()
    assert not told


def first(site, kind):
    return next(path for path in sorted(site.rglob("*.html")) if str(path.relative_to(site)).startswith(kind))


def names(page):
    return [cell.split("\n")[0] for cell in page.locator(".gx-board tbody th a").all_inner_texts()]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_kind_of_page_fits_and_can_be_used_by_all(page, site, theme):
    axe = axe_api.Axe()
    page.emulate_media(color_scheme=theme)
    for kind in KINDS:
        page.goto(first(site, kind).as_uri())
        for width, height in SIZES:
            page.set_viewport_size({"width": width, "height": height})
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (kind, width)
            assert page.locator("h1").count() == 1
        # The widest and the narrowest layout, each in a theme of its own; without axe's own loading of style sheets,
        # which the pages refuse.
        width, height = SIZES[0] if theme == "light" else SIZES[-1]
        page.set_viewport_size({"width": width, "height": height})
        found = axe.run(page, options={"preload": False}).response["violations"]
        assert not [(one["id"], one["nodes"][0]["html"]) for one in found], kind
        background = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert (background == "rgb(255, 255, 255)") == (theme == "light")


def test_a_table_is_sorted_and_searched(page, site):
    page.goto((site / "index.html").as_uri())
    assert names(page)[-1] == "poor"
    button = page.locator("th", has_text="macro").get_by_role("button")
    head = page.locator("th", has_text="macro")
    assert head.get_attribute("aria-sort") == "descending"
    button.press("Enter")
    assert head.get_attribute("aria-sort") == "ascending"
    assert names(page)[0] == "poor"
    page.locator(".gx-find").fill("OO")
    sync_api.expect(page.get_by_role("link", name="close", exact=True)).to_be_hidden()
    sync_api.expect(page.get_by_role("link", name="good", exact=True)).to_be_visible()


def test_any_two_methods_are_held_against_each_other_and_the_view_can_be_sent(page, site):
    page.goto(first(site, "pairs/made-up-v1").as_uri())
    page.locator("#first").select_option(label="good")
    page.locator("#second").select_option(label="poor")
    verdict, row = page.locator("#verdict"), page.locator("#rows tr", has_text="macro")
    sync_api.expect(verdict).to_contain_text("good is better")
    there = row.locator("td").all_inner_texts()
    page.locator("#first").select_option(label="close")
    page.locator("#second").select_option(label="good")
    page.locator("#first").select_option(label="poor")
    sync_api.expect(verdict).to_contain_text("good is better")
    back = row.locator("td").all_inner_texts()
    assert back[:2] == there[1::-1]
    assert there[2].startswith("+")
    assert back[2].split("\n")[0] == "-" + there[2].split("\n")[0][1:]
    low, high = (end.lstrip("+") for end in there[2].split("[")[1].rstrip("]").split(", "))
    assert back[2].split("[")[1].rstrip("]").split(", ") == [f"-{high}", f"-{low}"]
    assert back[4] == there[4]
    assert back[5].split(" / ") == there[5].split(" / ")[::-1]
    page.locator("#metric").select_option(label="Acc@0.5")
    address = page.url
    page.goto((site / "index.html").as_uri())
    page.goto(address)
    assert page.locator("#first option:checked").inner_text() == "poor"
    assert page.locator("#second option:checked").inner_text() == "good"
    assert page.locator("#metric option:checked").inner_text() == "Acc@0.5"
    page.locator("#second").select_option(label="poor")
    sync_api.expect(verdict).to_have_text("Choose two different methods.")
    sync_api.expect(page.locator("#rows tr")).to_have_count(0)


def test_a_name_that_is_markup_is_words_to_the_script(page, save_run, scan, tmp_path):
    evil = "</script><img src=x onerror=alert(1)>"
    for number, label in enumerate((evil, "$& {first}")):
        values = np.linspace(0.1, 0.5, 40) + number / 3
        save_run("x", {"box_iou": values}, method={"label": label}, out=tmp_path / str(number))
    write_site(tmp_path / "evil", build_site(scan(tmp_path / "0", tmp_path / "1")))
    page.goto((tmp_path / "evil/index.html").as_uri())
    page.get_by_role("link", name="Head to head").click()
    page.locator("#first").select_option(label=evil)
    assert evil in page.locator("#said").inner_text()
    page.locator("#first").select_option(label="$& {first}")
    page.locator("#second").select_option(label=evil)
    assert "$& {first} is better" in page.locator("#verdict").inner_text()
    assert "on which $& {first} is better" in page.locator("#said").inner_text()
    assert page.locator("#pairs img").count() == 0


def test_two_methods_without_a_common_sample_have_an_address_too(page, save_run, scan, tmp_path):
    even = np.arange(40) % 2 == 0
    for label, keep in (("even", even), ("odd", ~even), ("all", None)):
        save_run(label, {"box_iou": np.linspace(0.1, 0.5, 40)}, keep=keep)
    library = scan()
    derived = {"odd": ["box_iou"]}
    runs = [
        replace(run, info=run.info.model_copy(update={"derived": derived.get(run.label, [])})) for run in library.runs
    ]
    write_site(tmp_path / "apart", build_site(replace(library, runs=tuple(runs))))
    page.goto(first(tmp_path / "apart", "pairs/").as_uri())
    page.locator("#first").select_option(label="even")
    page.locator("#second").select_option(label="odd")
    sync_api.expect(page.locator("#verdict")).to_have_text("No sample has a value of both.")
    assert page.url.endswith("#first=even&second=odd&metric=box_iou")
    # What the mark behind the name means stands below, where there is one.
    assert page.locator("#other").inner_text() == "odd°"
    assert "°: derived" in page.locator("#said").inner_text()
    page.locator("#second").select_option(label="all")
    assert "°" not in page.locator("#said").inner_text()


def test_code_is_copied(page, site, chromium):
    page.goto(first(site, "cite/").as_uri())
    button = page.get_by_role("button", name="Copy BibTeX")
    button.press("Enter")
    sync_api.expect(button).to_be_visible()
    # Copied, or, where the clipboard is not to be had, marked for copying by hand.
    page.wait_for_function(
        "document.querySelector('.gx-copy').textContent === 'Copied'"
        " || String(getSelection()).includes('@misc{groundcxr')"
    )


def test_without_scripts_the_tables_are_there(chromium, site):
    page = chromium.new_page(java_script_enabled=False)
    page.goto((site / "index.html").as_uri())
    assert sorted(names(page)) == ["close", "good", "poor"]
    page.get_by_role("link", name="Head to head").click()
    assert page.evaluate("document.querySelector('noscript').getBoundingClientRect().height") > 0
    page.close()
