"""Protocol vilouras2024 gives the public code's numbers, and a status where that code has none."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from groundcxr.core import Box, Grounding, Heatmap, Mask, ProtocolError, Sample, Status, Target
from groundcxr.metrics import get_protocol

PROTOCOL = get_protocol("vilouras2024")
DATA = Path(__file__).parents[1] / "data"
CASES = json.loads((DATA / "metrics_cases.json").read_text())
MAPS = np.load(DATA / "metrics_cases.npz")
FLOAT32_MAX = float(np.finfo(np.float32).max)


def score(pixels, boxes):
    heatmap = Heatmap.from_pixels(pixels)
    return PROTOCOL.score(Grounding(heatmap), Target([Box.from_xywh(*box) for box in boxes], heatmap.image_size))


def values(found):
    return {key: value.value for key, value in found.items()}


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case['id']}-{case['kind']}")
def test_parity_with_the_public_code(case):
    found = values(score(MAPS[f"map_{case['id']:02d}"], case["boxes_xywh"]))
    assert found["miou"] == pytest.approx(case["miou"], abs=1e-5)
    assert found["auroc"] == pytest.approx(case["auc_binned5"], abs=1e-5)
    if case["cnr_comparable"]:
        assert found["cnr"] == pytest.approx(case["cnr"], abs=1e-5)
        assert found["abs_cnr"] == pytest.approx(case["cnr_abs"], abs=1e-5)


def moments(scores):
    """Mean and variance, without rounding where all scores are equal: a CNR of rounding noise is chance."""
    return (scores[0], 0.0) if np.ptp(scores) == 0 else (scores.mean(), scores.var())


def full_resolution(pixels, boxes):
    """The same numbers by going over all pixels, as the public code does."""
    pixels = pixels.astype(np.float64)
    inside = np.zeros(pixels.shape, dtype=bool)
    left, cnrs = pixels.copy(), []
    for x, y, w, h in boxes:
        place = (slice(y, y + h), slice(x, x + w))
        inside[place] = True
        ours = left[place][~np.isnan(left[place])]
        left[place] = np.nan
        others = left[~np.isnan(left)]
        if not (ours.size and others.size):
            cnrs.append(0.0)
            continue
        (mean_in, var_in), (mean_out, var_out) = moments(ours), moments(others)
        ratio = np.divide(mean_in - mean_out, np.sqrt(var_in + var_out))
        cnrs.append(np.nan_to_num(ratio, posinf=FLOAT32_MAX, neginf=-FLOAT32_MAX))
    marked = [pixels > np.float32(t) for t in (0.1, 0.2, 0.3, 0.4, 0.5)]
    # By thresholds from high to low, starting with no pixel marked.
    high = [pixels >= t for t in (1, 0.75, 0.5, 0.25, 0)]
    tp = [0, *((inside & m).sum() for m in high)]
    fp = [0, *((~inside & m).sum() for m in high)]
    area = sum((fp[i + 1] - fp[i]) * (tp[i + 1] + tp[i]) / 2 for i in range(5))
    return {
        "miou": np.mean([(inside & m).sum() / (inside | m).sum() for m in marked]),
        "cnr": np.mean(cnrs),
        "abs_cnr": np.mean(np.abs(cnrs)),
        "auroc": area / (tp[-1] * fp[-1]) if tp[-1] * fp[-1] else 0.5,
    }


@given(st.data())
@settings(max_examples=300, deadline=None)
def test_equals_full_resolution(data):
    width, height = data.draw(st.integers(3, 24)), data.draw(st.integers(3, 24))
    edges = [sorted(data.draw(st.sets(st.integers(0, n), min_size=2, max_size=2))) for n in (width, height)]
    part = Box(edges[0][0], edges[1][0], edges[0][1], edges[1][1])
    extent = data.draw(st.sampled_from([Box(0, 0, width, height), part]))
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    grid = data.draw(st.tuples(st.integers(1, 30), st.integers(1, 30)))
    heatmap = Heatmap(rng.uniform(-0.3, 1.1, grid), extent, (width, height))
    corner = st.tuples(st.integers(0, width - 1), st.integers(0, height - 1), st.integers(1, 20), st.integers(1, 20))
    boxes = data.draw(st.lists(corner, min_size=1, max_size=4))
    boxes += data.draw(st.sampled_from([[], boxes[:1]]))
    with np.errstate(divide="ignore", invalid="ignore"):
        expected = full_resolution(heatmap.to_pixels(), boxes)
    found = values(PROTOCOL.score(Grounding(heatmap), Target([Box.from_xywh(*b) for b in boxes], (width, height))))
    assert found == pytest.approx(expected, abs=1e-9, rel=1e-9)


class TestQuirks:
    """Known behaviour of the public code (a row of pixels each)."""

    ramp = np.array([[0.0, 0.2, 0.4, 0.6, 0.8, 1.0]], dtype=np.float32)

    def test_the_order_of_boxes_matters(self):
        one, other = [1, 0, 2, 1], [2, 0, 3, 1]
        assert score(self.ramp, [one, other])["cnr"] != score(self.ramp, [other, one])["cnr"]

    def test_a_duplicate_counts_as_zero(self):
        single, double = score(self.ramp, [[3, 0, 2, 1]]), score(self.ramp, [[3, 0, 2, 1]] * 2)
        assert double["cnr"].value == pytest.approx(single["cnr"].value / 2)
        assert double["miou"] == single["miou"]

    def test_no_variance_is_the_largest_float32(self):
        step = np.array([[0, 0, 1, 1]], dtype=np.float32)
        assert score(step, [[2, 0, 2, 1]])["cnr"].value == FLOAT32_MAX
        found = score(step, [[0, 0, 2, 1]])
        assert found["cnr"].value == -FLOAT32_MAX
        assert found["abs_cnr"] == (FLOAT32_MAX, Status.OK)

    def test_raw_scores_meet_fixed_thresholds(self):
        assert score(self.ramp * 0.3, [[3, 0, 3, 1]])["miou"].value < score(self.ramp, [[3, 0, 3, 1]])["miou"].value

    def test_a_threshold_is_a_float32(self):
        # 0.1 as float32 is above 0.1 as float64; the public code compares in float32, so that it is not marked.
        found = score(np.array([[0.1, 0.0]], dtype=np.float32), [[0, 0, 1, 1]])
        assert found["miou"].value == 0

    def test_a_perfect_ranking_within_one_bin_is_chance(self):
        assert score(np.array([[0.3, 0.4]], dtype=np.float32), [[1, 0, 1, 1]])["auroc"].value == 0.5

    def test_a_margin_is_a_miss_but_no_noise(self):
        # Target: pixels 1 to 3, of which pixel 1 was not looked at; the map marks 2 to 4 at every threshold.
        pixels = np.array([[np.nan, np.nan, 1, 0.9, 0.8, 0]], dtype=np.float32)
        found = values(score(pixels, [[1, 0, 3, 1]]))
        assert found["miou"] == pytest.approx(2 / 4)
        inside, outside = np.float32([1, 0.9]), np.float32([0.8, 0])
        expected = (inside.mean() - outside.mean()) / np.sqrt(inside.var() + outside.var())
        assert found["cnr"] == pytest.approx(expected, abs=1e-6)


class TestStatus:
    """The value is always the public number; the status says what is odd about it."""

    target = Target([Box(0, 0, 2, 2)], (4, 4))

    def check(self, heatmap, target, status, expected):
        found = PROTOCOL.score(Grounding(heatmap), target)
        assert {value.status for value in found.values()} == {status}
        assert values(found) == pytest.approx(expected)

    def test_constant_map(self):
        # Above .1, .2 and .3 (float32 .3 is below .35) everything is marked: 4 of 16. Above .4 and .5 nothing is.
        expected = {"miou": 3 / 5 * 4 / 16, "cnr": 0, "abs_cnr": 0, "auroc": 0.5}
        self.check(Heatmap.whole(np.full((2, 2), 0.35), (4, 4)), self.target, Status.CONSTANT_MAP, expected)

    def test_full_target(self):
        heatmap = Heatmap.whole([[1, 0]], (4, 4))
        expected = {"miou": 0.5, "cnr": 0, "abs_cnr": 0, "auroc": 0.5}
        self.check(heatmap, Target([Box(0, 0, 4, 4)], (4, 4)), Status.FULL_TARGET, expected)

    def test_outside_view(self):
        heatmap = Heatmap([[1, 0]], Box(2, 2, 4, 4), (4, 4))
        expected = {"miou": 0, "cnr": 0, "abs_cnr": 0, "auroc": 0.5}
        self.check(heatmap, self.target, Status.OUTSIDE_VIEW, expected)

    @pytest.mark.parametrize("status", [Status.FAILED, Status.EMPTY_PREDICTION])
    def test_no_answer_counts_as_a_map_of_zeros(self, status):
        missing = PROTOCOL.missing(self.target, {"heatmap", "box"}, status)
        zeros = PROTOCOL.score(Grounding(Heatmap.whole(np.zeros((2, 2)), (4, 4))), self.target)
        assert values(missing) == values(zeros)
        assert {value.status for value in missing.values()} == {status}
        assert PROTOCOL.score(Grounding(), self.target) == PROTOCOL.missing(
            self.target, {"heatmap"}, Status.EMPTY_PREDICTION
        )

    def test_empty_target(self):
        heatmap = Heatmap.whole([[1, 0]], (4, 4))
        for boxes in ([], [Box(1, 1, 1, 3)]):
            found = PROTOCOL.score(Grounding(heatmap), Target(boxes, (4, 4)))
            assert set(found.values()) == {(None, Status.EMPTY_TARGET)}

    def test_boxes_are_not_scored(self):
        assert PROTOCOL.metrics_for({"box"}) == ()
        assert PROTOCOL.score(Grounding(boxes=[Box(0, 0, 2, 2)]), self.target) == {}

    def test_masks_are_not_scored(self):
        target = Target((), (4, 4), Mask.of(np.eye(4)))
        with pytest.raises(ProtocolError, match="scores boxes"):
            PROTOCOL.score(Grounding(Heatmap.whole([[1, 0]], (4, 4))), target)


@given(hnp.arrays(np.float32, (3, 3), elements=st.floats(-1, 1, width=32)))
def test_only_contrastive_maps_are_clamped(array):
    grounding = Grounding(Heatmap.whole(array, (9, 9)), [Box(0, 0, 1, 1)])
    clamped = PROTOCOL.prepare(grounding, "contrastive")
    np.testing.assert_array_equal(clamped.heatmap.values, np.where(array > 0, array, 0))
    assert clamped.boxes == grounding.boxes
    assert PROTOCOL.prepare(grounding, "diffusion") is grounding
    assert PROTOCOL.prepare(Grounding(), "contrastive").heatmap is None


class TestTarget:
    """A landscape image of 4096x2048 whose method sees the central square.

    The public loader resizes it to 1024x512: a small pixel is read from the second and third of four large ones, in
    each direction, with equal weight. Edges at multiples of 4 stay sharp; at 2 more, a pixel is half of either side.
    """

    seen = Grounding(Heatmap([[1, 0]], Box(1024, 0, 3072, 2048), (4096, 2048)))
    sample = Sample("id", "image", None, Path("image.png"), "phrase", "Edema", (), None, (4096, 2048))

    def kept(self, *boxes, grounding=seen):
        target = PROTOCOL.target(replace(self.sample, boxes=boxes), grounding)
        return None if target is None else target.boxes

    def test_boxes_stay_as_annotated(self):
        boxes = (Box(900, 100, 1900, 404.5), Box(1600.2, 200, 2400, 800))
        assert self.kept(*boxes) == boxes

    def test_a_box_outside_the_crop_is_dropped(self):
        outside, inside = Box(100, 0, 1024, 400), Box(1600, 200, 2400, 800)
        assert self.kept(outside, inside) == (inside,)
        assert self.kept(inside, outside) == (inside,)

    def test_a_box_that_a_later_one_covers_is_dropped(self):
        small, large = Box(1700, 300, 1800, 400), Box(1600, 200, 2400, 800)
        assert self.kept(small, large) == (large,)
        assert self.kept(large, small) == (large, small)

    def test_a_blurred_edge_passes_for_the_covered_box(self):
        small, large = Box(1700, 300, 1800, 400), Box(1602, 200, 2400, 800)
        assert self.kept(small, large) == (small, large)

    def test_a_box_between_the_pixels_that_are_read_is_dropped(self):
        assert self.kept(Box(1603, 200, 1605, 800)) is None
        assert self.kept(Box(1603, 200, 1607, 800)) is not None

    def test_a_sample_without_a_box_left_is_skipped(self):
        assert self.kept(Box(0, 0, 1000, 400)) is None
        assert PROTOCOL.target(replace(self.sample, mask=Mask.of(np.ones((10, 20)))), self.seen) is None

    @pytest.mark.parametrize("grounding", [None, Grounding(), Grounding(boxes=[Box(0, 0, 1, 1)])])
    def test_without_a_heatmap_the_whole_image_is_seen(self, grounding):
        assert self.kept(Box(0, 0, 1000, 400), grounding=grounding) == (Box(0, 0, 1000, 400),)
