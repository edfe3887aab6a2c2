"""Pages on results that leave little to show: few samples, no shared ones, filters that fit nothing, files that go."""

import numpy as np
import pytest

from groundcxr.core import StoreError
from groundcxr.leaderboard.runs import Run

from .conftest import PAGES

RESULTS = "results"
NAN = float("nan")


@pytest.mark.parametrize("page", PAGES)
def test_every_page_bears_one_patient(open_page, save_run, tmp_path, page):
    # Of one patient no interval is known.
    save_run("a", {"box_iou": np.array([0.2, 0.4])})
    save_run("b", {"box_iou": np.array([0.3, 0.5])})
    assert "2 samples" in open_page(page, "--results", tmp_path / RESULTS, metric="Box IoU").text


def test_head_to_head_of_one_patient_has_no_intervals(open_page, save_run, tmp_path):
    save_run("a", {"box_iou": np.array([0.2, 0.4])})
    save_run("b", {"box_iou": np.array([0.3, 0.5])})
    shown = open_page("head_to_head", "--results", tmp_path / RESULTS, metric="Box IoU")
    assert "difference +.100, p = 1.000, over 2 samples" in shown.text
    assert "no interval" in shown.text


def test_head_to_head_without_a_shared_value_says_so(open_page, save_run, tmp_path):
    save_run("a", {"box_iou": np.where(np.arange(12) < 6, 0.5, NAN)})
    save_run("b", {"box_iou": np.where(np.arange(12) < 6, NAN, 0.5)})
    shown = open_page("head_to_head", "--results", tmp_path / RESULTS, metric="Box IoU")
    assert "No sample has a value of both." in shown.text
    assert not shown.app.get("vega_lite_chart")


@pytest.mark.parametrize("page", PAGES)
def test_every_page_bears_a_filter_that_leaves_no_method_with_the_metric(open_page, save_run, tmp_path, page):
    save_run("boxes", {"box_iou": np.linspace(0, 1, 12)}, kind="box")
    save_run("maps", {"miou": np.linspace(0, 1, 12)}, kind="diffusion", emits=("heatmap",))
    shown = open_page(page, "--results", tmp_path / RESULTS, metric="mIoU", kind=["box"])
    assert "1 of 2 methods" in shown.text
    if page == "failures":
        assert "No method that is left has mIoU" in shown.text


@pytest.mark.parametrize("page", ["leaderboard", "compare", "head_to_head", "failures", "cite"])
def test_rows_that_go_while_a_page_reads_them_are_told(open_page, save_run, tmp_path, monkeypatch, page):
    save_run("a", {"box_iou": np.linspace(0, 1, 14)})
    save_run("b", {"box_iou": np.linspace(0, 1, 14)})

    def gone(self, columns=None):
        raise StoreError("samples.parquet has changed since it was found; refresh the page")

    monkeypatch.setattr(Run, "samples", gone)
    shown = open_page(page, "--results", tmp_path / RESULTS, metric="Box IoU")
    assert "refresh the page" in shown.text


def test_a_huge_seed_in_the_url_is_not_read(open_page, demo):
    shown = open_page("compare", "--results", demo / RESULTS, order="at random", seed="9" * 5000)
    assert "1 to 4 shown" in shown.text
