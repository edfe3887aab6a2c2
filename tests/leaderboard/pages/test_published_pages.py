"""Numbers of the literature on the first page: by themselves, for every data set, with what they rest on."""

import re

import numpy as np
import pytest

from groundcxr.leaderboard.published import published_groups
from groundcxr.leaderboard.views.published import group_table

from .conftest import PAGES

RESULTS = "results"


@pytest.mark.parametrize("page", PAGES)
def test_published_numbers_alone(open_page, save_run, tmp_path, page):
    save_run("mine", {"box_iou": np.linspace(0, 1, 12)}, dataset="ms-cxr")
    shown = open_page(page, "--results", tmp_path / RESULTS, tier=["published"])
    if page == "leaderboard":
        assert "None of the methods measured or imported is left" in shown.text
        assert "Published on MS-CXR" in shown.text
        assert "Read in: PMLR v315" in shown.text
    else:
        assert "No method is left: take a filter back." in shown.text
    assert "gx-board" not in "".join(re.findall(r"<table.*?>", shown.html))


def test_the_own_data_set_stands_open_and_first_and_all_others_below(open_page, save_run, tmp_path):
    save_run("mine", {"box_iou": np.linspace(0, 1, 12)}, dataset="vindr-cxr")
    shown = open_page("leaderboard", "--results", tmp_path / RESULTS)
    blocks = re.findall(r'aria-label="published, ([^"]*)"', shown.html)
    assert len(blocks) == len(published_groups())
    assert blocks[0] == "vindr-443-std-prompt"
    folded = re.findall(r"<summary>Published on ([^<]*): \d+ rows?</summary>", shown.html)
    assert folded == list(dict.fromkeys(g.dataset for g in published_groups() if g.dataset != "VinDr-CXR"))


def test_without_a_result_on_it_a_data_set_of_the_literature_is_still_there(open_page, save_run, tmp_path):
    save_run("mine", {"box_iou": np.linspace(0, 1, 12)})
    shown = open_page("leaderboard", "--results", tmp_path / RESULTS)
    assert "Published on other data sets than made-up" in shown.text
    assert "Published on MS-CXR: 26 rows" in shown.text


def test_a_block_says_versions_and_how_many_samples_a_class_has():
    group = next(group for group in published_groups("ms-cxr") if group.name == "mscxr-loc-1043-std-prompt")
    html = group_table(group)
    assert "1,043 pairs = 1,160 MS-CXR image-text pairs minus 117" in html
    # All rows that have Pneumonia's CNR state n; one that has its mIoU does not, so there each states its own.
    assert "Pneumonia<small>CNR</small><small>n = 146</small>" in html
    assert "Pneumonia<small>mIoU (%)</small></th>" in html
    assert html.count("<small>n = 146</small>") == 1 + 4
