"""Boxes one by one: pairs and average precision against brute force and pycocotools."""

from itertools import permutations

import numpy as np
import pytest
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from groundcxr.core import Box, Grounding, Target
from groundcxr.metrics import get_protocol
from groundcxr.metrics.box_matching import most_pairs

V2 = get_protocol("v2")
SIZE = (20, 10)
LEFT = Box(0, 0, 4, 5)


def score(boxes, true, size=SIZE):
    return V2.score(Grounding(boxes=boxes), Target(true, size), {"box"})


def painted(box, size):
    pixels = np.zeros(size[::-1], bool)
    pixels[slice(*box.rows(size[1])), slice(*box.columns(size[0]))] = True
    return pixels


def test_only_one_box_pairs_with_a_lesion_and_the_most_pairs_count():
    # The first predicted box overlaps both true ones enough, the second the first alone; greedy pairing may find one.
    true = [Box(0, 0, 10, 10), Box(0, 5, 10, 15)]
    mine = [Box(0, 2, 10, 12), Box(0, 0, 10, 8)]
    found = score(mine, true, (20, 20))
    assert found["f1_50"].value == 1
    twice = score([true[0], true[0]], true, (20, 20))
    assert (twice["f1_50"].value, twice["ap50"].value) == (0.5, 0.5)


def random_sample(rng):
    """Boxes that often overlap, so that pairs compete, and scores of which some are equal."""

    def some(number):
        corners, sides = rng.integers(0, 6, (number, 2)), rng.integers(8, 14, (number, 2))
        return np.concatenate([corners, corners + sides], axis=1)

    true = some(rng.integers(1, 5))
    near = true[rng.integers(len(true), size=rng.integers(0, 5))]
    mine = np.concatenate([near + rng.integers(-2, 3, near.shape), some(rng.integers(0, 3))])
    scores = rng.integers(1, 5, len(mine)) / 4
    size = (30, 30)
    boxes = [Box(*one, score).clipped(size) for one, score in zip(mine.tolist(), scores.tolist(), strict=True)]
    return boxes, [Box(*one) for one in true.tolist()], size


def brute_iou(first, second, size):
    one, other = painted(first, size), painted(second, size)
    return (one & other).sum() / (one | other).sum()


def brute_pairs(mine, true, size):
    """The most pairs, by trying every assignment."""
    few, many = (mine, true) if len(mine) <= len(true) else (true, mine)
    iou = np.array([[brute_iou(a, b, size) for b in many] for a in few]).reshape(len(few), len(many))
    every = permutations(range(len(many)), len(few))
    return max(sum(iou[i, j] >= 0.5 for i, j in enumerate(chosen)) for chosen in every)


def brute_ap(mine, true, size):
    """By score, the best free true box; the area under precision's envelope, recall by recall."""
    free, hits = list(range(len(true))), []
    for box in sorted(mine, key=lambda one: -one.score):
        iou, best = max(((brute_iou(box, true[k], size), -k) for k in free), default=(0, 0))
        hits.append(iou >= 0.5)
        if iou >= 0.5:
            free.remove(-best)
    precision = [sum(hits[: k + 1]) / (k + 1) for k in range(len(hits))]
    recalls = [sum(hits[: k + 1]) / len(true) for k in range(len(hits))]
    steps = [
        max((p for p, r in zip(precision, recalls, strict=True) if r >= (k + 1) / len(true) - 1e-9), default=0)
        for k in range(len(true))
    ]
    return sum(steps) / len(true)


def test_boxes_one_by_one_against_brute_force():
    rng = np.random.default_rng(7)
    for _ in range(80):
        mine, true, size = random_sample(rng)
        found = score(mine, true, size)
        assert found["f1_50"].value == pytest.approx(2 * brute_pairs(mine, true, size) / (len(mine) + len(true)))
        assert found["ap50"].value == pytest.approx(brute_ap(mine, true, size))


def partners(hits):
    return [dict.fromkeys(np.flatnonzero(row).tolist(), 0.7) for row in hits]


def test_the_most_pairs_of_any_overlaps_are_found():
    rng = np.random.default_rng(2)
    for _ in range(60):
        hits = rng.random(rng.integers(1, 5, 2)) < 0.5
        few = hits if len(hits) <= hits.shape[1] else hits.T
        every = permutations(range(few.shape[1]), len(few))
        assert most_pairs(partners(hits)) == max(few[range(len(few)), chosen].sum() for chosen in every)
    assert most_pairs([]) == 0


def coco_ap(mine, true, capsys):
    """AP at IoU .5 of one image with its 101 recall points."""
    truth = COCO()
    truth.dataset = {
        "images": [{"id": 1}],
        "categories": [{"id": 1}],
        "annotations": [
            {"id": k + 1, "image_id": 1, "category_id": 1, "iscrowd": 0, "area": box.area,
             "bbox": [box.x0, box.y0, box.width, box.height]}
            for k, box in enumerate(true)
        ],
    }  # fmt: skip
    truth.createIndex()
    found = [
        {"image_id": 1, "category_id": 1, "score": box.score, "bbox": [box.x0, box.y0, box.width, box.height]}
        for box in mine
    ]
    made = COCOeval(truth, truth.loadRes(found), "bbox")
    made.params.iouThrs = np.array([0.5])
    made.evaluate()
    made.accumulate()
    capsys.readouterr()
    return float(made.eval["precision"][0, :, 0, 0, -1].mean())


def test_ap50_is_pycocotools_where_recall_has_one_step(capsys):
    # With one true box both integrate one step; with more, COCO's 101 points fall on one or the other side of a step.
    rng = np.random.default_rng(3)
    seen = set()
    for _ in range(40):
        mine, true, size = random_sample(rng)
        if mine:
            found = score(mine, true[:1], size)["ap50"].value
            assert found == pytest.approx(coco_ap(mine, true[:1], capsys))
            several = score(mine, true, size)["ap50"].value
            assert several == pytest.approx(coco_ap(mine, true, capsys), abs=0.01)
            seen.add(found)
    assert len(seen) > 2


def test_order_of_equal_scores_is_that_of_the_answer():
    wrong = Box(16, 0, 20, 5)
    for boxes, ap in (([LEFT, wrong], 1), ([wrong, LEFT], 0.5)):
        assert score(boxes, [LEFT])["ap50"].value == ap


def test_a_score_on_the_threshold_counts_alike_in_both_views():
    # Exactly half of two boxes: IoU .5 is enough.
    found = score([Box(0, 0, 8, 5)], [LEFT])
    assert (found["box_iou"].value, found["acc50"].value, found["f1_50"].value, found["ap50"].value) == (0.5, 1, 1, 1)
    assert found["contained50"].value == 0
