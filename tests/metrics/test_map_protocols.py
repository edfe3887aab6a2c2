"""The published protocols of maps give the numbers that their authors' code gave for the same maps."""

import json
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from groundcxr.core import Box, Grounding, Heatmap, Mask, ProtocolError, Sample, Status, Target
from groundcxr.metrics import Reduced, get_protocol, summarise
from groundcxr.metrics.centre_square import square_target
from groundcxr.metrics.region import region_of

DATA = Path(__file__).parents[1] / "data" / "protocols"
NAMES = ("vilouras2026", "medklip2023", "radzero2025", "nuetzel2025", "dombrowski2023", "chexlocalize2022")
FILES = {name: json.loads((DATA / f"cases_{name}.json").read_text()) for name in NAMES}
ARRAYS = {name: np.load(DATA / f"cases_{name}.npz") for name in NAMES}
CASES = [(name, case) for name in NAMES for case in FILES[name]["cases"]]
BEHIND = {
    # What hits and IoU rest on.
    *("point_xy", "tied_maxima", "otsu_threshold_uint8", "otsu_area_before_contours", "otsu_area"),
    *(f"area_at_{threshold}" for threshold in (0.2, 0.3, 0.4, 0.5, 0.6, 0.7)),
    # Needs a class probability, which no grounding has.
    "iou_otsu_full_prob_cutoff_0.5",
}
THRESHOLDS = (0.2, 0.3, 0.4, 0.5, 0.6, 0.7)


def array(name, kind, number):
    return ARRAYS[name][f"{kind}_{number:02d}"]


def made(name, case):
    """A case's map and its ground truth."""
    size = tuple(case["image_size"])
    heatmap = Heatmap(array(name, "map", case["id"]), Box(*case["extent"]), size)
    if name != "chexlocalize2022":
        return heatmap, Target([Box.from_xywh(*box) for box in case["boxes_xywh"]], size)
    pixels = np.unpackbits(array(name, "mask", case["id"]))[: size[0] * size[1]].reshape(size[::-1])
    return heatmap, Target((), size, Mask.of(pixels))


@cache
def score_of(name, number):
    heatmap, target = made(name, next(case for case in FILES[name]["cases"] if case["id"] == number))
    return get_protocol(name).score(Grounding(heatmap), target)


def scored(name, case):
    return dict(score_of(name, case["id"]))


def numbers(name, case):
    """All that a case has a value for, by the name that it has there."""
    found = scored(name, case)
    values = {key: value.value for key, value in found.items()}
    if name == "chexlocalize2022":
        chooses, counted, tells, told = found["iou_tuned_full"].parts
        for place, threshold in enumerate(THRESHOLDS):
            values[f"iou_at_{threshold}_true_pos_only"] = chooses[place] if counted[place] else None
            values[f"iou_at_{threshold}_full"] = tells[place] if told[place] else None
    return values


def expected(case):
    return (case["expected"] or {}) | case.get("expected_siim_style", {})


@pytest.mark.parametrize(("name", "case"), CASES, ids=lambda one: one if isinstance(one, str) else f"{one['id']}")
def test_parity_with_the_authors_code(name, case):
    values = numbers(name, case)
    asked = {key: value for key, value in expected(case).items() if key not in BEHIND}
    if name == "vilouras2026" and case["id"] == 7:
        assert asked.pop("cnr_union_seen") is None  # undefined: nothing of the target was looked at
        assert values["cnr_union_seen"] == 0
    for key, value in asked.items():
        assert values[key] == (None if value is None else pytest.approx(float(value), abs=1e-5)), key


@pytest.mark.parametrize("case", FILES["nuetzel2025"]["cases"], ids=lambda case: f"{case['id']}")
def test_a_resized_target_grows_as_torchvisions(case):
    size = tuple(case["image_size"])
    drawn = Target([Box.from_xywh(*box) for box in case["boxes_xywh"]], size)
    there = np.unpackbits(array("nuetzel2025", "target", case["id"])).reshape(512, 512).astype(bool)
    assert np.array_equal(square_target(region_of(drawn)), there)
    mask = Target((), size, Mask.of(region_of(drawn).paint()))
    assert np.array_equal(square_target(region_of(mask)), there)


class TestSets:
    """Numbers of several cases together."""

    def cells(self, name, rows, classes):
        protocol = get_protocol(name)
        values = [[np.nan if row[m.key].value is None else row[m.key].value for m in protocol.metrics] for row in rows]
        reduced = {
            column: Reduced.of(metric.reducer, [row[metric.key].parts for row in rows])
            for column, metric in enumerate(protocol.metrics)
            if metric.reducer is not None
        }
        found = summarise(
            values,
            classes,
            [f"p{number}" for number in range(len(rows))],
            pathologies=sorted(set(classes)),
            reduced=reduced,
            weights=protocol.class_weights,
            draws=50,
        )
        groups = {"all": found.micro, "Weighted_Average": found.weighted, **found.pathologies}
        keys = [metric.key for metric in protocol.metrics]
        return {
            group: {key: cell.value for key, cell in zip(keys, cells, strict=True)}
            for group, cells in groups.items()
            if cells is not None
        }

    def test_medklip(self):
        (asked,) = FILES["medklip2023"]["sets"]
        rows = [scored("medklip2023", case) for case in FILES["medklip2023"]["cases"] if case["id"] in asked["ids"]]
        found = self.cells("medklip2023", rows, ["a"] * len(rows))["all"]
        assert {key: found[key] for key in asked["expected"]} == pytest.approx(asked["expected"], abs=1e-5)

    def test_radzeros_segmentation(self):
        (asked,) = FILES["radzero2025"]["sets"]
        rows = []
        for name, boxes in zip(asked["maps"], asked["boxes_xywh"], strict=True):
            heatmap = Heatmap.whole(ARRAYS["radzero2025"][name] * 4 - 2, (128, 128))
            target = Target([Box.from_xywh(*box) for box in boxes], (128, 128))
            rows.append(get_protocol("radzero2025").score(Grounding(heatmap), target))
        found = self.cells("radzero2025", rows, ["a"] * len(rows))["all"]
        assert {key: found[key] for key in asked["expected"]} == pytest.approx(asked["expected"], abs=1e-5)

    @pytest.mark.parametrize("name", ["nuetzel2025", "dombrowski2023"])
    def test_averages_of_mixtures(self, name):
        (asked,) = FILES[name]["sets"]
        cases = {case["id"]: case for case in FILES[name]["cases"]}
        rows = [scored(name, cases[number]) for number in asked["ids"]]
        # Their run draws one random number after another; its rows are given of what that changes.
        for key, values in asked["expected_rows_one_run"].items():
            for row, value in zip(rows, values, strict=True):
                row[key] = row[key]._replace(value=value)
        found = self.cells(name, rows, [cases[number]["class"] for number in asked["ids"]])
        for group, values in asked["expected"].items():
            same = {"miou", "bboxiou", "distance", "top1", "aucroc", "cnr"} - (
                {"distance"} if name == "dombrowski2023" else set()
            )
            assert {key: found[group][key] for key in same} == pytest.approx(
                {key: values[key] for key in same}, abs=1e-5
            )

    def test_chexlocalizes_means_and_what_is_printed_of_them(self):
        (asked,) = FILES["chexlocalize2022"]["sets"]
        cases = FILES["chexlocalize2022"]["cases"]
        rows, tasks = [scored("chexlocalize2022", case) for case in cases], [case["task"] for case in cases]
        found = self.cells("chexlocalize2022", rows, tasks)
        for key, setting in (("iou_otsu_true_pos_only", True), ("iou_otsu_full", False)):
            means = asked["expected"][f"plain_mean_true_pos_only_{setting}"]
            assert {task: found[task][key] for task in means} == pytest.approx(means, abs=1e-5)
            table = np.full((len(cases), len(means)), np.nan)
            for place, (row, task) in enumerate(zip(rows, tasks, strict=True)):
                table[place, sorted(means).index(task)] = np.nan if row[key].value is None else row[key].value
            printed = asked["expected"][f"iou_true_pos_only_{setting}"]
            assert replicate_means(table) == pytest.approx([printed[task][1] for task in sorted(means)], abs=5e-4)


def replicate_means(table):
    """The mean of 1,000 means over drawn images, as CheXlocalize prints it."""
    random, means = np.random.RandomState(0), []
    for _ in range(1000):
        chosen = table[random.choice(len(table), size=len(table), replace=True)]
        counts = (~np.isnan(chosen)).sum(axis=0)
        means.append(np.where(counts > 0, np.nansum(chosen, axis=0) / np.maximum(counts, 1), np.nan))
    return np.nanmean(means, axis=0).tolist()


SIZE = (60, 40)
INSIDE, OUTSIDE = Box(10, 10, 30, 30), Box(0, 0, 4, 4)
RISING = np.linspace(0, 1, 24).reshape(4, 6)


def score(name, values, boxes=(INSIDE,), extent=None):
    heatmap = Heatmap(np.asarray(values, dtype=np.float32), extent or Box.whole(SIZE), SIZE)
    return get_protocol(name).score(Grounding(heatmap), Target(boxes, SIZE))


class TestUndefined:
    """What a public code leaves undefined has a value and a status, and no answer beats a bad one."""

    @pytest.mark.parametrize("name", NAMES)
    def test_a_constant_map(self, name):
        found = score(name, np.full((4, 6), 0.3))
        assert Status.OK not in {value.status for value in found.values()}
        assert all(value.value is None or np.isfinite(value.value) for value in found.values())

    @pytest.mark.parametrize("name", NAMES)
    @pytest.mark.parametrize("status", [Status.FAILED, Status.EMPTY_PREDICTION])
    def test_a_missing_answer_is_no_better_than_a_wrong_one(self, name, status):
        protocol = get_protocol(name)
        wrong = score(name, 1 - RISING, [Box(40, 25, 60, 40)])
        target = Target([Box(40, 25, 60, 40)], SIZE)
        for key, value in protocol.missing(target, {"heatmap"}, status).items():
            assert value.status is status
            if value.value is not None and key not in ("cnr", "aucroc", *CNRS):
                assert value.value <= wrong[key].value + 1e-12, key
            if key == "distance":
                assert value.value is None

    def test_a_target_that_the_frame_lacks_is_skipped_for_every_method(self, tmp_path):
        for name in ("nuetzel2025", "dombrowski2023"):
            protocol = get_protocol(name)
            assert protocol.target(sample(tmp_path, [OUTSIDE]), None) is None
            assert protocol.target(sample(tmp_path, [OUTSIDE, INSIDE]), None) is not None
            assert set(score(name, RISING, [OUTSIDE]).values()) == {(None, Status.OUTSIDE_VIEW)}

    def test_several_boxes_have_no_distance(self):
        found = score("nuetzel2025", RISING, [INSIDE, Box(12, 12, 20, 20)])
        assert found["distance"] == (None, Status.NOT_APPLICABLE)
        assert found["miou"].status is Status.OK

    def test_a_map_of_two_scores_has_no_cnr_of_the_union(self):
        values = np.zeros((40, 60))
        values[10:30, 10:30] = 1
        found = score("vilouras2026", values)
        assert found["cnr_union_seen"] == found["cnr_union_margin_zero"] == (None, Status.NOT_APPLICABLE)
        assert found["miou"] == (1.0, Status.OK)

    def test_a_sample_without_any_ground_truth_is_skipped_but_a_negative_is_not(self, tmp_path):
        protocol = get_protocol("chexlocalize2022")
        assert protocol.target(sample(tmp_path, []), None) is None
        negative = protocol.target(sample(tmp_path, [], negative=True), None)
        assert negative is not None
        found = protocol.score(Grounding(Heatmap.whole(RISING, SIZE)), negative)
        assert found["iou_otsu_full"] == (0.0, Status.OK)
        assert found["iou_otsu_true_pos_only"] == (None, Status.EMPTY_TARGET)


CNRS = ("cnr_union_seen", "cnr_union_margin_zero", "cnr_box_by_box_2024")


def sample(folder, boxes, *, negative=False):
    return Sample("s", "i", "p", folder / "x.png", "phrase", "Edema", tuple(boxes), None, SIZE, negative=negative)


class TestOtherGridsAndExtents:
    """Maps that the public codes never met."""

    def test_the_mixture_sees_the_centre_square_alone(self):
        values = np.random.default_rng(0).random((64, 64)).astype(np.float32)
        square = Heatmap(values, Box(10, 0, 50, 40), SIZE)
        # The same cells, repeated over the whole image's pixels at four to a pixel, with something else beside them.
        fine = np.full((640, 960), 7, dtype=np.float32)
        fine[:, 160:800] = values.repeat(10, axis=0).repeat(10, axis=1)
        target = Target([INSIDE], SIZE)
        for name in ("nuetzel2025", "dombrowski2023"):
            protocol = get_protocol(name)
            whole = Heatmap.whole(fine, SIZE)
            assert protocol.score(Grounding(whole), target) == protocol.score(Grounding(square), target)

    def test_what_was_not_looked_at_is_unmarked(self):
        part = Box(0, 0, 20, 40)
        for name, key in (("medklip2023", "iou"), ("chexlocalize2022", "iou_otsu_full"), ("vilouras2026", "miou")):
            low, high = ([[5.0, 6.0], [7.0, 8.0]], [[-6.0, -5.0], [-4.0, -3.0]])
            assert score(name, low, [Box(30, 0, 50, 30)], part)[key] == (0.0, Status.OUTSIDE_VIEW)
            assert score(name, high, [Box(30, 0, 50, 30)], part)[key].value == 0

    def test_boxes_are_a_mask_for_vilouras2026(self):
        protocol = get_protocol("vilouras2026")
        found = protocol.score(Grounding(boxes=(Box(10, 10, 20, 30), Box(15, 10, 20, 30))), Target([INSIDE], SIZE))
        assert found == {"box_miou": (0.5, Status.OK)}


class TestRadZeroWithoutAnAnswer:
    """What a failed sample adds to rankings must not help."""

    protocol = get_protocol("radzero2025")

    def test_it_is_at_chance_among_pixels_and_last_among_images(self):
        for boxes, worst in (([INSIDE], -999.0), ([], 999.0)):
            found = self.protocol.missing(Target(boxes, SIZE), {"heatmap"}, Status.FAILED)
            assert found["auc"].parts == ([worst], [float(bool(boxes))], [1.0])
            scores, inside, outside = found["pixel_level_auroc"].parts
            assert (inside[0], outside[0]) == (inside[1], outside[1])
            assert sum(inside) + sum(outside) == SIZE[0] * SIZE[1]
            assert scores == [-999.0, 999.0]

    def test_a_negative_counts_as_marked(self):
        found = self.protocol.missing(Target((), SIZE), {"heatmap"}, Status.FAILED)
        assert set(found["specificity"].parts[2]) == {0.0}
        assert found["dice"] == (None, Status.EMPTY_TARGET)


@pytest.mark.parametrize(("x", "y", "hit"), [(30, 20, 1), (31, 20, 0), (10, 30, 1), (10, 31, 0), (9, 10, 0)])
def test_radzero_counts_the_right_and_lower_edge_as_inside(x, y, hit):
    values = np.zeros((40, 60))
    values[y, x] = 1
    found = score("radzero2025", values, [INSIDE, OUTSIDE])
    assert (found["hit_any_box"].value, found["hit_first_box"].value) == (hit, hit)
    assert found["hit_each_box"].parts == ([hit], [2])


@pytest.mark.parametrize("name", ["nuetzel2025", "radzero2025", "chexlocalize2022"])
@pytest.mark.parametrize("size", [1e-42, 1e14, 3e38])
def test_scores_of_any_size_give_numbers_or_one_sentence(name, size):
    values = (2 * RISING - 1) * size
    if size < 1e30:
        found = score(name, values)
        assert all(np.isfinite(value.value) for value in found.values() if value.value is not None)
        return
    with pytest.raises(ProtocolError, match=r"scores from -\S+e\+38 to \S+e\+38.*; answer with smaller scores"):
        score(name, values)
