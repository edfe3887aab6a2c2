"""Published rows keep their numbers, sources and doubts, and groups stay apart."""

import pytest

from groundcxr.leaderboard.published import AVERAGE, published_groups


def test_every_row_is_in_one_group_with_source_and_evidence():
    groups = published_groups()
    rows = [row for group in groups for row in group.rows]
    assert len(rows) == 93
    assert len({(group.name, group.dataset) for group in groups}) == len(groups)
    for group in groups:
        frame = group.frame()
        assert {row.dataset for row in group.rows} == {group.dataset}
        assert frame[["source", "evidence"]].notna().all().all()
        assert len(frame[["method", "paper", "split", "column", "metric"]].drop_duplicates()) == len(frame)
    assert all(row.evidence[0] in "ABC" and row.bibtex.startswith("@") for row in rows)


def test_numbers_as_printed():
    group = next(group for group in published_groups("ms-cxr") if group.name == "mscxr-loc-1043-std-prompt")
    row = next(row for row in group.rows if row.method == "BioViL")
    # Table 1 of the paper: CNR 1.57 [1.43, 1.71] and mIoU 27.9 [25.3, 30.4] on 146 Pneumonia samples.
    cnr, miou = row.values["Pneumonia"]["CNR"], row.values["Pneumonia"]["mIoU (%)"]
    assert (cnr.value, cnr.low, cnr.high, cnr.n) == (1.57, 1.43, 1.71, 146)
    assert (miou.value, miou.low, miou.high) == (27.9, 25.3, 30.4)
    assert row.values[AVERAGE]["mIoU (%)"].value == 20.2
    assert group.columns[0] == AVERAGE
    assert len(group.columns) == 9
    microsoft = next(group for group in published_groups("MS-CXR") if group.name == "microsoft-original")
    spread = next(row for row in microsoft.rows if row.method == "BioViL-L").values[AVERAGE]["CNR"]
    assert (spread.value, spread.plus_minus) == (1.21, 0.05)


def test_doubts_are_kept():
    doubted = [row for group in published_groups() for row in group.rows if row.caveat]
    assert any("Do not show without this note" in row.caveat for row in doubted)
    assert len(doubted) == 22


@pytest.mark.parametrize("dataset", ["phantom", ""])
def test_other_data_sets_have_none(dataset):
    assert published_groups(dataset) == ()
