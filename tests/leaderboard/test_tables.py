"""The board and its relatives: numbers of the result, marks by the paired test, nothing ranked that must not be."""

import numpy as np
import pandas as pd
import pytest

from groundcxr.comparison.head_to_head import head_to_head
from groundcxr.core import GroundCXRError, UnknownNameError
from groundcxr.evaluation import load_result
from groundcxr.leaderboard.board import board, boards
from groundcxr.leaderboard.caption import caption
from groundcxr.leaderboard.failures import SLICINGS, slices, status_counts, worst_samples
from groundcxr.leaderboard.profiles import profile, speed_quality
from groundcxr.leaderboard.views.charts import name_places

NAN = float("nan")


def test_numbers_are_those_of_the_result(three):
    table = board([three.good, three.twin, three.poor], "box_iou")
    assert [row.run.label for row in table.rows][2] == "poor"
    assert table.columns == ("Edema", "Pneumonia", "macro", "micro")
    for row in table.rows:
        info = load_result(row.run.path).info
        stated = {**info.pathologies, "macro": info.overall.macro, "micro": info.overall.micro}
        for column, cell in row.cells.items():
            expected = stated[column]["box_iou"]
            assert (cell.value, cell.low, cell.high, cell.n) == (
                expected.value,
                expected.low,
                expected.high,
                expected.n,
            )
    assert table.n == {"Edema": 20, "Pneumonia": 20, "macro": 40, "micro": 40}


def test_best_and_what_cannot_be_told_from_it(three):
    table = board([three.good, three.twin, three.poor], "box_iou")
    cells = {row.run.label: row.cells["macro"] for row in table.rows}
    best, tied = [label for label, cell in cells.items() if cell.best], [k for k, c in cells.items() if c.tied]
    assert len(best) == 1
    assert {*best, *tied} == {"good", "twin"}
    assert cells["poor"].p == pytest.approx(0.0002)  # the smallest that 10,000 patterns and two comparisons give
    compared = head_to_head(three.good, three.twin, "box_iou").table.set_index("column")
    # The same test, here alone and there beside poor's smaller p-value, which takes the correction.
    assert cells[tied[0]].p == pytest.approx(compared.loc["macro", "p"], abs=0.02)


def test_controls_are_yardsticks(save_run, scan):
    save_run("oracle", {"box_iou": np.ones(40)}, kind="control")
    save_run("method", {"box_iou": np.linspace(0.3, 0.6, 40)})
    rows = {row.run.label: row.cells["macro"] for row in board(scan().runs, "box_iou").rows}
    assert rows["method"].best
    assert not rows["oracle"].best
    assert rows["oracle"].p < 0.001


def test_an_incomplete_run_is_never_ranked(save_run, scan):
    save_run("a", {"box_iou": np.full(12, 0.4)}, complete=False)
    save_run("b", {"box_iou": np.full(12, 0.6)}, complete=False)
    table = board(scan().runs, "box_iou")
    assert not table.ranked
    assert not any(cell.best or cell.tied for row in table.rows for cell in row.cells.values())
    assert [row.run.label for row in table.rows] == ["b", "a"]


def test_lower_is_better_where_the_metric_says_so(three, monkeypatch):
    runs = [three.good, three.poor]
    for run in runs:
        turned = [metric.model_copy(update={"higher_is_better": False}) for metric in run.info.metrics]
        monkeypatch.setitem(run.__dict__, "info", run.info.model_copy(update={"metrics": turned}))
    from groundcxr.leaderboard.board import _board

    _board.cache_clear()
    table = board(runs, "box_iou")
    assert [row.run.label for row in table.rows] == ["poor", "good"]
    assert table.rows[0].cells["micro"].best
    assert worst_samples(three.good, "box_iou")["value"].is_monotonic_decreasing
    assert head_to_head(*runs, "box_iou").table["losses"].tolist() == [20, 20, 40, 40]
    _board.cache_clear()


def test_only_shared_samples_are_compared(save_run, scan):
    values = np.linspace(0.2, 0.8, 40)
    save_run("whole", {"box_iou": values})
    # Fewer samples, better on those it has than the other on all, and worse on each.
    keep = values > 0.5
    save_run("part", {"box_iou": values - 0.05}, keep=keep)
    left_out = np.where(np.arange(40) == 39, NAN, values - 0.05)
    save_run("holes", {"box_iou": left_out})
    runs = {run.label: run for run in scan().runs}
    found = head_to_head(runs["part"], runs["whole"], "box_iou")
    total = found.table.set_index("column").loc["micro"]
    assert (total["n"], total["wins"], total["ties"], total["losses"]) == (keep.sum(), 0, 0, keep.sum())
    assert total["difference"] == pytest.approx(-0.05)
    assert len(found.samples) == keep.sum()
    table = board(list(runs.values()), "box_iou")
    assert table.n["micro"] == 40
    cells = {row.run.label: row.cells["micro"] for row in table.rows}
    assert (cells["part"].n, cells["holes"].n) == (20, 39)
    assert cells["part"].best
    # Surely different, but in favour of the one whose mean is lower.
    assert cells["whole"].p < 0.01
    assert cells["whole"].tied
    # Worse on all that they share, if by a little.
    assert not cells["holes"].best
    assert "no worse than the best on the samples that both have" in caption(table, intervals=False)
    assert "no worse" not in caption(board([runs["whole"], runs["holes"]], "box_iou"), intervals=False)


def test_what_does_not_belong_together_is_refused(save_run, scan):
    save_run("a")
    save_run("b", dataset="another")
    runs = scan().runs
    with pytest.raises(GroundCXRError, match="do not belong in one table"):
        board(runs, "box_iou")
    with pytest.raises(GroundCXRError, match="cannot be compared"):
        head_to_head(*runs, "box_iou")
    with pytest.raises(GroundCXRError, match="no result has the metric 'miou'"):
        board(runs, "miou")
    with pytest.raises(UnknownNameError, match="did you mean 'box_iou'"):
        boards(runs, ["boxiou"])
    assert [(table.setting.dataset, table.metric.key) for table in boards(runs)] == [
        ("another", "box_iou"),
        ("another", "acc50"),
        ("made-up", "box_iou"),
        ("made-up", "acc50"),
    ]


def test_head_to_head_by_hand(save_run, scan):
    # Edema has the even samples, Pneumonia the odd; a patient has one of each.
    first = np.array([0.5, 0.5, 0.6, 0.4, 0.7, 0.5])
    second = np.array([0.4, 0.5, 0.4, 0.5, 0.4, 0.3])
    save_run("first", {"box_iou": first})
    save_run("second", {"box_iou": second})
    runs = {run.label: run for run in scan().runs}
    table = head_to_head(runs["first"], runs["second"], "box_iou").table.set_index("column")
    # Edema: .1 .2 .3, all positive: 2 of 8 patterns. Pneumonia: 0 -.1 .2: sums 0 +-.1 +-.2, of which .1 is the smaller.
    assert table["p"].tolist() == pytest.approx([0.25, 1, 0.25, 0.25])
    assert table["p_corrected"].tolist() == pytest.approx([0.5, 1, 0.25, 0.25])
    assert table["difference"].tolist() == pytest.approx([0.2, 0.1 / 3, 0.7 / 6, 0.7 / 6])
    assert table[["wins", "ties", "losses"]].to_numpy().tolist() == [[3, 0, 0], [1, 1, 1], [4, 1, 1], [4, 1, 1]]
    assert (table["low"] <= table["difference"]).all()
    assert (table["difference"] <= table["high"]).all()


def test_profile_places_methods_between_worst_and_best(three):
    found = profile([three.good, three.twin, three.poor]).set_index(["metric", "method"])
    assert found.loc[("box_iou", "poor"), "share"] == 0
    assert sorted(found.loc["box_iou"]["share"]) == [0, 0.5, 1]
    assert found.loc["acc50"]["share"].tolist() == [0.5, 0.5, 0.5]  # all alike
    assert found.loc[("box_iou", "poor"), "value"] == three.poor.info.overall.macro["box_iou"].value
    assert profile([three.good], "Edema")["n"].tolist() == [20, 20]


def test_speed_is_per_sample_and_only_where_known(three, monkeypatch):
    found = speed_quality([three.good, three.poor], "box_iou")
    assert found["seconds"].tolist() == [0.25, 0.25]
    assert found["value"].tolist() == [run.info.overall.macro["box_iou"].value for run in (three.good, three.poor)]
    unknown = three.poor.info.model_copy(update={"run": three.poor.info.run.model_copy(update={"seconds": 0.0})})
    monkeypatch.setitem(three.poor.__dict__, "info", unknown)
    assert speed_quality([three.good, three.poor], "box_iou")["method"].tolist() == ["good"]


def test_worst_samples_come_worst_first(save_run, scan):
    values = np.array([0.9, 0.1, NAN, 0.4, 0.3, 0.4])
    save_run("a", {"box_iou": values})
    (run,) = scan().runs
    found = worst_samples(run, "box_iou")
    assert found["value"].tolist() == [0.1, 0.3, 0.4, 0.4, 0.9]
    assert found["sample_id"].is_unique
    assert worst_samples(run, "box_iou", pathology="Edema", count=2)["value"].tolist() == [0.3, 0.9]
    counts = status_counts(run)
    assert counts[counts["metric"] == "box_iou"][["status", "n"]].to_numpy().tolist() == [
        ["ok", 5],
        ["empty_target", 1],
    ]
    with pytest.raises(GroundCXRError, match="does not have"):
        worst_samples(run, "miou")


def test_slices_are_means_of_their_rows(save_run, scan):
    values = np.linspace(0, 1, 40)
    save_run("a", {"box_iou": values})
    save_run("maps", emits=("heatmap",), n=40)
    runs = scan().runs
    rows = next(run for run in runs if run.label == "a").samples()
    for by in SLICINGS:
        found = slices(runs, "box_iou", by)
        assert found["n"].sum() == 40
        assert set(found["method"]) == {"a"}
        assert (found["n"] * found["value"]).sum() == pytest.approx(values.sum())
    side = slices(runs, "box_iou", "side").set_index("slice")
    assert list(side.index) == ["left", "right", "not known"]
    assert side.loc["left", "value"] == pytest.approx(rows.loc[rows["side"] == "left", "box_iou"].mean())
    boxes = slices(runs, "box_iou", "n_boxes").set_index("slice")
    assert list(boxes.index) == ["1", "2", "3 and more"]
    assert boxes.loc["3 and more", "value"] == pytest.approx(rows.loc[rows["n_boxes"] >= 3, "box_iou"].mean())
    area = slices(runs, "box_iou", "box_area").set_index("slice")
    assert area.loc["under 1 %", "n"] == (rows["box_area"] < 0.01).sum()
    assert area.loc["30 % and more", "n"] == (rows["box_area"] >= 0.3).sum()


def test_a_class_chosen_narrows_slices_and_statuses(save_run, scan):
    values = np.linspace(0, 1, 40)
    values[[2, 4, 5]] = NAN
    save_run("a", {"box_iou": values})
    (run,) = scan().runs
    rows = run.samples()
    edema = rows.loc[rows["pathology"] == "Edema"]
    found = slices([run], "box_iou", "zone", pathology="Edema").set_index("slice")
    for zone in ("upper", "lower"):
        mine = edema.loc[edema["zone"] == zone, "box_iou"]
        assert found.loc[zone, "n"] == mine.notna().sum()
        assert found.loc[zone, "value"] == pytest.approx(mine.mean())
    counts = status_counts(run, pathology="Edema")
    assert counts[counts["metric"] == "box_iou"][["status", "n"]].to_numpy().tolist() == [
        ["ok", 18],
        ["empty_target", 2],
    ]
    everything = status_counts(run)
    assert everything.groupby("metric")["n"].sum().eq(40).all()


def test_a_share_on_an_edge_belongs_to_the_slice_above(save_run, scan):
    save_run("a", n=4, columns={"box_area": [0.0099, 0.01, 0.0299, 0.03]})
    assert slices(scan().runs, "box_iou", "box_area").set_index("slice")["n"].to_dict() == {
        "under 1 %": 1,
        "1 to 3 %": 2,
        "3 to 10 %": 1,
    }


def test_a_data_set_without_sides_has_no_slices_by_side(save_run, scan):
    save_run("a", columns={"side": [None] * 12})
    assert slices(scan().runs, "box_iou", "side").empty


def test_slices_of_methods_with_other_samples(save_run, scan):
    values = np.linspace(0, 1, 40)
    save_run("whole", {"box_iou": values})
    save_run("part", {"box_iou": values}, keep=values > 0.5)
    found = slices(scan().runs, "box_iou", "zone").set_index(["method", "slice"])
    zone = np.array([("upper", "lower")[i // 2 % 2] for i in range(40)])
    for method, there in (("whole", np.ones(40, bool)), ("part", values > 0.5)):
        for name in ("upper", "lower"):
            mine = values[there & (zone == name)]
            assert found.loc[(method, name), "n"] == len(mine)
            assert found.loc[(method, name), "value"] == pytest.approx(mine.mean())


def test_names_of_the_speed_chart_cover_neither_points_nor_names():
    names = ["center-prior", "clip-phantom", "noise-once", "noise-difference", "ldm-phantom"]
    points = pd.DataFrame(
        {"method": names, "seconds": [1e-5, 2.5e-3, 0.045, 0.06, 0.09], "value": [0.14, 0.40, 0.219, 0.228, 0.220]}
    )
    assert name_places(points) == ["right", "right", "left", "above", "right"]
    assert name_places(points[:1]) == ["right"]
    crowd = pd.concat([points[1:2]] * 9)
    assert sorted(name_places(crowd))[:5] == [""] * 5
