"""The published protocols of boxes against what their authors' code gave for the same boxes."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from groundcxr.core import Box, Grounding, Heatmap, Mask, ProtocolError, Sample, Status, Target
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
        column: Reduced.of(metric.reducer, [one[metric.key].parts for one in found])
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


SIZE = (200, 100)
TRUE = Box(20, 20, 60, 60)


def one(name, predicted, true=(TRUE,), size=SIZE):
    """The values of one sample, by metric."""
    found = get_protocol(name).score(Grounding(boxes=predicted), Target(true, size), {"box"})
    return {key: value.value for key, value in found.items()}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("agkd2025", {"map50": 0.0, "map75": 0.0, "map50_95": 0.0}),
        ("chex2024", dict.fromkeys(("map", "ap10", "ap30", "ap50", "iou", "miou", "biou"), 0.0)),
        ("medgroundr1", {"iou": 0.0, "acc50": 0.0}),
        ("medrpg2023", {"iou": 0.0, "acc50": 0.0}),
        (
            "radfact2024",
            {"precision": None, "recall": 0.0, "iou": 0.0, "predicted_entailed": 0.0, "reference_entailed": 0.0},
        ),
        ("radvlm2025", {"ap50": 0.0, "avg_iou": None}),
        ("umedground2025", {"iou": 0.0, "acc10": 0.0, "acc30": 0.0, "acc50": 0.0}),
    ],
)
def test_a_failure_counts_as_an_answer_without_boxes_and_says_so(name, expected):
    protocol, target = get_protocol(name), Target((TRUE,), SIZE)
    failed = protocol.missing(target, {"box"}, Status.FAILED)
    empty = protocol.score(Grounding(), target, {"box"})
    assert {key: value.value for key, value in failed.items()} == expected
    assert {key: value.value for key, value in empty.items()} == expected
    assert {value.status for value in failed.values()} == {Status.FAILED}
    assert {value.status for value in empty.values()} == {Status.EMPTY_PREDICTION}
    # What a failed sample adds to pooled cells, such as the boxes that it did not find, is not lost.
    assert [getattr(value, "parts", None) for value in failed.values()] == [
        getattr(value, "parts", None) for value in empty.values()
    ]


@pytest.mark.parametrize("name", PROTOCOLS)
def test_a_map_is_not_scored_and_boxes_beside_one_are(name):
    protocol, target = get_protocol(name), Target((TRUE,), SIZE)
    heatmap = Heatmap(np.eye(4, dtype=np.float32), Box(0, 0, *SIZE), SIZE)
    assert protocol.metrics_for({"heatmap"}) == ()
    both = protocol.score(Grounding(heatmap, [TRUE]), target, {"heatmap", "box"})
    alone = protocol.score(Grounding(boxes=[TRUE]), target, {"heatmap", "box"})
    assert both == alone == protocol.score(Grounding(boxes=[TRUE]), target, {"box"})
    assert min(value.value for value in both.values()) > 0.99


@pytest.mark.parametrize("name", PROTOCOLS)
def test_boxes_of_any_numbers_stay_in_range(name):
    odd = [
        Box(60, 60, 20, 20),
        Box(0, 0, 1e300, 50),
        Box(-1e300, -1e300, 1e300, 1e300),
        Box(1e307, 0, -1e307, 5),
        Box(30, 30, 30, 30),
    ]
    for boxes in (odd, odd[::-1], *([box] for box in odd)):
        assert all(value is None or 0 <= value <= 1 for value in one(name, boxes).values())


@pytest.mark.parametrize("name", ["medgroundr1", "medrpg2023", "umedground2025"])
def test_phrases_with_several_boxes_are_skipped_where_one_is_compared(name):
    protocol = get_protocol(name)
    case = {"id": 1, "image_size": SIZE}
    assert protocol.target(sample_of(case, [TRUE, Box(0, 0, 5, 5)]), None) is None
    assert protocol.target(sample_of(case, []), None) is None
    with pytest.raises(ProtocolError, match=f"{name}' scores phrases with one box and this ground truth has 2; use"):
        one(name, [TRUE], (TRUE, TRUE))


@pytest.mark.parametrize("name", PROTOCOLS)
def test_a_mask_is_no_ground_truth(name):
    protocol, mask = get_protocol(name), Mask.of(np.ones(SIZE[::-1], dtype=bool))
    assert protocol.target(replace(sample_of({"id": 1, "image_size": SIZE}, []), mask=mask), None) is None
    with pytest.raises(ProtocolError, match="this ground truth is a mask; use v1"):
        protocol.score(Grounding(boxes=[TRUE]), Target((), SIZE, mask), {"box"})


def test_which_of_several_boxes_is_compared():
    wrong, negative = Box(100, 0, 120, 20, score=0.2), Box(-5, 0, 20, 20, score=0.9)
    sure = Box(*TRUE.as_tuple(), score=0.7)
    assert one("medrpg2023", [wrong, sure, Box(0, 0, 9, 9)])["iou"] == 1
    assert one("umedground2025", [TRUE, wrong])["iou"] == 1
    assert one("umedground2025", [wrong, TRUE])["iou"] == 0
    assert one("medgroundr1", [wrong, TRUE, negative])["iou"] == 1
    assert one("medgroundr1", [TRUE, wrong])["iou"] == 0


def test_a_prediction_is_cut_to_what_the_network_sees():
    beyond = Box(100, 80, 180, 140)
    true = Box(100, 80, 180, 100)
    # Cut to the image it is the true box; the padded square of a wide image goes on for 50 pixels below it.
    assert one("umedground2025", [beyond], (true,))["iou"] == pytest.approx(1, abs=1e-6)
    assert one("medrpg2023", [beyond], (true,))["iou"] == pytest.approx(20 / 60, abs=1e-6)
    assert one("medrpg2023", [Box(100, 80, 180, 170)], (true,))["iou"] == pytest.approx(20 / 70, abs=1e-6)


def test_accuracy_at_exactly_half():
    half, size = [Box(20, 20, 40, 60)], (512, 256)  # in such a frame float32 is exact
    names = ("medrpg2023", "umedground2025", "medgroundr1")
    assert [one(name, half, size=size)["acc50"] for name in names] == [1, 1, 0]
    assert one("radfact2024", half, size=(224, 224))["reference_entailed"] == 0
    assert one("radfact2024", [Box(20, 20, 41, 60)], size=(224, 224))["reference_entailed"] == 1
    assert one("radfact2024", [Box(20, 20, 60, 100)], size=(224, 224))["predicted_entailed"] == 0
    assert one("radfact2024", [Box(20, 20, 60, 99)], size=(224, 224))["predicted_entailed"] == 1


def test_scores_decide_what_chex_counts():
    found = one("chex2024", [Box(*TRUE.as_tuple(), score=0.35), Box(100, 20, 140, 60, score=0.15)])
    assert (found["iou"], found["biou"]) == (1, 1)
    # Half of the pixels are wrong above .1; nothing is left above .4.
    assert found["miou"] == pytest.approx((0.5 + 1 + 1 + 0 + 0) / 5, abs=0.01)
    assert found["map"] == 1
    assert one("chex2024", [TRUE]) == one("chex2024", [Box(*TRUE.as_tuple(), score=1)])


def test_a_perfect_answer_to_three_boxes_has_a_third_of_radvlms_iou():
    true = [Box(0, 0, 20, 20), Box(50, 0, 70, 20), Box(100, 0, 120, 20)]
    assert one("radvlm2025", true, true) == {"ap50": 1.0, "avg_iou": pytest.approx(1 / 3)}


def test_of_boxes_that_share_a_true_one_supervision_keeps_the_first():
    rough, near = Box(20, 20, 60, 44), Box(20, 20, 60, 58)
    found = get_protocol("agkd2025").score(Grounding(boxes=[rough, near]), Target((TRUE,), SIZE), {"box"})
    # Up to .6 both are close enough, and the rough one counts; from .65 on it is out of the way.
    scores, hits, true = found["map50_95"].parts
    assert (scores, true) == ([1.0, 1.0], [1])
    assert [int(hit) for hit in hits] == [0b0000000111, 0b1111111000]


def test_of_true_boxes_that_fit_alike_supervision_takes_the_last():
    true = (Box(0, 0, 20, 20), Box(4, 0, 24, 20))
    between, second = Box(2, 0, 22, 20), true[1]
    found = get_protocol("agkd2025").score(Grounding(boxes=[between, second]), Target(true, SIZE), {"box"})
    # The box between both (IoU .82) takes the second, whose own box then counts only where that one does not.
    assert [int(hit) for hit in found["map50_95"].parts[1]] == [0b0001111111, 0b1110000000]


def test_agkds_ranking_is_the_order_of_the_samples():
    hit, miss = answer_of_boxes([TRUE]), answer_of_boxes([Box(100, 0, 120, 20)])
    assert pooled_map50([hit, miss, hit, hit]) > pooled_map50([miss, hit, hit, hit]) + 0.05


def answer_of_boxes(boxes):
    return get_protocol("agkd2025").score(Grounding(boxes=boxes), Target((TRUE,), SIZE), {"box"})["map50"]


def pooled_map50(values):
    reduced = {0: Reduced.of(get_protocol("agkd2025").metrics[0].reducer, [value.parts for value in values])}
    blank = [[np.nan]] * len(values)
    names = [f"p{number}" for number in range(len(values))]
    return summarise(blank, ["a"] * len(values), names, pathologies=["a"], draws=2, reduced=reduced).micro[0].value
