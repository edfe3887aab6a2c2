"""Compare's pages of rows, what is searched, and the way there from Failures."""

import json
import re
import shlex
from pathlib import Path

import numpy as np
import pytest

from groundcxr.datasets import load_dataset

from .test_pages import relabel

RESULTS = "results"


def shown_ids(page) -> list[str]:
    return re.findall(r"· sample ([0-9a-f]{16})", page.text)


def test_the_url_and_the_rows_agree_on_the_page(open_page, demo):
    samples = [sample.sample_id for sample in load_dataset("phantom", images=8)]
    assert len(samples) > 8
    shown = open_page("compare", "--results", demo / RESULTS, page="2")
    assert shown_ids(shown) == samples[4:8]
    assert "5 to 8 shown" in shown.text
    shown.app.pagination(key="page").set_value(1)
    assert shown_ids(shown.run()) == samples[:4]
    # A page beyond the last one is the first.
    assert shown_ids(open_page("compare", "--results", demo / RESULTS, page="999")) == samples[:4]


@pytest.mark.parametrize("change", ["search", "order"])
def test_other_rows_start_at_their_first_page(open_page, demo, change):
    phrases = [sample.phrase.lower() for sample in load_dataset("phantom", images=8)]
    shown = open_page("compare", "--results", demo / RESULTS, page="2")
    if change == "search":
        # In so many phrases that there is a second page, but not in all.
        letter = next(c for c in "etaoinshrdlu" if 4 < sum(c in phrase for phrase in phrases) < len(phrases))
        shown.widget("text_input", "search").set_value(letter)
        shown.run()
    else:
        shown.choose("order", "largest target")
    assert "samples, 1 to 4 shown" in shown.text
    assert shown.app.pagination(key="page").value == 1


def test_a_search_without_the_phrases_filters_nothing(open_page, demo, tmp_path):
    relabel(demo / RESULTS, tmp_path / RESULTS, dataset={"name": "ms-cxr", "credentialed": True, "options": {}})
    store = demo / RESULTS / "store"
    shown = open_page("compare", "--results", tmp_path / RESULTS, "--store", store, search="left")
    assert shown.widget("text_input", "search").disabled
    assert "1 to 4 shown" in shown.text


def test_the_link_from_failures_shows_the_failing_method(open_page, save_run, tmp_path):
    for label in "abcdef":
        save_run(label, {"box_iou": np.linspace(0, 1, 12)})
    shown = open_page("failures", "--results", tmp_path / RESULTS, metric="Box IoU", whose="f")
    link = re.search(r'href="(compare[^"]*)"', shown.html)[1]
    assert re.findall(r"methods=(\w)", link) == ["f", "a", "b", "c"]
    # Once each, or a link that is sent on looks as if two things were meant.
    assert link.count("metric=") <= 1


def test_the_metric_chosen_stands_under_the_pictures(open_page, demo):
    results = (json.loads(Path(path).read_text()) for path in (demo / RESULTS).glob("phantom/v1/*/result.json"))
    metric = next(m["label"] for content in results for m in content["metrics"] if not m["headline"])
    captions = open_page("compare", "--results", demo / RESULTS, metric=metric).html
    assert re.search(rf"gx-caption[^<]*>(<b>[^<]*</b>)?[^<]*· {re.escape(metric)} ", captions)


def test_the_command_for_a_figure_says_where_the_pictures_come_from(open_page, demo, tmp_path):
    (tmp_path / "store").mkdir()
    page = open_page("compare", "--results", demo / RESULTS, "--store", tmp_path / "store", "--data", "x=elsewhere")
    (button,) = page.app.get("download_button")
    words = shlex.split(button.proto.help.rpartition("`")[0].partition("`")[2])
    assert words[:3] == ["groundcxr", "figure", str(demo / RESULTS)]
    assert words[-2:] == [f"--store={tmp_path / 'store'}", f"--data=x={Path('elsewhere').absolute()}"]
