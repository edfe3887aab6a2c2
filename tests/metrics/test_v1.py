"""Protocol v1 on cases small enough to be worked out by hand, and what its undefined cases count as."""

from math import sqrt
from pathlib import Path

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from groundcxr.core import Box, Grounding, Heatmap, Mask, ProtocolError, Sample, Status, Target
from groundcxr.metrics import get_protocol

V1 = get_protocol("v1")
HEAT = ["miou", "cnr", "abs_cnr", "auroc", "ap", "pointing", "energy", "iou_oracle"]


def sample(boxes=(), mask=None, size=(4, 4)):
    return Sample("id", "image", "patient", Path("image.png"), "phrase", "Edema", tuple(boxes), mask, size)


def values(found):
    return {key: value.value for key, value in found.items()}


def test_by_hand():
    # A 4x4 image in four cells of 2x2 pixels; the box covers the left column's cells but for the bottom row: 6 pixels.
    #   scores 4 1    pixels inside 4 0    outside 0 4    normalised 1   1/4
    #          2 0                  2 0            2 4               1/2 0
    heatmap = Heatmap.whole([[4, 1], [2, 0]], (4, 4))
    found = values(V1.score(Grounding(heatmap), Target([Box(0, 0, 2, 3)], (4, 4))))
    # > .1 and > .2 mark the cells 1, 1/2, 1/4: 6 of 12; > .3 and > .4 mark 1, 1/2: 6 of 8; > .5 marks 1: 4 of 6.
    assert found["miou"] == pytest.approx((6 / 12 + 6 / 12 + 6 / 8 + 6 / 8 + 4 / 6) / 5)
    # Inside: 1 x4, 1/2 x2: mean 5/6, variance 1/18. Outside: 1/2 x2, 1/4 x4, 0 x4: mean 1/5, variance 3/4/10 - 1/25.
    cnr = (5 / 6 - 1 / 5) / sqrt(1 / 18 + 0.075 - 0.04 + 1e-6)
    assert found["cnr"] == found["abs_cnr"] == pytest.approx(cnr)
    # 4 pixels beat all 10 outside; 2 pixels beat 8 and tie with 2.
    assert found["auroc"] == pytest.approx((4 * 10 + 2 * (8 + 1)) / 60)
    # Recall 4/6 at precision 1, then 2/6 more at precision 6/8.
    assert found["ap"] == pytest.approx(4 / 6 + 2 / 6 * 6 / 8)
    assert found["pointing"] == 1
    # 4 x 1 + 2 x 1/2 of 4 x (1 + 1/2 + 1/4).
    assert found["energy"] == pytest.approx(5 / 7)
    assert found["iou_oracle"] == pytest.approx(6 / 8)


def test_what_was_not_looked_at_has_the_lowest_score():
    # A row of four pixels; the map covers the middle two. With its minimum outside, the row's scores are 2 3 2 2.
    part = Heatmap([[3, 2]], Box(1, 0, 3, 1), (4, 1))
    whole = Heatmap.whole([[2, 3, 2, 2]], (4, 1))
    target = Target([Box(0, 0, 2, 1)], (4, 1))
    assert V1.score(Grounding(part), target) == V1.score(Grounding(whole), target)


def test_tied_maxima_share_the_point():
    # Three cells of one pixel tie for the maximum, one of them is inside.
    heatmap = Heatmap.whole([[5, 5, 5, 1]], (4, 1))
    assert V1.score(Grounding(heatmap), Target([Box(0, 0, 1, 1)], (4, 1)))["pointing"].value == pytest.approx(1 / 3)


def test_a_wrong_threshold_is_told_from_a_wrong_place():
    # The map marks exactly the box, but only just: 0.06 against 0.05, and 1 in one pixel of the box.
    heatmap = Heatmap.whole([[1, 0.06, 0.06, 0.06, 0, 0, 0, 0]], (8, 1))
    found = V1.score(Grounding(heatmap), Target([Box(0, 0, 4, 1)], (8, 1)))
    assert found["iou_oracle"].value == 1
    assert found["miou"].value == pytest.approx(1 / 4)


def test_boxes_by_hand():
    # Predicted 2x4 and 4x1 overlap in 2 pixels: 10. True: 4x2 = 8. Shared: 2x2 + 4x1 - 2 = 6, union 12.
    target = Target([Box(0, 0, 4, 2)], (4, 4))
    found = V1.score(Grounding(boxes=[Box(0, 0, 2, 4), Box(0, 0, 4, 1, score=0.1)]), target)
    assert found == {"box_iou": (0.5, Status.OK), "acc50": (1.0, Status.OK)}


def test_boxes_against_a_mask():
    # Half of the box is inside the mask's two pixels: 1 of 3.
    target = Target((), (3, 1), Mask.of([[1, 1, 0]]))
    assert V1.score(Grounding(boxes=[Box(1, 0, 3, 1)]), target)["box_iou"].value == pytest.approx(1 / 3)


class TestTarget:
    def test_boxes_come_before_the_mask_and_are_clipped(self):
        target = V1.target(sample([Box(-1, -1, 2, 9)], Mask.of(np.ones((4, 4)))), None)
        assert [box.as_tuple() for box in target.boxes] == [(0, 0, 2, 4)]
        assert target.mask is None

    def test_a_target_with_both_is_its_boxes(self):
        both = Target([Box(0, 0, 1, 1)], (2, 1), Mask.of([[0, 1]]))
        assert V1.score(Grounding(boxes=[Box(0, 0, 1, 1)]), both)["box_iou"].value == 1

    def test_the_mask_counts_where_there_is_no_box(self):
        target = V1.target(sample(mask=Mask.of(np.eye(4))), None)
        found = V1.score(Grounding(Heatmap.whole(np.eye(4), (4, 4))), target)
        assert found["miou"].value == found["auroc"].value == 1

    def test_no_sample_is_skipped(self):
        target = V1.target(sample(), None)
        assert V1.missing(target, {"heatmap"}, Status.FAILED)["miou"] == (None, Status.FAILED)

    def test_a_mask_of_the_wrong_size(self):
        target = V1.target(sample(mask=Mask.of(np.ones((2, 3)), "seg-17")), None)
        with pytest.raises(ProtocolError, match="'seg-17' is 3x2 and its image 4x4"):
            V1.score(Grounding(boxes=[Box(0, 0, 1, 1)]), target)


class TestUndefined:
    """What a sample counts as when a metric is not defined. The target is a quarter of the image."""

    target = Target([Box(0, 0, 2, 2)], (4, 4))
    chance = dict.fromkeys(("miou", "cnr", "abs_cnr", "iou_oracle"), 0.0) | {"auroc": 0.5}
    chance |= dict.fromkeys(("ap", "pointing", "energy"), 0.25)

    def test_a_constant_map(self):
        found = V1.score(Grounding(Heatmap([[0.4]], Box(1, 1, 3, 3), (4, 4))), self.target)
        assert values(found) == self.chance
        assert {value.status for value in found.values()} == {Status.CONSTANT_MAP}

    def test_cells_without_pixels_do_not_count(self):
        # Of eight columns over four pixels only every other one is shown; these are all equal.
        heatmap = Heatmap.whole([[3, 9, 3, 9, 3, 9, 3, 9]], (4, 4))
        assert V1.score(Grounding(heatmap), self.target)["miou"].status == Status.CONSTANT_MAP

    def test_a_failed_sample(self):
        found = V1.missing(self.target, {"heatmap", "box"}, Status.FAILED)
        assert values(found) == self.chance | {"box_iou": 0.0, "acc50": 0.0}
        assert {value.status for value in found.values()} == {Status.FAILED}

    def test_a_promised_kind_that_is_lacking(self):
        heatmap = Heatmap.whole(np.eye(4), (4, 4))
        found = V1.score(Grounding(heatmap), self.target, {"heatmap", "box"})
        assert found["miou"].status == Status.OK
        assert found["box_iou"] == found["acc50"] == (0.0, Status.EMPTY_PREDICTION)
        found = V1.score(Grounding(boxes=[Box(0, 0, 2, 2)]), self.target, {"heatmap", "box"})
        assert found["ap"] == (0.25, Status.EMPTY_PREDICTION)
        assert found["box_iou"] == (1.0, Status.OK)

    def test_an_answer_that_holds_nothing(self):
        found = V1.score(Grounding(), self.target)
        assert list(found) == [metric.key for metric in V1.metrics]
        assert {value.status for value in found.values()} == {Status.EMPTY_PREDICTION}

    def test_only_what_was_promised_is_scored(self):
        both = Grounding(Heatmap.whole(np.eye(4), (4, 4)), [Box(0, 0, 2, 2)])
        assert list(V1.score(both, self.target, ["box"])) == ["box_iou", "acc50"]
        assert list(V1.score(both, self.target, ["heatmap"])) == HEAT

    @pytest.mark.parametrize("box", [Box(1, 1, 1, 3), Box(9, 9, 12, 12), Box(1.6, 0, 2.4, 4)])
    def test_a_box_without_a_pixel_is_no_box(self, box):
        assert V1.score(Grounding(boxes=[box]), self.target)["box_iou"] == (0.0, Status.EMPTY_PREDICTION)
        found = V1.score(Grounding(Heatmap.whole(np.eye(4), (4, 4)), [box]), Target([box], (4, 4)))
        assert set(found.values()) == {(None, Status.EMPTY_TARGET)}

    def test_a_target_that_covers_everything_has_no_outside(self):
        full = Target([Box(0, 0, 4, 4)], (4, 4))
        heatmap = Heatmap.whole(np.eye(4), (4, 4))
        found = V1.score(Grounding(heatmap, [Box(0, 0, 4, 2)]), full)
        left_out = {key for key, value in found.items() if value.value is None}
        assert left_out == {key for key, value in found.items() if value.status == Status.FULL_TARGET}
        assert left_out == {"cnr", "abs_cnr", "auroc"}
        assert found["miou"].value == found["iou_oracle"].value == found["ap"].value / 4 == 0.25
        assert found["box_iou"] == (0.5, Status.OK)
        # A method that fails loses no sample that others keep, and keeps none that others lose.
        failed = V1.missing(full, {"heatmap", "box"}, Status.FAILED)
        assert {key for key, value in failed.items() if value.value is None} == left_out
        assert {value.status for value in failed.values()} == {Status.FAILED}

    def test_a_target_out_of_view_counts_as_computed(self):
        heatmap = Heatmap([[0, 1]], Box(2, 2, 4, 4), (4, 4))
        found = V1.score(Grounding(heatmap), self.target)
        assert {value.status for value in found.values()} == {Status.OUTSIDE_VIEW}
        # 10 of the 12 outside pixels tie with the target, 2 beat it.
        assert found["auroc"].value == pytest.approx(5 / 12)

    def test_a_map_of_another_image(self):
        with pytest.raises(ProtocolError, match=r"5x4 image and the ground truth of a 4x4 one"):
            V1.score(Grounding(Heatmap.whole(np.eye(4), (5, 4))), self.target)


def test_values_do_not_depend_on_the_threads_of_the_linear_algebra():
    answer = Grounding(Heatmap.whole(np.random.default_rng(0).random((300, 300)), (900, 900)))

    def scored(threads):
        with threadpool_limits(threads):
            return values(V1.score(answer, Target([Box(9, 9, 500, 400)], (900, 900))))

    assert scored(1) == scored(2)
