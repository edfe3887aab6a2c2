"""The loop of looking, in a browser: from page to page and back with every choice, and into Zoom."""

import re

import pytest

from .test_browser import drawn, opened, pytestmark, sync_api  # noqa: F401  (the mark is this module's too)
from .walk import Walk

expect = sync_api.expect
OFF_DEFAULT = "metric=CNR&protocol=vilouras2024&kind=control&tier=measured+here&zero_shot=true"
ANSWER = '[data-pane="answer"]'


def click_a_point(page):
    points = page.locator(".mark-symbol path")
    expect(points.nth(3)).to_be_attached()
    points.nth(3).click(force=True)
    page.wait_for_url("**/compare**")
    expect(page.locator(".gx-phrase")).to_have_count(1)


def chosen(page, label: str):
    return page.get_by_role("combobox", name=label, exact=True)


def test_a_click_on_a_point_opens_the_sample_whatever_was_chosen(page):
    opened(page, f"/head_to_head?{OFF_DEFAULT}&first=random&second=center-prior")
    click_a_point(page)
    assert re.search(r"sample=[0-9a-f]{16}&methods=random&methods=center-prior", page.url)
    for one in OFF_DEFAULT.split("&"):
        assert page.url.count(one) == 1
    expect(page.locator(".gx-about")).to_contain_text("CNR: higher is better")
    expect(page.locator(".gx-method")).to_have_text(["image", "random", "center-prior"])
    page.go_back()
    expect(page.get_by_text("random minus center-prior, CNR")).to_be_visible()


def test_a_click_on_a_point_opens_the_sample_after_choices_by_hand(page):
    opened(page, "/head_to_head")
    for label, option in (("Protocol", "vilouras2024"), ("Metric", "CNR")):
        chosen(page, label).click()
        page.get_by_role("option", name=option, exact=True).click()
        expect(page).to_have_url(re.compile(f"={option}"))
        expect(page.locator(".stMain [data-stale=true]")).to_have_count(0)
    expect(page.get_by_text(re.compile("minus .*, CNR"))).to_be_visible()
    click_a_point(page)
    expect(page.locator(".gx-about")).to_contain_text("CNR: higher is better")


def test_back_from_compare_finds_the_method_that_was_looked_at(page):
    opened(page, "/failures?metric=AUROC")
    chosen(page, "Method").click()
    page.get_by_role("option", name="random", exact=True).click()
    expect(page.get_by_text("Worst samples of random, AUROC")).to_be_visible()
    link = page.locator("a", has_text=re.compile("^Compare$")).and_(page.locator("[aria-label]")).first
    href = link.get_attribute("href")
    assert href.count("metric=AUROC") == 1
    assert "methods=random" in href
    link.click()
    expect(page.locator(".gx-phrase")).to_have_count(1)
    page.go_back()
    expect(page.get_by_text("Worst samples of random, AUROC")).to_be_visible()


def test_a_pages_choices_hold_over_other_pages_and_back_is_one_step(page):
    opened(page, "/failures")
    # What a page was before it is loaded anew.
    page.evaluate("window.stays = true")
    for label, option in (("Method", "random"), ("Pathology", "Edema")):
        chosen(page, label).click()
        page.get_by_role("option", name=option, exact=True).click()
        expect(page).to_have_url(re.compile(f"={option}"))
    seen = page.get_by_text("Worst samples of Edema of random, mIoU")
    expect(seen).to_be_visible()
    page.get_by_role("link", name=re.compile("^Compare: ")).first.click()
    expect(page.locator(".gx-phrase")).to_have_count(1)
    to_page = page.get_by_test_id("stTopNavLink")
    to_page.filter(has_text="Failures").click()
    expect(seen).to_be_visible()
    expect(page).to_have_url(re.compile("/failures.*class=Edema.*whose=random|/failures.*whose=random.*class=Edema"))
    page.go_back()
    expect(page.locator(".gx-phrase")).to_have_count(1)
    page.go_back()
    expect(seen).to_be_visible()
    # By the board and a run, whose choice of a method is its own.
    to_page.filter(has_text="Leaderboard").click()
    page.locator(".gx-board tbody a", has_text="center-prior").click()
    expect(page.get_by_text("The command that makes it again")).to_be_visible()
    expect(chosen(page, "Method")).to_have_value("center-prior")
    to_page.filter(has_text="Failures").click()
    expect(seen).to_be_visible()
    assert page.evaluate("window.stays")


def test_every_link_keeps_the_choices(page):
    for path in ("", "head_to_head", "failures"):
        opened(page, f"/{path}?{OFF_DEFAULT}")
        links = page.locator(".stMain a[href^='run?'], .stMain a[href^='compare?'], .stMain a[href^='./?']")
        expect(links.first).to_be_attached()
        for href in {link.get_attribute("href") for link in links.all()}:
            assert all(href.count(f"{name}=") == 1 for name in ("metric", "protocol", "zero_shot")), href


def zoomed(page, which: str, path: str = "/compare"):
    opened(page, path)
    expect(page.locator(".gx-phrase").first).to_be_visible()
    # By its phrase, since a later row's button may be there before the first row's.
    phrase = page.locator(".gx-phrase").first.inner_text()
    page.get_by_role("button", name=f"Zoom: {which} on: {phrase}").first.click()
    viewer = page.locator(".gx-viewer")
    expect(viewer.locator(f"{ANSWER} canvas").first).to_have_attribute("width", "256")
    return viewer


def scale(viewer) -> int:
    return int(viewer.locator('[name="scale"]').inner_text().removesuffix(" %"))


def test_zoom_opens_on_what_was_clicked_beside_the_image_and_goes_on(page):
    viewer = zoomed(page, "random")
    expect(viewer.locator("[data-method]")).to_have_text("random")
    dialog = page.get_by_role("dialog")
    first = dialog.locator(".gx-phrase").inner_text()
    assert first == page.locator(".gx-phrase").first.inner_text()
    dialog.get_by_role("button", name="Next").click()
    expect(dialog.get_by_text(re.compile("^2 of "))).to_be_visible()
    dialog.get_by_role("button", name="Previous").click()
    expect(dialog.locator(".gx-phrase")).to_have_text(first)
    said = dialog.get_by_text("IoU above")
    before = said.inner_text()
    # Whoever has no mouse gets there by Tab, from the choice that stands before it.
    dialog.get_by_role("combobox", name="Method").focus()
    page.keyboard.press("Tab")
    expect(viewer.get_by_label("Opacity of the map")).to_be_focused()
    page.keyboard.press("Tab")
    expect(viewer.get_by_label("Threshold")).to_be_focused()
    page.keyboard.press("Home")
    expect(said).to_contain_text("IoU above 0.00")
    assert said.inner_text() != before
    page.keyboard.press("Escape")
    expect(viewer).to_have_count(0)


def test_the_viewer_is_moved_by_wheel_drag_and_keys_and_draws_what_is_asked_for(page):
    viewer = zoomed(page, "center-prior")
    pane = viewer.locator(ANSWER)
    fitted = scale(viewer)
    box = pane.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.wheel(0, -600)
    expect(viewer.locator('[name="scale"]')).not_to_have_text(f"{fitted} %")
    assert scale(viewer) > 1.5 * fitted
    worlds = viewer.locator(".world")
    before = worlds.first.get_attribute("style")
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 2 + 60, box["y"] + box["height"] / 2, steps=3)
    page.mouse.up()
    assert worlds.first.get_attribute("style") == worlds.nth(1).get_attribute("style") != before
    for line in viewer.locator("path.truth, path.method").all():
        assert line.evaluate("path => getComputedStyle(path).vectorEffect") == "non-scaling-stroke"
    viewer.get_by_role("button", name="100 %").click()
    assert scale(viewer) == 100
    pane.press("0")
    assert scale(viewer) == fitted

    # Window and level, threshold and layers change what is drawn.
    grey = """canvas => [...canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data]
        .filter((_, i) => i % 4 === 0)"""
    canvas = viewer.locator(f"{ANSWER} canvas").first
    before = canvas.evaluate(grey)
    viewer.get_by_label("Window").press("Home")
    after = canvas.evaluate(grey)
    # A narrow window leaves hardly anything between black and white.
    assert sum(0 < value < 255 for value in after) < sum(0 < value < 255 for value in before) / 4
    viewer.get_by_label("Window").press("End")
    assert canvas.evaluate(grey) == before
    contour = viewer.locator(f"{ANSWER} path.method")
    drawn_at = contour.get_attribute("d")
    assert drawn_at
    viewer.get_by_label("Threshold").press("ArrowRight")
    assert contour.get_attribute("d") not in ("", drawn_at)
    viewer.get_by_label("contour").uncheck()
    assert contour.get_attribute("d") == ""
    viewer.get_by_label("truth").uncheck()
    assert {path.get_attribute("d") for path in viewer.locator("path.truth").all()} == {""}


def test_zoom_fits_the_screen(page):
    viewer = zoomed(page, "center-prior")
    fitted = set()
    for width, height in ((1440, 900), (1024, 768), (390, 844)):
        page.set_viewport_size({"width": width, "height": height})
        expect(viewer.locator(f"{ANSWER}")).to_be_in_viewport(ratio=1)
        box = viewer.bounding_box()
        assert 0 <= box["x"] < box["x"] + box["width"] <= width
        assert box["y"] + box["height"] < height
        fitted.add(scale(viewer))
    assert len(fitted) > 1
    # What takes keys says so, and the picture in it is one.
    for pane in viewer.get_by_role("application").all():
        assert "arrows move it" in pane.get_attribute("aria-label")
        expect(pane.get_by_role("img")).to_have_count(1)
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="it is a development dependency").Axe()
    found = axe.run(page, context='[role="dialog"]').response["violations"]
    assert not found, [(one["id"], [node["html"][:200] for node in one["nodes"]]) for one in found]


def test_layers_can_be_left_out_in_compare(page):
    opened(page, "/compare?methods=random")
    images = page.locator('[data-testid="stImage"] img')
    expect(images).to_have_count(8)
    before = [image.get_attribute("src") for image in images.all()]
    page.get_by_role("button", name="truth", exact=True).click()
    for place in range(2):
        expect(images.nth(place)).not_to_have_attribute("src", before[place])
    expect(page).to_have_url(re.compile("layers="))


def test_a_short_walk_finds_no_error(page):
    Walk(page, seed=7).run(25)


@pytest.mark.slow
def test_a_long_walk_finds_no_error(page):
    Walk(page, seed=11).run(1000)
