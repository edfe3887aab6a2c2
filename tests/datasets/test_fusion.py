"""Weighted boxes fusion, against stored results of the package `ensemble-boxes`."""

import json
from pathlib import Path

import pytest

from groundcxr import Box
from groundcxr.datasets.fusion import fuse, iou

STORED = json.loads((Path(__file__).parents[1] / "data/weighted_boxes_fusion.json").read_text())


@pytest.mark.parametrize("case", STORED["cases"])
def test_boxes_are_those_of_ensemble_boxes(case):
    fused = fuse([[Box(*box) for box in boxes] for boxes in case["readers"]], case["iou"])
    # The package sorts by scores, which are equal: in which order equal ones come is the machine's doing.
    assert sorted(box.as_tuple() for box in fused) == [pytest.approx(box, abs=1e-6) for box in sorted(case["boxes"])]


def test_by_hand():
    one, two, apart = Box(0, 0, 100, 100), Box(20, 0, 120, 100), Box(200, 200, 220, 240)
    assert iou(one, two) == pytest.approx(80 / 120)
    assert set(fuse([[one, apart], [two]], 0.4)) == {Box(10, 0, 110, 100), apart}
    assert len(fuse([[one, apart], [two]], 0.7)) == 3
    assert fuse([[Box(5, 5, 5, 9)], []], 0.4) == []
