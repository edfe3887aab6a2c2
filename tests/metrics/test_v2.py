"""Protocol v2: both views by hand and at full resolution, negatives, and what is not applicable."""

from pathlib import Path

import numpy as np
import pytest
from scipy.ndimage import find_objects, gaussian_filter, label

from groundcxr.core import Box, Grounding, Heatmap, Mask, Sample, Status, Target
from groundcxr.core.map_boxes import boxes_of_map
from groundcxr.metrics import get_protocol
from groundcxr.metrics.map_view import TUNED

V1, V2 = get_protocol("v1"), get_protocol("v2")
SIZE = (20, 10)
MAP, BOXES, BOTH = {"heatmap"}, {"box"}, {"heatmap", "box"}
LEFT, RIGHT = Box(0, 0, 4, 5), Box(12, 2, 16, 7)


def score(answer, target, emits):
    return V2.score(answer, target, emits)


def values(found):
    return {key: value.value for key, value in found.items()}


def painted(boxes, size=SIZE):
    pixels = np.zeros(size[::-1], bool)
    for box in boxes:
        pixels[slice(*box.rows(size[1])), slice(*box.columns(size[0]))] = True
    return pixels


PERFECT = (
    *("miou", "auroc", "ap", "pointing", "energy", "dice", "iou_tuned", "iou_oracle", "box_iou", "acc50"),
    *("box_precision", "box_recall", "contained50", "f1_50", "ap50"),
)


@pytest.mark.parametrize("emits", [BOTH, MAP, BOXES])
def test_the_truth_is_perfect_in_both_views_and_its_cnr_is_not_applicable(emits):
    truth = Grounding(Heatmap.whole(painted([LEFT, RIGHT]), SIZE), [LEFT, RIGHT])
    found = score(truth, Target([LEFT, RIGHT], SIZE), emits)
    assert {key: found[key].value for key in PERFECT} == pytest.approx(dict.fromkeys(PERFECT, 1.0))
    assert found["cnr"] == found["abs_cnr"] == (None, Status.NOT_APPLICABLE)
    assert found["neg_silent"] == (None, Status.NOT_APPLICABLE)


def test_a_box_around_everything_by_hand():
    found = score(Grounding(boxes=[Box(0, 0, 20, 10)]), Target([LEFT, RIGHT], SIZE), BOXES)
    share = 40 / 200
    boxes = {
        "box_iou": share,
        "acc50": 0,
        "box_precision": share,
        "box_recall": 1,
        "contained50": 0,
        "f1_50": 0,
        "ap50": 0,
    }
    # It marks every pixel at every threshold: as a map too it is worth the target's share.
    maps = dict.fromkeys(("miou", "ap", "pointing", "energy", "iou_tuned", "iou_oracle"), share)
    maps |= {"auroc": 0.5, "dice": 2 * 40 / (40 + 200)}
    by_hand = boxes | maps
    assert {key: found[key].value for key in by_hand} == pytest.approx(by_hand)
    assert {found[key].status for key in by_hand} == {Status.OK}
    assert found["cnr"] == (None, Status.NOT_APPLICABLE)


def test_boxes_as_a_map_by_hand():
    # 20 pixels of the target score .8, 20 others .4, all 160 others 0; two boxes overlap in no pixel.
    answer = Grounding(boxes=[Box(12, 2, 16, 7, 0.4), Box(0, 0, 4, 5, 0.8)])
    found = score(answer, Target([LEFT], SIZE), BOXES)
    # u is 1 and .5: the thresholds .1 to .4 mark both, .5 marks the first alone.
    assert found["miou"].value == pytest.approx((4 * 20 / 40 + 1) / 5)
    assert (found["dice"].value, found["iou_tuned"].value, found["iou_oracle"].value) == (1, 1, 1)
    assert found["iou_tuned"].parts == ([0.5] * 9 + [1.0] * 10, [1.0] * 19)
    assert (found["auroc"].value, found["ap"].value, found["pointing"].value) == (1, 1, 1)
    assert found["energy"].value == pytest.approx(20 / 30)
    noise = np.var([0.5] * 20 + [0] * 160)
    assert found["cnr"].value == pytest.approx((1 - 10 / 180) / np.sqrt(noise + 1e-6))
    # Where boxes overlap, the higher score counts, whatever their order.
    over = [Box(0, 0, 8, 5, 0.4), Box(0, 0, 4, 5, 0.8)]
    for boxes in (over, over[::-1]):
        assert score(Grounding(boxes=boxes), Target([LEFT], SIZE), BOXES)["pointing"].value == 1


def test_a_map_of_boxes_is_the_same_as_the_pixels_painted():
    rng = np.random.default_rng(1)
    for _ in range(20):
        corners = rng.uniform(-2, 12, (4, 2))
        shapes = zip(corners.tolist(), rng.uniform(1, 9, (4, 2)).tolist(), rng.random(4).tolist(), strict=True)
        boxes = [Box(x, y, x + w, y + h, s) for (x, y), (w, h), s in shapes]
        pixels = np.zeros(SIZE[::-1], np.float32)
        for box in sorted(boxes, key=lambda one: one.score):
            pixels[painted([box])] = box.score
        for target in (Target([LEFT, RIGHT], SIZE), Target((), SIZE, Mask.of(rng.random(SIZE[::-1]) < 0.3))):
            wanted = V1.score(Grounding(Heatmap.from_pixels(pixels)), target)
            found = score(Grounding(boxes=boxes), target, BOXES)
            assert {key: found[key].value for key in wanted} == pytest.approx(values(wanted), rel=1e-5, abs=1e-6)


def test_negative_scores_do_not_make_boxes_count_less_than_none():
    logits = [Box(*LEFT.as_tuple(), -0.5), Box(*RIGHT.as_tuple(), -3)]
    found = score(Grounding(boxes=logits), Target([LEFT], SIZE), BOXES)
    assert (found["auroc"].value, found["pointing"].value) == (1, 1)


def test_without_scores_miou_of_boxes_is_box_iou():
    rng = np.random.default_rng(0)
    for _ in range(50):
        boxes = [Box(x, y, x + w, y + h) for x, y, w, h in rng.integers(1, 9, (3, 4))]
        found = score(Grounding(boxes=boxes), Target([LEFT, RIGHT], SIZE), BOXES)
        assert found["miou"].value == pytest.approx(found["box_iou"].value, abs=1e-12)
        iou = found["box_iou"].value
        assert found["dice"].value == pytest.approx(2 * iou / (1 + iou))


def test_boxes_read_off_a_map_are_those_at_full_resolution():
    rng = np.random.default_rng(5)
    for shape, extent in (((6, 9), Box(0, 0, 97, 61)), ((40, 50), Box(7, 3, 90, 60)), ((80, 130), Box(0, 0, 97, 61))):
        smooth = gaussian_filter(rng.normal(size=shape), 2)
        for grid in (rng.normal(size=shape), rng.integers(0, 5, shape), smooth):
            heatmap = Heatmap(grid, extent, (97, 61))
            pixels = heatmap.to_pixels().astype(np.float64)
            unit = (pixels - np.nanmin(pixels)) / (np.nanmax(pixels) - np.nanmin(pixels))
            labels, _ = label(unit > 0.5, np.ones((3, 3)))
            masses = [unit[labels == one].sum() for one in range(1, labels.max() + 1)]
            wanted = {
                (columns.start, rows.start, columns.stop, rows.stop, unit[labels == one].max())
                for one, (rows, columns) in enumerate(find_objects(labels), start=1)
                if masses[one - 1] >= max(masses) / 2
            }
            assert {(*box.as_tuple(), box.score) for box in boxes_of_map(heatmap)} == wanted


def test_derived_boxes_are_scored_as_given_ones_are():
    heatmap = Heatmap.whole([[0, 4, 4, 0, 3], [0, 0, 1, 0, 3]], SIZE)
    boxes = boxes_of_map(heatmap)
    assert [(box.as_tuple(), box.score) for box in boxes] == [((4, 0, 12, 5), 1), ((16, 0, 20, 10), 0.75)]
    target = Target([Box(4, 0, 12, 5), LEFT], SIZE)
    derived, given = score(Grounding(heatmap), target, MAP), score(Grounding(heatmap, boxes), target, BOTH)
    assert derived == given
    assert (derived["f1_50"].value, derived["ap50"].value) == (0.5, 0.5)
    assert (derived["box_precision"].value, derived["box_recall"].value) == pytest.approx((40 / 80, 40 / 60))
    assert (derived["contained50"].value, derived["acc50"].value) == (0, 0)


@pytest.mark.parametrize("emits", [BOTH, MAP, BOXES])
@pytest.mark.parametrize("status", [Status.FAILED, Status.EMPTY_PREDICTION])
def test_nothing_counts_as_what_says_nothing(emits, status):
    target = Target([LEFT], SIZE)
    found = V2.missing(target, emits, status) if status is Status.FAILED else score(Grounding(), target, emits)
    assert list(found) == [metric.key for metric in V2.metrics]
    for key, value in V1.missing(target, BOTH, status).items():
        if emits != BOXES or "cnr" not in key:
            assert found[key] == value
    assert {found[key] for key in ("dice", "box_precision", "contained50", "f1_50", "ap50", "iou_tuned")} == {
        (0, status)
    }
    assert found["iou_tuned"].parts == ([0] * len(TUNED), [1] * len(TUNED))
    # A method of boxes has no CNR: its failures alone would be the whole average.
    assert found["cnr"] == (None if emits == BOXES else 0, status)


def test_a_constant_map_marks_nothing_in_both_views():
    found = score(Grounding(Heatmap.whole(np.ones((3, 3)), SIZE)), Target([LEFT], SIZE), MAP)
    assert {value.status for key, value in found.items() if not key.startswith("neg")} == {Status.CONSTANT_MAP}
    assert (found["f1_50"].value, found["cnr"].value, found["auroc"].value) == (0, 0, 0.5)


def test_a_promised_view_is_not_derived_from_the_other():
    found = score(Grounding(boxes=[LEFT]), Target([LEFT], SIZE), BOTH)
    assert (found["miou"], found["box_iou"]) == ((0, Status.EMPTY_PREDICTION), (1, Status.OK))


@pytest.mark.parametrize("emits", [BOTH, MAP, BOXES])
@pytest.mark.parametrize("values", [np.eye(4), np.ones((2, 2))])
def test_what_an_empty_or_full_target_leaves_out_depends_on_the_target(emits, values):
    answer = Grounding(Heatmap.whole(values, SIZE), [LEFT])
    empty = score(answer, Target((), SIZE), emits)
    assert set(empty.values()) == {(None, Status.EMPTY_TARGET)}
    full = score(answer, Target([Box(0, 0, 20, 10)], SIZE), emits)
    assert {full[key] for key in ("cnr", "abs_cnr", "auroc")} == {(None, Status.FULL_TARGET)}


def test_of_a_mask_no_box_is_paired():
    found = score(Grounding(boxes=[LEFT]), Target((), SIZE, Mask.of(painted([LEFT]))), BOXES)
    assert found["f1_50"] == found["ap50"] == (None, Status.NOT_APPLICABLE)
    assert (found["box_iou"].value, found["miou"].value) == (1, 1)


def test_boxes_that_cover_no_pixel_are_as_good_as_none():
    thin = Box(5.6, 0, 6.4, 5, 0.9)
    target = Target([LEFT, Box(2, 2, 2, 9)], SIZE)
    assert score(Grounding(boxes=[thin]), target, BOXES) == score(Grounding(), target, BOXES)
    assert score(Grounding(boxes=[thin, LEFT]), target, BOXES)["f1_50"].value == 1


def negative(answer, emits):
    sample = Sample("id", "image", None, Path("x.png"), "no effusion", "Effusion", (), None, SIZE, negative=True)
    found = V2.score(answer, V2.target(sample, answer), emits)
    assert {found[key] for key in found if not key.startswith("neg")} == {(None, Status.NEGATIVE)}
    return found["neg_silent"].value, found["neg_auroc"].parts[0][0]


def test_silence_on_negatives():
    lowest = -np.finfo(float).max
    low, high = Heatmap.whole([[0.1, 0.5]], SIZE), Heatmap.whole([[0.1, 0.51]], SIZE)
    assert negative(Grounding(), BOXES) == (1, lowest)
    assert negative(Grounding(boxes=[Box(5.6, 0, 6.4, 5)]), BOXES) == (1, lowest)
    assert negative(Grounding(boxes=[Box(0, 0, 3, 3, 0.2), Box(0, 0, 3, 3, 0.3)]), BOXES) == (0, 0.3)
    assert negative(Grounding(boxes=[LEFT]), BOXES) == (0, 1)
    assert negative(Grounding(low), {"heatmap", "absolute"}) == (1, 0.5)
    assert negative(Grounding(high), {"heatmap", "absolute"}) == (0, pytest.approx(0.51))
    # On another scale nobody knows what .5 is.
    assert negative(Grounding(low), MAP) == (None, 0.5)
    assert negative(Grounding(high, [LEFT]), BOTH) == (0, pytest.approx(0.51))


def test_failing_helps_on_neither_side_of_the_auroc():
    largest = np.finfo(float).max
    lost = V2.missing(Target((), SIZE, negative=True), BOXES, Status.FAILED)
    assert (lost["neg_silent"], lost["neg_auroc"].parts) == ((0, Status.FAILED), ([largest], [0], [0]))
    assert lost["miou"] == (None, Status.NEGATIVE)
    assert V2.missing(Target([LEFT], SIZE), BOXES, Status.FAILED)["neg_auroc"].parts == ([-largest], [1], [1])
    assert score(Grounding(boxes=[Box(0, 0, 3, 3, 0.2)]), Target([LEFT], SIZE), BOXES)["neg_auroc"].parts == (
        [0.2],
        [1],
        [1],
    )


def test_which_metrics_are_derived():
    maps, boxes = ([metric.key for metric in V2.metrics if metric.needs == kind] for kind in ("heatmap", "box"))
    assert (V2.derived_for(MAP), V2.derived_for(BOXES), V2.derived_for(BOTH)) == (boxes, maps, [])
    assert V1.derived_for(MAP) is None
    assert not V2.metrics_for(set())
