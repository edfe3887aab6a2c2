"""The board in a browser: sorted and searched by its reader, in sight on small screens, accessible in both themes."""

import re

import pytest

from .conftest import PAGES
from .test_browser import opened, pytestmark, sync_api  # noqa: F401  (the mark is this module's too)

SIZES = ((1440, 900), (1024, 768), (390, 844))


def names(page):
    return [link.inner_text() for link in page.locator(".gx-board tbody tr:visible a").all()]


def column(page, name):
    """What a column shows, from above."""
    place = page.locator(".gx-board thead th").evaluate_all(
        "(heads, name) => heads.findIndex((head) => head.dataset.name === name)", name
    )
    cells = page.locator(f".gx-board tbody tr > :nth-child({place + 1})").all()
    return [float(cell.get_attribute("data-key")) for cell in cells]


def head(page, name):
    return page.locator(f'.gx-board thead th[data-name="{name}"]')


def test_a_click_on_a_head_sorts_both_ways_and_the_address_keeps_it(page):
    expect = sync_api.expect
    opened(page, "/")
    expect(head(page, "macro")).to_have_attribute("aria-sort", "descending")
    expect(head(page, "Edema")).not_to_have_attribute("aria-sort", re.compile("."))
    best_first = column(page, "macro")
    assert best_first == sorted(best_first, reverse=True)
    head(page, "Edema").get_by_role("button").click()
    expect(head(page, "Edema")).to_have_attribute("aria-sort", "descending")
    expect(head(page, "macro")).not_to_have_attribute("aria-sort", re.compile("."))
    assert column(page, "Edema") == sorted(column(page, "Edema"), reverse=True)
    # By keyboard the other way.
    head(page, "Edema").get_by_role("button").press("Enter")
    expect(head(page, "Edema")).to_have_attribute("aria-sort", "ascending")
    assert column(page, "Edema") == sorted(column(page, "Edema"))
    assert "sort=-Edema" in page.url
    # Another metric is another table, sorted alike.
    page.get_by_role("combobox", name="Metric").click()
    page.get_by_role("option", name="AUROC", exact=True).click()
    expect(page.locator(".gx-board thead")).to_contain_text("AUROC")
    expect(head(page, "Edema")).to_have_attribute("aria-sort", "ascending")
    assert column(page, "Edema") == sorted(column(page, "Edema"))
    address = page.url
    assert "sort=-Edema" in address
    opened(page, address)
    expect(head(page, "Edema")).to_have_attribute("aria-sort", "ascending")
    head(page, "method").get_by_role("button").click()
    assert names(page) == sorted(names(page), key=str.casefold)


def test_methods_are_found_and_columns_left_out(page):
    expect = sync_api.expect
    opened(page, "/?metric=auroc")
    expect(page.locator(".gx-board thead")).to_contain_text("AUROC")
    every = names(page)
    assert len(every) == 3
    page.get_by_label("Find methods").fill("PRIOR")
    expect(page.locator(".gx-found")).to_have_text("1 of 3")
    assert names(page) == ["center-prior"]
    page.get_by_label("Find methods").fill("")
    assert names(page) == every
    page.get_by_text("Columns", exact=True).click()
    page.get_by_role("checkbox", name="micro").uncheck()
    expect(head(page, "micro")).to_be_hidden()
    expect(page.locator(".gx-board tbody tr").first.locator("td").last).to_be_hidden()
    page.keyboard.press("Escape")
    expect(page.get_by_role("checkbox", name="micro")).to_be_hidden()
    opened(page, page.url)
    expect(head(page, "micro")).to_be_hidden()
    expect(head(page, "macro")).to_be_visible()


def test_names_and_heads_stay_in_sight(page):
    page.set_viewport_size({"width": 390, "height": 200})
    opened(page, "/")
    scrolled = page.locator(".gx-sortable .gx-scroll")
    sync_api.expect(scrolled).to_be_visible()
    moved = scrolled.evaluate("one => { one.scrollTo(9999, 9999); return [one.scrollLeft, one.scrollTop] }")
    assert min(moved) > 20
    frame = scrolled.bounding_box()
    name = page.locator(".gx-board tbody tr").last.locator("th").bounding_box()
    number = page.locator(".gx-board tbody tr").last.locator("td").last.bounding_box()
    top = head(page, "micro").bounding_box()
    assert name["x"] == pytest.approx(frame["x"], abs=1)
    assert number["x"] > name["x"] + name["width"] - 1
    assert number["y"] == pytest.approx(name["y"], abs=1)
    assert top["y"] == pytest.approx(frame["y"], abs=1)
    # What is behind does not show through.
    assert page.locator(".gx-board tbody th").last.evaluate("one => getComputedStyle(one).backgroundColor") != (
        "rgba(0, 0, 0, 0)"
    )


def test_a_telephone_has_the_choices_folded_up(page):
    page.set_viewport_size({"width": 390, "height": 844})
    opened(page, "/")
    metric = page.get_by_role("combobox", name="Metric")
    sync_api.expect(page.locator(".gx-board")).to_be_visible()
    sync_api.expect(metric).to_be_hidden()
    assert page.locator(".gx-board").bounding_box()["y"] < 600
    page.get_by_text("Data set, metric and filters").click()
    sync_api.expect(metric).to_be_visible()


@pytest.mark.parametrize("path", PAGES)
def test_every_page_is_accessible_in_both_themes_and_no_wider_than_the_screen(page, path):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="it is a development dependency").Axe()
    opened(page, "/" if path == "leaderboard" else f"/{path}")
    sync_api.expect(page.get_by_test_id("stStatusWidget")).to_have_count(0)
    assert page.get_by_role("heading", level=1).count() == 1
    assert page.title() == f"{page.get_by_role('heading', level=1).inner_text()} - groundcxr"
    papers = []
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        paper = page.locator(".stApp")
        sync_api.expect(paper).to_have_css("color-scheme", scheme)
        papers.append(paper.evaluate("one => getComputedStyle(one).backgroundColor"))
        for width, height in SIZES:
            page.set_viewport_size({"width": width, "height": height})
            # A chart takes a moment to follow.
            page.wait_for_function(
                "(width) => Math.max(document.documentElement.scrollWidth,"
                " document.querySelector('.stMain').scrollWidth) <= width",
                arg=width,
            )
        page.set_viewport_size(dict(zip(("width", "height"), SIZES[scheme == "dark"], strict=True)))
        found = axe.run(page).response["violations"]
        assert not found, [(one["id"], [node["html"][:200] for node in one["nodes"]]) for one in found]
    assert papers == ["rgb(255, 255, 255)", "rgb(18, 24, 27)"]
