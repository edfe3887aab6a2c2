"""Pages mark the values that are of the view which a method does not give, and can leave such methods out."""

import pytest

from groundcxr.datasets import load_dataset
from groundcxr.evaluation import evaluate


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """Two controls, one of maps and one of boxes, under a protocol of both views."""
    folder = tmp_path_factory.mktemp("derived")
    data = load_dataset("phantom", folder / "drawn", images=4, size=64)
    for method in ("center-prior", "whole-image"):
        evaluate(method, data, "v2", out=folder / "results")
    return folder / "results"


@pytest.mark.parametrize("page", ["leaderboard", "overview"])
def test_derived_values_are_marked_and_can_be_left_out(open_page, results, page):
    shown = open_page(page, "--results", results, metric="F1@0.5")
    assert not shown.app.exception
    assert '<span title="°: derived; the method gives no boxes' in shown.html
    assert "°: derived" in shown.text
    native = open_page(page, "--results", results, metric="F1@0.5", native="true")
    assert "whole-image" in native.text
    assert "center-prior" not in native.text.partition("Profile")[0]


@pytest.mark.parametrize("page", ["run", "head_to_head", "compare", "failures"])
def test_other_pages_mark_them_too(open_page, results, page):
    shown = open_page(page, "--results", results, metric="F1@0.5")
    assert not shown.app.exception
    assert "°" in shown.text
    assert "°: derived" in shown.text


def test_what_the_averages_of_several_metrics_are_is_said(open_page, results):
    text = open_page("run", "--results", results).text
    assert (
        "micro: mean over samples, of Tuned IoU, AUROC against negatives over all together. Higher is better." in text
    )
    # Of a phantom nobody asks what is not there.
    assert "Where - stands, no sample counts." in text


def test_a_metric_that_no_sample_counts_for_is_said_to_have_no_values(open_page, results):
    text = open_page("leaderboard", "--results", results, metric="AUROC against negatives").text
    assert "No sample counts here, so no method has a value." in text
    for words in ("The dots on their intervals", "Bold: best"):
        assert words not in text
    assert "Left out, since no method has a value of it: Silent on negatives, AUROC against negatives." in text


def test_controls_are_marked_wherever_methods_stand(open_page, results):
    for page, table in (("leaderboard", "gx-heat"), ("failures", "by slice"), ("head_to_head", "gx-head-to-head")):
        html = open_page(page, "--results", results).html.partition(table)[2].partition("</table>")[0]
        assert html.count('class="gx-tag"') == 2, page


def test_failures_say_what_the_slices_and_the_statuses_are(open_page, results):
    text = open_page("failures", "--results", results, metric="Tuned IoU", whose="whole-image").text
    assert "Over the samples of each slice together. In brackets the 95 % interval" in text
    assert "not_applicable: the metric is not defined for such a sample or answer." in text
    assert "Means. In brackets" in open_page("failures", "--results", results, metric="AUROC").text


def test_under_another_protocol_there_is_nothing_to_leave_out(open_page, demo):
    shown = open_page("leaderboard", "--results", demo / "results")
    assert "°" not in shown.text
    assert "Only native" not in [toggle.label for toggle in shown.app.toggle]
