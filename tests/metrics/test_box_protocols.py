"""The published protocols of boxes against what their authors' code gave for the same boxes."""

import json
from pathlib import Path

import numpy as np
import pytest

from groundcxr.core import Box, Grounding, Sample
from groundcxr.metrics import Reduced, get_protocol, summarise

CASES = Path(__file__).parents[1] / "data" / "protocols"
TOLERANCE = 1e-5

# What the authors' code calls a value, where it is not the metric's key.
THEIRS = {
    "chex2024": {
        "AP/mAP": "map",
        "AP/AP@0.1": "ap10",
        "AP/AP@0.3": "ap30",
        "AP/AP@0.5": "ap50",
        "IoU": "iou",
        "mIoU": "miou",
        "bIoU": "biou",
    },
    "radvlm2025": {"avg_iou_of_this_sample": "avg_iou", "mAP_50": "ap50"},
    "medrpg2023": {"total_iou": "iou", "total_accuracy": "acc50"},
}
PROTOCOLS = ("agkd2025", "chex2024", "medgroundr1", "medrpg2023", "radfact2024", "radvlm2025", "umedground2025")


def content(name):
    return json.loads((CASES / f"cases_{name}.json").read_text())


def sample_of(case, boxes=None):
    true = [Box.from_xywh(*box) for box in case["boxes_xywh"]] if boxes is None else boxes
    size = tuple(case["image_size"])
    return Sample(str(case["id"]), "image", None, Path("x"), "p", "a", tuple(true), None, size)


def answer_of(case):
    scores = case.get("scores") or [None] * len(case["predicted_xyxy"])
    return Grounding(boxes=[Box(*box, score=score) for box, score in zip(case["predicted_xyxy"], scores, strict=True)])


def scored(protocol, sample, grounding):
    return protocol.score(grounding, protocol.target(sample, grounding), {"box"})


def cells(protocol, cases, classes=None):
    """The cells of some cases, each of a patient of its own: micro, macro and by class."""
    found = [scored(protocol, sample_of(case), answer_of(case)) for case in cases]
    keys = [metric.key for metric in protocol.metrics]
    table = [[np.nan if one[key].value is None else one[key].value for key in keys] for one in found]
    reduced = {
        column: Reduced(metric.reducer, [one[metric.key].parts for one in found])
        for column, metric in enumerate(protocol.metrics)
        if metric.reducer is not None
    }
    names = ["a"] * len(cases) if classes is None else [str(one) for one in classes]
    patients = [f"p{number}" for number in range(len(cases))]
    made = summarise(table, names, patients, pathologies=sorted(set(names)), draws=2, reduced=reduced)
    pick = lambda row: {key: cell.value for key, cell in zip(keys, row, strict=True)}  # noqa: E731
    return pick(made.micro), pick(made.macro), {name: pick(row) for name, row in made.pathologies.items()}


@pytest.mark.parametrize("name", PROTOCOLS)
def test_every_case_has_the_value_of_the_authors_code(name):
    protocol, compared = get_protocol(name), 0
    for case in content(name)["cases"]:
        found = scored(protocol, sample_of(case), answer_of(case))
        for theirs, expected in (case["expected"] or {}).items():
            value = found[THEIRS.get(name, {}).get(theirs, theirs)].value
            assert value == (None if expected is None else pytest.approx(float(expected), abs=TOLERANCE)), (
                case["id"],
                theirs,
            )
            compared += 1
    assert compared >= 30


@pytest.mark.parametrize("name", ["chex2024", "radvlm2025"])
def test_sets_are_pooled_over_samples(name):
    cases = {case["id"]: case for case in content(name)["cases"]}
    for one in content(name)["sets"]:
        micro, _, _ = cells(get_protocol(name), [cases[number] for number in one["ids"]])
        theirs = {THEIRS[name].get(key, key): value for key, value in one["expected"].items()}
        assert micro == pytest.approx(theirs, abs=TOLERANCE)


def test_medrpg_prints_means_over_samples_and_of_each_class():
    cases = {case["id"]: case for case in content("medrpg2023")["cases"]}
    (one,) = content("medrpg2023")["sets"]
    chosen = [cases[number] for number in one["ids"]]
    micro, _, classes = cells(get_protocol("medrpg2023"), chosen, [case["class"] for case in chosen])
    expected = one["expected"]
    assert micro == pytest.approx({"iou": expected["total_iou"], "acc50": expected["total_accuracy"]}, abs=TOLERANCE)
    assert [row["iou"] for row in classes.values()] == pytest.approx(expected["category_iou"], abs=TOLERANCE)
    assert [row["acc50"] for row in classes.values()] == pytest.approx(expected["category_accu"], abs=TOLERANCE)


@pytest.mark.parametrize("number", range(3))
def test_agkd_prints_the_mean_of_one_ranking_for_each_class(number):
    cases = {case["id"]: case for case in content("agkd2025")["cases"]}
    one = content("agkd2025")["sets"][number]
    chosen = [cases[number] for number in one["ids"]]
    _, macro, classes = cells(get_protocol("agkd2025"), chosen, [case["class"] for case in chosen])
    expected = dict(one["expected"])
    by_class = np.array(expected.pop("per_class_ap"))
    assert macro == pytest.approx(expected, abs=TOLERANCE)
    assert [row["map50_95"] for row in classes.values()] == pytest.approx(by_class.mean(axis=1), abs=TOLERANCE)
    assert [row["map75"] for row in classes.values()] == pytest.approx(by_class[:, 5], abs=TOLERANCE)
