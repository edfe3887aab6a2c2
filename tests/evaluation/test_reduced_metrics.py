"""A protocol whose cells are no means: through a run, on disk and back, and held against the rows."""

import json

import numpy as np
import pandas as pd
import pytest

from groundcxr import Box, Grounding, GroundingMethod, evaluate
from groundcxr.core import MetricValue, PartsValue, StoreError
from groundcxr.core.fingerprint import generator_from
from groundcxr.evaluation import load_result
from groundcxr.metrics import PROTOCOLS, Metric, Ranking, Sums
from groundcxr.metrics.v1 import V1

THRESHOLDS = (0.2, 0.4, 0.6)


class Boxes(GroundingMethod):
    """Some boxes with scores that depend on image and phrase alone."""

    emits = frozenset({"box"})

    def ground(self, image, phrases):
        found = []
        for phrase in phrases:
            random = generator_from(image.sha256, phrase)
            x, y = random.integers(0, 15, 2)
            score = float(random.random())
            found.append(Grounding(boxes=(Box(x, y, x + 20, y + 24, score=score), Box(x, y, x + 9, y + 9, score=0.1))))
        return found


class Pooled(V1):
    name = "pooled"
    metrics = (
        Metric("box_iou", "Box IoU", "box", 0, 1, headline=True),
        Metric("pixels", "Pixels", "box", 0, 1, reducer=Sums()),
        Metric("best", "Best", "box", 0, 1, reducer=Sums("best", THRESHOLDS)),
        Metric("ap", "mAP", "box", 0, 1, reducer=Ranking("all points")),
    )

    def score_boxes(self, boxes, region):
        value = super().score_boxes(boxes, region)["box_iou"]
        number = 0.0 if value.value is None else value.value
        left_out = value.value is None
        hits = [int(number > 0.1)] + [0] * (len(boxes) - 1)
        return {
            "box_iou": value,
            "pixels": PartsValue(number, value.status, None if left_out else ([number], [2.0])),
            "best": PartsValue(number, value.status, None if left_out else ([number, 1 - number, 0.1], [1.0] * 3)),
            "ap": PartsValue(
                number, value.status, None if left_out else ([box.score for box in boxes], hits, [len(boxes)])
            ),
        }

    def absent(self, region, status):
        return {metric.key: MetricValue(None, status) for metric in self.metrics}


@pytest.fixture
def protocol():
    PROTOCOLS.register("pooled")(Pooled)
    yield Pooled()
    del PROTOCOLS._loaded["pooled"]


@pytest.fixture
def ran(tiny, tmp_path, protocol):
    return evaluate(Boxes, tiny, protocol=protocol, out=tmp_path / "out")


def test_cells_are_made_of_what_rows_add(ran):
    rows, table = ran.samples, ran.table().set_index(["pathology", "metric"])
    counted = rows[rows["pixels"].notna() & rows["pixels_sums"].notna()]
    sums, weights = (counted[f"pixels_{name}"].map(lambda one: one[0]) for name in ("sums", "weights"))
    assert table.loc[("micro", "pixels"), "value"] == pytest.approx(sums.sum() / weights.sum())
    by_class = sums.groupby(counted["pathology"]).sum() / weights.groupby(counted["pathology"]).sum()
    assert table.loc[("macro", "pixels"), "value"] == pytest.approx(by_class.mean())
    curves = np.array(counted["best_sums"].tolist())
    assert table.loc[("micro", "best"), "value"] == pytest.approx(curves.mean(axis=0).max())
    assert table.loc[("micro", "ap"), "n"] == len(counted) == 9
    assert pd.isna(table.loc[("micro", "ap"), "std"])
    assert table.loc[("micro", "ap"), "low"] <= table.loc[("micro", "ap"), "value"]


def test_the_result_says_how_cells_are_made_and_reads_back(ran):
    told = {metric["key"]: metric.get("cells") for metric in json.loads(ran.path.read_text())["metrics"]}
    assert told["box_iou"] is None
    assert told["pixels"] == {"kind": "sums", "rule": "ratio", "thresholds": [], "usual": None}
    again = load_result(ran.path)
    assert again.info == ran.info
    assert again.info.metrics[2].reducer == Sums("best", THRESHOLDS)


def test_a_protocol_of_another_reducer_has_another_hash(protocol):
    class Other(Pooled):
        metrics = (*Pooled.metrics[:3], Metric("ap", "mAP", "box", 0, 1, reducer=Ranking("coco 101")))

    assert Other().hash != protocol.hash


@pytest.mark.parametrize("key", ["pixels", "best", "ap"])
def test_a_cell_that_its_rows_do_not_give_is_refused(ran, key):
    content = json.loads(ran.path.read_text())
    content["overall"]["micro"][key]["value"] *= 0.99
    ran.path.write_text(json.dumps(content))
    with pytest.raises(StoreError, match=f"{key} of micro is .*, the rows give"):
        load_result(ran.path)
