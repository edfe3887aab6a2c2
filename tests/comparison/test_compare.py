"""The paired table: the same numbers from Python, on the command line and in the app, and what is refused."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import groundcxr as package
from groundcxr.comparison import captions
from groundcxr.comparison.captions import resolution_said
from groundcxr.comparison.entrant import entrants_of
from groundcxr.comparison.head_to_head import head_to_head
from groundcxr.comparison.significance import holm
from groundcxr.core import GroundCXRError, StoreError, UnknownNameError
from groundcxr.metrics import Sums
from groundcxr.metrics.v1 import V1

RNG = np.random.default_rng(0)
GOOD = RNG.uniform(0.5, 0.9, 40)
TWIN = np.clip(GOOD + RNG.normal(0, 0.05, 40), 0, 1)
POOR = GOOD - 0.3


@pytest.fixture
def three(made):
    return made("good", GOOD), made("twin", TWIN), made("poor", POOR)


def test_two_results_are_compared_as_head_to_head_does(three):
    good, twin, _ = three
    table = package.compare(good, twin, metrics=["box_iou"])
    expected = head_to_head(*entrants_of([good, twin]), "box_iou").table
    assert table["pathology"].tolist() == ["Edema", "Pneumonia", "macro", "micro"]
    for name, theirs in {"first_value": "first", "difference": "difference", "p_corrected": "p_corrected"}.items():
        assert table[name].tolist() == expected[theirs].tolist()
    assert set(zip(table["first"], table["second"], table["test"], strict=True)) == {("good", "twin", "sign flips")}
    assert table.iloc[3]["difference"] == pytest.approx((GOOD - TWIN).mean())
    assert (table["wins"] + table["ties"] + table["losses"]).tolist() == table["n"].tolist() == [20, 20, 40, 40]


def test_every_two_are_compared_and_corrected_together(three):
    table = package.compare(*three, metrics=["box_iou"])
    pairs = table[["first", "second"]].drop_duplicates().to_numpy().tolist()
    assert pairs == [["good", "twin"], ["good", "poor"], ["twin", "poor"]]
    for family in (["Edema", "Pneumonia"], ["macro"], ["micro"]):
        mine = table.loc[table["pathology"].isin(family)]
        assert mine["p_corrected"].tolist() == holm(mine["p"]).tolist()
    assert (table["p_corrected"] >= table["p"]).all()
    assert (table["p_corrected"] > table["p"]).any()


def test_a_ratio_is_compared_as_one(three):
    good, _, poor = three
    table = package.compare(good, poor).set_index(["metric", "pathology"])
    # The weights of the samples are 1, 2, 3, ...; without them the difference would be that of the means.
    weights = np.arange(1.0, 41)
    micro = table.loc[("pixels", "micro")]
    assert micro["first_value"] == pytest.approx((GOOD * weights).sum() / weights.sum())
    assert micro["first_value"] == pytest.approx(good.info.overall.micro["pixels"].value)
    assert micro["second_value"] == pytest.approx((POOR * weights).sum() / weights.sum())
    edema = table.loc[("pixels", "Edema")]
    assert edema["second_value"] == pytest.approx((POOR * weights)[::2].sum() / weights[::2].sum())
    assert micro["test"] == "paired bootstrap"
    assert micro["low"] < micro["difference"] < micro["high"] < 0.31
    assert micro["p"] < 0.01
    # Not a headline metric, so only where it is asked for. The better threshold of the one is not that of the other.
    assert "best" not in table.index
    best = package.compare(good, poor, metrics=["best"]).set_index("pathology").loc["micro"]
    assert best["difference"] == pytest.approx(GOOD.mean() - (1 - POOR).mean())


def test_a_sample_that_one_leaves_out_counts_for_neither(made):
    holes = np.where(np.arange(40) < 10, np.nan, POOR)
    table = package.compare(made("good", GOOD), made("holes", holes)).set_index(["metric", "pathology"])
    weights = np.arange(11.0, 41)
    assert table.loc[("pixels", "micro"), "first_value"] == pytest.approx((GOOD[10:] * weights).sum() / weights.sum())
    assert table["n"].tolist() == [15, 15, 30, 30] * 2


def test_labels_tell_results_of_one_name_apart(made):
    table = package.compare(
        made("a", GOOD, options={"size": 1}), made("a", TWIN, options={"size": 2}), metrics=["box_iou"]
    )
    assert (table["first"][0], table["second"][0]) == ("a (size=1)", "a (size=2)")


def test_files_are_read(three, tmp_path):
    saved = [one.save(tmp_path) for one in three[:2]]
    pd.testing.assert_frame_equal(package.compare(saved[0].path, str(saved[1].path.parent)), package.compare(*saved))
    with pytest.raises(StoreError, match="cannot read"):
        package.compare(saved[0], tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("other", "words"),
    [
        ({"dataset": "another"}, r"good and b cannot be compared: the data sets are made-up 2.0 \(test\) and another"),
        ({"protocol": V1}, r"the protocols are pooled \(version 1, hash .*\) and v1 "),
        ({"values": GOOD[:-2]}, "the samples of made-up .* are others: 40 with the fingerprint .* and 38"),
        ({"values": GOOD[:-2], "complete": False}, "one of them was run on 38 samples, a part of the split"),
        ({"emits": ("heatmap",)}, "no metric in common: good answers with boxes, b answers with maps"),
    ],
)
def test_what_cannot_be_compared_is_one_sentence(made, other, words):
    with pytest.raises(GroundCXRError, match=words):
        package.compare(made("good", GOOD), made("b", **{"values": TWIN, **other}))


@pytest.mark.parametrize("name", ["patient_key", "pathology"])
@pytest.mark.parametrize("turned", [False, True])
def test_whose_samples_they_are_must_be_the_same_in_all(made, name, turned):
    # Every sample a patient of its own would make twice as many of them, and of twelve samples other pathologies.
    good, poor = made("good", GOOD), made("poor", POOR)
    others = {
        "patient_key": poor.samples["sample_id"],
        "pathology": poor.samples["pathology"].where(poor.samples.index >= 24, "Edema"),
    }
    edited = replace(poor, samples=poor.samples.assign(**{name: others[name]}))
    said = f"the {name} of {40 if name == 'patient_key' else 12} samples differs"
    with pytest.raises(GroundCXRError, match=rf"cannot be compared: {said} \(\w+\); ask for"):
        package.compare(*((edited, good) if turned else (good, edited)))


def test_a_metric_of_an_unknown_protocol_must_be_the_same_in_all(made):
    # With the other direction the worse method would be called the better one.
    good, poor = made("good", GOOD), made("poor", POOR)
    turned = [one.model_copy(update={"higher_is_better": one.key != "box_iou"}) for one in poor.info.metrics]
    edited = replace(poor, info=poor.info.model_copy(update={"metrics": turned}))
    with pytest.raises(GroundCXRError, match="cannot be compared: what they call box_iou is not one metric"):
        package.compare(good, edited)


def test_parts_of_a_split_single_results_and_unknown_metrics_are_refused(made):
    good = made("good", GOOD)
    with pytest.raises(GroundCXRError, match=r"a part of the split, .*without --limit"):
        package.compare(made("a", GOOD, complete=False), made("b", TWIN, complete=False))
    with pytest.raises(GroundCXRError, match="takes two results to compare, and there is that of good alone"):
        package.compare(good)
    with pytest.raises(GroundCXRError, match="good is given twice"):
        package.compare(good, made("b", TWIN), good)
    with pytest.raises(UnknownNameError, match="did you mean 'box_iou'"):
        package.compare(good, made("b", TWIN), metrics=["boxiou"])
    both = made("both", TWIN, emits=("box", "heatmap"))
    with pytest.raises(GroundCXRError, match="good, which answers with boxes, does not have the metric 'cnr'"):
        package.compare(good, both, metrics=["cnr"])
    assert set(package.compare(good, both)["metric"]) == {"box_iou", "pixels"}


@pytest.fixture
def saved(three, tmp_path):
    return [one.save(tmp_path / "results").path for one in three]


def test_the_command_prints_what_python_gives(groundcxr, saved):
    good, _, poor = saved
    ran = groundcxr("compare", poor, good)
    assert ran.code == 0, ran.err
    assert "poor minus good, Pixels on made-up 2.0 (test), protocol pooled" in ran.out  # in the order given
    assert "-.300 [-.300, -.300]" in ran.out
    assert "p: sign flips over patients" in ran.out
    assert "p: paired bootstrap over patients (both methods in the same draws, centred)" in ran.out
    assert "micro: over all samples together" in ran.out


@pytest.mark.parametrize(("reducer", "few", "many"), [(None, 499, 500), (Sums(), 100, 101)])
def test_a_family_too_large_for_any_p_to_be_small_is_told(made, reducer, few, many):
    metric = next(one for one in made().info.metrics if (one.reducer is None) == (reducer is None))
    smallest = 1e-4 if reducer is None else 1 / 2001
    for tests, told in ((few, False), (many, True)):
        # One difference beyond doubt, as the p-values of its kind have it, and no other.
        assert bool(holm([smallest, *[1.0] * (tests - 1)])[0] >= 0.05) is told
        assert resolution_said(metric, tests).startswith(f"Of {tests} tests corrected together none") is told


def test_the_command_tells_of_a_family_too_large(groundcxr, saved, monkeypatch):
    assert "corrected together" not in groundcxr("compare", *saved).out
    monkeypatch.setattr(captions, "DRAWS", 99)  # as if bootstrap's p-values came in steps of .01
    assert groundcxr("compare", *saved).out.count("Of 6 tests corrected together none") == 1  # of Pixels, not Box IoU


def test_csv_and_json_hold_every_digit(groundcxr, saved, tmp_path):
    expected = package.compare(*saved)
    ran = groundcxr("compare", tmp_path / "results", "--format", "csv", "--out", "table.csv")
    assert ran.code == 0, ran.err
    table = pd.read_csv(tmp_path / "table.csv")
    assert set(table["dataset"]) == {"made-up"}
    # A folder gives its results in the order of their names.
    by_hand = package.compare(saved[0], saved[2], saved[1])
    pd.testing.assert_frame_equal(table[list(expected)], by_hand, check_dtype=False, check_exact=True)
    told = json.loads(groundcxr("compare", *saved, "--metric", "pixels", "--format", "json").out)
    assert [(one["metric"], one["test"], one["protocol"]) for one in told] == [("pixels", "paired bootstrap", "pooled")]
    mine = expected.loc[expected["metric"] == "pixels"]
    assert [row["difference"] for row in told[0]["rows"]] == mine["difference"].tolist()


def test_a_damaged_result_is_told_and_the_others_are_compared(groundcxr, saved, tmp_path):
    (saved[2].parent / "samples.parquet").write_bytes(b"no rows")
    ran = groundcxr("compare", tmp_path / "results", "--metric", "box_iou")
    assert ran.code == 1
    assert ran.err.count("warning: ") == 1
    assert "good minus twin" in ran.out
    ran = groundcxr("compare", saved[2])
    assert ran.code == 2
    assert "there is no usable result in" in ran.err
    ran = groundcxr("compare", saved[0])
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.endswith("and there is that of good alone; give the other's too\n")
