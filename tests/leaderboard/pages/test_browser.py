"""The leaderboard in Debian's Chromium, started as a user starts it, where others' configuration lies about."""

import os
import re
from pathlib import Path

import pytest

from groundcxr.datasets import load_dataset
from groundcxr.leaderboard.views.compare import ROWS

from .conftest import CHROMIUM, WAIT

sync_api = pytest.importorskip("playwright.sync_api", reason="Playwright is a development dependency")

pytestmark = [
    pytest.mark.xdist_group("browser"),
    # Locally a machine may have no browser; where the suite must pass whole, that is an error.
    pytest.mark.skipif(CHROMIUM is None and not os.environ.get("CI"), reason="there is no Chromium (apt: chromium)"),
]


def opened(page, path: str):
    page.goto(path)
    sync_api.expect(page.locator(".gx-about")).to_be_visible()
    return page


def test_choices_can_be_read_in_a_narrow_window(page):
    page.set_viewport_size({"width": 700, "height": 900})
    opened(page, "/run")
    sync_api.expect(page.get_by_role("combobox", name="Method")).to_be_visible()
    # The page's own choice may be there while one of those that all pages share is being drawn.
    boxes = page.locator(".stSelectbox, .stMultiSelect, .stCheckbox")
    sync_api.expect(boxes.nth(6)).to_be_visible()
    widths = [one.bounding_box()["width"] for one in boxes.all()]
    assert min(widths) > 120


def test_pictures_of_a_sample_are_of_one_size_in_a_narrow_window(page):
    page.set_viewport_size({"width": 900, "height": 900})
    pictures = opened(page, "/compare").locator('[data-testid="stImage"] img')
    sync_api.expect(pictures).to_have_count(5 * ROWS)
    assert len({round(one.bounding_box()["width"]) for one in pictures.all()}) == 1
    # Headlines have names of methods in them, which may be one long word.
    page.locator(".gx-h1").evaluate("headline => headline.textContent = 'A'.repeat(200)")
    assert page.locator(".stMain").evaluate("main => main.scrollWidth <= main.clientWidth")


def test_every_page_opens_from_the_first(page):
    opened(page, "/")
    expect = sync_api.expect
    for name, seen in (
        ("Overview", "Mean ranks"),
        ("Compare", "Search the phrases"),
        ("Head to head", "Sample by sample"),
        ("Failures", "Worst samples of"),
        ("Method and run", "The command that makes it again"),
        ("Cite", "Download groundcxr-phantom-v1-miou.tex"),
        ("Leaderboard", "Speed against quality"),
    ):
        page.get_by_role("link", name=name, exact=True).first.click()
        expect(page.get_by_text(seen).first).to_be_visible()
        expect(page.get_by_test_id("stException")).to_have_count(0)


def test_a_number_of_overview_leads_to_its_board_under_the_choices_made(page):
    expect = sync_api.expect
    opened(page, "/overview")
    expect(page.get_by_role("combobox", name="Data set")).to_be_disabled()
    page.get_by_role("combobox", name="Metric").click()
    page.get_by_role("option", name="AUROC", exact=True).click()
    expect(page.locator(".gx-board thead")).to_contain_text("AUROC")
    page.get_by_text("Only zero-shot").click()
    expect(page).to_have_url(re.compile("zero_shot=true"))
    expect(page.get_by_text("left out is what methods have on data sets that they have seen")).to_be_visible()
    number = page.locator(".gx-board tbody a").first
    value = number.inner_text()
    number.click()
    expect(page.get_by_text("Speed against quality")).to_be_visible()
    expect(page.locator(".gx-board thead")).to_contain_text("AUROC")
    expect(page.locator(".gx-board tbody")).to_contain_text(value)
    assert "zero_shot=true" in page.url


def test_a_phrase_is_found(page):
    phrase = load_dataset("phantom", images=8)[0].phrase
    opened(page, "/compare")
    box = page.get_by_label("Search the phrases")
    box.fill(phrase)
    box.press("Enter")
    sync_api.expect(page.locator(".gx-phrase").first).to_have_text(phrase)
    sync_api.expect(page).to_have_url(re.compile("search="))


def test_a_page_in_the_url_is_shown_and_another_order_starts_at_the_first(page):
    samples = load_dataset("phantom", images=8)
    phrases = page.locator(".gx-phrase")
    opened(page, "/compare?page=2")
    sync_api.expect(phrases.first).to_have_text(samples[4].phrase)
    page.get_by_role("combobox", name="Order").click()
    page.get_by_role("option", name="smallest target").click()
    smallest = min(samples, key=lambda sample: sum(box.area for box in sample.boxes))
    sync_api.expect(phrases.first).to_have_text(smallest.phrase)
    sync_api.expect(page).not_to_have_url(re.compile("page="))


@pytest.fixture(autouse=True)
def drawn(demo):
    """The phantom that the server shows."""


def pictures(page) -> list[str]:
    return [image.get_attribute("src") or "" for image in page.locator('[data-testid="stImage"] img').all()]


@pytest.mark.parametrize("slider", ["Opacity of the map", "Threshold of the contour"])
def test_the_sliders_change_the_pictures_by_keyboard(page, slider):
    # Of each row the image and four methods; they do not come in their order.
    sync_api.expect(opened(page, "/compare").locator('[data-testid="stImage"] img')).to_have_count(5 * ROWS)
    before = pictures(page)
    handle = page.get_by_role("slider", name=slider)
    handle.focus()
    handle.press("ArrowRight")
    handle.press("ArrowRight")
    changed = page.locator('[data-testid="stImage"] img').nth(1)
    sync_api.expect(changed).not_to_have_attribute("src", before[1])
    # The first is the image without a map.
    sync_api.expect(page.locator('[data-testid="stImage"] img').first).to_have_attribute("src", before[0])
    sync_api.expect(page).to_have_url(re.compile("opacity=" if "Opacity" in slider else "threshold="))


def test_a_view_can_be_sent_to_a_colleague(page, chromium, served):
    opened(page, "/")
    page.get_by_role("combobox", name="Metric").click()
    page.get_by_role("option", name="AUROC", exact=True).click()
    sync_api.expect(page.locator(".gx-about")).to_contain_text("AUROC: higher is better")
    sync_api.expect(page).to_have_url(re.compile("metric=AUROC"))
    # The line above the table changes before the table does.
    sync_api.expect(page.locator(".gx-board thead")).to_contain_text("AUROC")
    table = page.locator(".gx-board").inner_text()
    colleague = chromium.new_page(viewport={"width": 1440, "height": 900})
    colleague.set_default_timeout(WAIT)
    opened(colleague, page.url)
    sync_api.expect(colleague.locator(".gx-board thead")).to_contain_text("AUROC")
    assert colleague.locator(".gx-board").inner_text() == table
    colleague.close()
    # And it holds on the way to another page.
    page.get_by_role("link", name="Cite", exact=True).first.click()
    sync_api.expect(page.get_by_text("Download groundcxr-phantom-v1-auroc.tex")).to_be_visible()


def test_the_latex_downloads(page, demo_folder, groundcxr):
    opened(page, "/cite")
    with page.expect_download() as waiting:
        page.get_by_text("Download groundcxr-phantom-v1-miou.tex").click()
    download = waiting.value
    assert download.suggested_filename == "groundcxr-phantom-v1-miou.tex"
    results = [path.parent for path in (demo_folder / "results").glob("phantom/v1/*/result.json")]
    ran = groundcxr("export", *results, "--format", "latex", "--metric", "miou")
    assert Path(download.path()).read_text(encoding="utf-8") == ran.out


def test_the_code_is_copied_without_a_pointer(page, chromium):
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    opened(page, "/cite")
    button = page.get_by_role("button", name="Copy to clipboard").first
    sync_api.expect(button).to_have_css("visibility", "visible")
    # All around it is opaque too.
    faint = (
        "let e = button; while (e && getComputedStyle(e).opacity === '1') e = e.parentElement; return e && e.className"
    )
    assert button.evaluate(f"button => {{ {faint} }}") is None
    button.focus()
    page.keyboard.press("Enter")
    page.wait_for_function("() => navigator.clipboard.readText().then(text => text.includes('toprule'))")


def test_compare_makes_a_figure_of_what_it_shows(page):
    opened(page, "/compare?methods=center-prior&methods=oracle")
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Figure (PDF)").click()
    content = Path(waiting.value.path()).read_bytes()
    assert content.startswith(b"%PDF")
    assert b"/FontFile2" in content


@pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="reads Linux's table of sockets")
def test_the_server_listens_on_this_machine_only(served):
    port = f":{int(served.rpartition(':')[2]):04X}"
    tables = [path.read_text().splitlines()[1:] for path in Path("/proc/net").glob("tcp*")]
    sockets = [line.split() for table in tables for line in table]
    listening = {fields[1].removesuffix(port) for fields in sockets if fields[1].endswith(port) and fields[3] == "0A"}
    assert listening
    assert listening <= {"0100007F", "00000000000000000000000001000000"}
