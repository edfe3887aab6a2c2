"""Numbers of the literature on the first page: by themselves, for every data set, with what they rest on."""

import re

import numpy as np
import pytest

from groundcxr.leaderboard.published import published_groups
from groundcxr.leaderboard.published_html import group_html

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
    blocks = re.findall(r'aria-label="published on ([^"]*)"', shown.html)
    assert len(set(blocks)) == len(published_groups())
    assert blocks[0] == "VinDr-CXR: Maps, test set of 443 pairs, standardised prompts"
    folded = re.findall(r"<summary>Published on ([^<]*): \d+ rows?</summary>", shown.html)
    assert folded == list(dict.fromkeys(g.dataset for g in published_groups() if g.dataset != "VinDr-CXR"))


def test_without_a_result_on_it_a_data_set_of_the_literature_is_still_there(open_page, save_run, tmp_path):
    save_run("mine", {"box_iou": np.linspace(0, 1, 12)})
    shown = open_page("leaderboard", "--results", tmp_path / RESULTS)
    assert "Published on other data sets than made-up" in shown.text
    assert "Published on MS-CXR: 26 rows" in shown.text


def test_a_block_says_versions_and_how_many_samples_a_class_has():
    group = next(group for group in published_groups("ms-cxr") if group.name == "mscxr-loc-1043-std-prompt")
    html = group_html(group)
    assert "1,043 pairs = 1,160 MS-CXR image-text pairs minus 117" in html
    # All rows that have Pneumonia's CNR state n; one that has its mIoU does not, so there each states its own.
    assert "Pneumonia<small>CNR</small><small>n = 146</small>" in html
    assert "Pneumonia<small>mIoU</small></th>" in html
    assert html.count("<small>n = 146</small>") == 1 + 4


def test_one_format_of_numbers_whatever_the_paper_prints():
    group = next(group for group in published_groups("ms-cxr") if group.name == "mscxr-loc-1043-std-prompt")
    html = group_html(group)
    # 27.9 [25.3, 30.4] per cent and 22.0, whose zero the file has lost.
    assert ".279<small>[.253, .304]</small>" in html
    assert re.search(r"LDM \(frozen\).*?<td>\.93</td><td>\.220</td>", html)
    assert "%" not in html.partition("</table>")[0]


def test_each_row_leads_to_its_paper_and_to_where_it_was_read():
    links = {row.method: row.links for group in published_groups() for row in group.rows}
    assert links["LDM (ours)"]["paper"] == "https://arxiv.org/abs/2506.10633"
    assert links["MedRPG"]["source"] == "https://github.com/eraserNut/MedRPG"
    boecking = next(row for group in published_groups() for row in group.rows if row.paper.startswith("Boecking"))
    assert boecking.links["paper"] == "https://doi.org/10.1007/978-3-031-20059-5_1"
    assert all(found for found in links.values())
    (group,) = (group for group in published_groups("ms-cxr") if group.name == "medrpg-split-box")
    assert '<a href="https://arxiv.org/abs/2303.07618">paper</a>' in group_html(group)
