"""Samples of several methods in one list, by hand-made values."""

import numpy as np
import pytest

from groundcxr.leaderboard.browsing import Order, arrange, browse, select


@pytest.fixture
def runs(save_run, scan):
    """Values .0 to .5; another method's are the same but for one sample; a third lacks two samples."""
    values = np.linspace(0, 0.5, 6)
    save_run("first", {"box_iou": values})
    other = values.copy()
    other[3] = 1.0
    save_run("second", {"box_iou": other})
    save_run("third", {"box_iou": values}, keep=np.arange(6) > 1)
    return {run.label: run for run in scan().runs}


def test_every_sample_of_any_method_has_a_row(runs):
    rows = browse([runs["third"], runs["first"]], "box_iou")
    assert len(rows) == 6
    assert rows[runs["third"].id].isna().sum() == 2
    assert rows[runs["first"].id].notna().all()
    assert set(rows.columns) >= {"pathology", "box_area", "n_boxes", "side", "zone"}


def test_orders(runs):
    first, second, third = runs["first"], runs["second"], runs["third"]
    rows = browse([first, second, third], "box_iou")
    ids = rows.index.tolist()

    def places(order, one=first, **options):
        arranged = arrange(rows, order, first=one, second=second, **options)
        return [ids.index(sample_id) for sample_id in arranged.index]

    assert places(Order.DATA) == [0, 1, 2, 3, 4, 5]
    assert places(Order.BEST) == [5, 4, 3, 2, 1, 0]
    assert places(Order.WORST) == [0, 1, 2, 3, 4, 5]
    assert places(Order.WORST, higher_is_better=False) == [5, 4, 3, 2, 1, 0]
    assert places(Order.WORST, third)[-2:] == [0, 1]  # no value: last, whatever the order
    assert places(Order.BEST, third)[-2:] == [0, 1]
    assert places(Order.LARGEST) == [5, 4, 3, 2, 1, 0]
    assert places(Order.SMALLEST) == [0, 1, 2, 3, 4, 5]
    assert places(Order.DISAGREEMENT)[0] == 3
    assert sorted(places(Order.RANDOM, seed=1)) == [0, 1, 2, 3, 4, 5]
    assert places(Order.RANDOM, seed=1) == places(Order.RANDOM, seed=1) != places(Order.RANDOM, seed=2)


def test_filters(runs):
    rows = browse([runs["first"]], "box_iou")
    ids = rows.index.tolist()
    phrases = dict(zip(ids, ["Left apical", "right", "left BASE"], strict=False))
    assert select(rows, phrases=phrases, search="LEFT").index.tolist() == [ids[0], ids[2]]
    assert select(rows, phrases=phrases, search="base left").index.tolist() == [ids[2]]
    assert select(rows, phrases=phrases, search="left", pathology="Pneumonia").empty
    assert select(rows, pathology="Pneumonia").index.tolist() == ids[1::2]
    assert select(rows, pathology="Pneumonia", sample=ids[0]).index.tolist() == [ids[0]]
    assert select(rows, sample="nonsense").empty
    # Without the data there are no phrases to search.
    assert len(select(rows, search="left")) == 6


def test_a_metric_that_none_of_the_runs_has_leaves_rows_without_values(runs):
    rows = browse([runs["first"]], "miou")
    assert len(rows) == 6
    assert len(arrange(rows, Order.BEST, first=runs["first"], second=runs["second"])) == 6
