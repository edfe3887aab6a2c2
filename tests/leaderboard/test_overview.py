"""One table over all data sets: who is who, what counts, means, ranks, marks, and how it is written."""

import csv
import io
import json

import numpy as np
import pytest

from groundcxr.core import GroundCXRError
from groundcxr.leaderboard import across_datasets
from groundcxr.leaderboard.board import board
from groundcxr.leaderboard.export_overview import export_overviews
from groundcxr.leaderboard.formats import Format
from groundcxr.leaderboard.overview import overview, overviews
from groundcxr.leaderboard.overview_caption import overview_caption, shared_said
from groundcxr.leaderboard.table_style import TableStyle

SETS = ("vindr-cxr", "padchest-gr", "chexlocalize")


@pytest.fixture
def several(save_run, scan):
    """Saves `skills[method]` on each of `sets`; gives the runs."""

    def save(skills, sets=SETS, **options):
        for number, name in enumerate(sets):
            rng = np.random.default_rng(number)
            for method, skill in skills.items():
                values = np.clip(skill + rng.normal(0, 0.03, 20), 0, 1)
                save_run(method, {"box_iou": values}, dataset=name, **options)
        return scan().runs

    return save


def row_of(shown, label):
    return next(row for row in shown.rows if row.label == label)


def column_of(shown, dataset):
    return next(column for column in shown.columns if column.dataset == dataset)


def test_each_cell_is_that_of_the_data_sets_board_and_the_mean_is_theirs(several):
    runs = several({"a": 0.7, "b": 0.5, "c": 0.3})
    shown = overview(runs, "box_iou")
    assert [row.label for row in shown.rows] == ["a", "b", "c"]
    for row in shown.rows:
        values = []
        for column in shown.columns:
            mine = board([run for run in runs if run.setting == column.setting], "box_iou")
            expected = next(one for one in mine.rows if one.run.label == row.label).cells["macro"]
            assert row.entries[column].cell == expected
            values.append(expected.value)
        assert row.mean == pytest.approx(np.mean(values))
    assert [row.rank for row in shown.rows] == [1, 2, 3]


def test_a_method_that_lacks_a_set_has_no_mean_and_no_rank(several, save_run, scan):
    several({"a": 0.7, "b": 0.5, "c": 0.3, "d": 0.2})
    save_run("partial", {"box_iou": np.full(20, 0.99)}, dataset=SETS[0])
    shown = overview(scan().runs, "box_iou")
    partial = row_of(shown, "partial")
    assert partial.mean is None
    assert partial.rank is None
    assert row_of(shown, "a").rank == 1
    assert "so methods that lack one have none" in overview_caption(shown, intervals=True)


def test_phantoms_anatomy_and_parts_of_splits_stand_apart(several, save_run, scan):
    skills = {"a": 0.7, "b": 0.5, "c": 0.3}
    several(skills)
    several(skills, ["phantom"])
    several(skills, ["chest-imagenome"], data={"task": "anatomy"})
    several(skills, ["nih-boxes"], complete=False)
    shown = overview(scan().runs, "box_iou")
    assert {column.dataset for column in shown.counted} == set(SETS)
    assert column_of(shown, "phantom").apart == "drawn, not clinical"
    assert column_of(shown, "chest-imagenome").apart == "anatomy"
    part = column_of(shown, "nih-boxes")
    assert part.apart == "incomplete"
    assert not any(row.entries[part].cell.best or row.entries[part].cell.tied for row in shown.rows)
    mean = np.mean([row_of(shown, "a").entries[column].cell.value for column in shown.counted])
    assert row_of(shown, "a").mean == pytest.approx(mean)
    said = overview_caption(shown, intervals=True)
    assert "Apart, in no mean and no rank: " in said
    assert "Phantoms rank code paths" in said


def test_one_column_of_a_set_counts_and_the_others_say_why_not(several, scan):
    skills = {"a": 0.7, "b": 0.5}
    common = {"sets": ["chexlocalize"], "n": 20}
    several(skills, **common, data={"split": "all", "version": "1", "fingerprint": "1" * 64})
    several(skills, **common, data={"split": "val", "version": "1", "fingerprint": "2" * 64})
    several(skills, **common, data={"split": "all", "version": "0", "fingerprint": "3" * 64})
    phrases = {"phrases": "class"}
    several(skills, **common, data={"split": "all", "version": "1", "options": phrases, "fingerprint": "4" * 64})
    shown = overview(scan().runs, "box_iou")
    apart = {column.label: column.apart for column in shown.columns}
    counted = "chexlocalize 1 (all)"
    assert apart == {
        counted: "",
        "chexlocalize 1 (val)": f"another split than {counted}",
        "chexlocalize 0 (all)": f"another version than {counted}",
        "chexlocalize 1 (all), phrases=class": f"other options than {counted}",
    }
    assert shown.columns[0].label == counted


def test_sets_of_ones_own_count_each_unless_they_are_the_same_data(several, scan):
    """The second is another version of the first, on most of its images, the third another split of the second's."""
    for digit, version, split, start in (
        ("1", "a", "all", 0),
        ("2", "b", "all", 5),
        ("3", "b", "val", 80),
        ("4", "c", "all", 40),
    ):
        data = {"private_ids": True, "fingerprint": digit * 64, "version": version, "split": split}
        keys = {"image_key": [f"{start + number:016x}" for number in range(20)]}
        created = f"2026-11-2{digit}T10:00:00+00:00"
        several({"a": 0.7}, ["manifest"], data=data, columns=keys, created=created)
    shown = overview(scan().runs, "box_iou")
    # The newest of the whole counts.
    assert {column.label: column.apart for column in shown.columns} == {
        "manifest b (all)": "",
        "manifest c (all)": "",
        "manifest a (all)": "another version than manifest b (all)",
        "manifest b (val)": "another split than manifest b (all)",
    }
    assert shared_said(shown) == []


def test_a_fitted_control_is_one_method_and_a_changed_method_is_two(save_run, scan):
    for number, name in enumerate(SETS):
        values = {"box_iou": np.linspace(0, 1, 20)}
        # What a control was fitted on is a part of its fingerprint.
        save_run("prior", values, dataset=name, control=True, method={"fingerprint": f"{number}" * 64})
        save_run("mine", values, dataset=name, method={"fingerprint": f"{min(number, 1)}" * 63 + "a"})
    shown = overview(scan().runs, "box_iou")
    assert len(row_of(shown, "prior").entries) == len(SETS)
    assert row_of(shown, "prior").rank is None
    mine = [row for row in shown.rows if row.label.startswith("mine (")]
    assert sorted(len(row.entries) for row in mine) == [1, 2]
    assert len({row.label for row in mine}) == 2
    assert shown.rows[-1].label == "prior"


def test_another_name_of_the_same_method_is_said(save_run, scan):
    for name, label in zip(SETS, ("clip", "clip", "my-clip"), strict=True):
        save_run(label, {"box_iou": np.linspace(0, 1, 20)}, dataset=name, method={"fingerprint": "a" * 64})
    shown = overview(scan().runs, "box_iou")
    assert [row.label for row in shown.rows] == ["clip"]
    assert f"clip is called my-clip on {column_of(shown, SETS[2]).label}." in shown.notes


def test_a_second_result_of_a_method_on_a_set_has_a_row_of_its_own(save_run, scan, tmp_path):
    for name in SETS:
        save_run("a", {"box_iou": np.full(20, 0.5)}, dataset=name)
    old = {"created": "2026-01-01T00:00:00+00:00", "out": tmp_path / "old"}
    save_run("a", {"box_iou": np.full(20, 0.9)}, dataset=SETS[0], **old)
    shown = overview(scan(tmp_path / "results", tmp_path / "old").runs, "box_iou")
    assert [len(row.entries) for row in shown.rows] == [3, 1]
    assert shown.rows[0].mean == pytest.approx(0.5)
    assert any("is a second result of one method" in note for note in shown.notes)


def test_imported_predictions_of_one_name_are_one_method(save_run, scan):
    for number, name in enumerate(SETS):
        about = {"revision": f"other predictions sha256:{number}", "fingerprint": f"{number}" * 64}
        save_run("theirs", {"box_iou": np.linspace(0, 1, 20)}, dataset=name, method=about)
    assert len(overview(scan().runs, "box_iou").rows) == 1


def test_only_zero_shot_leaves_out_what_was_seen_and_what_nobody_stated(several, save_run, scan):
    several({"a": 0.3}, method={"trained_on": ["PMC-15M"]})
    several({"b": 0.8}, method={"trained_on": ["CheXpert"]})
    several({"c": 0.9}, method={"weights": "somebody/net"})
    several({"d": 0.2})
    runs = scan().runs
    chexpert = {"b"}
    everything = overview(runs, "box_iou")
    of = column_of(everything, "chexlocalize")
    assert {row.label for row in everything.rows if row.entries[of].seen} == chexpert
    assert row_of(everything, "c").entries[of].cell.best
    shown = overview(runs, "box_iou", only_zero_shot=True)
    assert {row.label for row in shown.rows} == {"a", "b", "d"}
    b = row_of(shown, "b")
    assert b.entries[column_of(shown, "chexlocalize")].cell is None
    assert b.mean is None
    assert b.entries[column_of(shown, "vindr-cxr")].cell.best
    assert row_of(shown, "a").entries[column_of(shown, "chexlocalize")].cell.best
    assert "Nothing is left of c." in shown.notes


def test_sets_of_the_same_images_are_said(several):
    shown = overview(several({"a": 0.5}, ["nih-boxes", "rsna-pneumonia", "vindr-cxr"]), "box_iou")
    said = overview_caption(shown, intervals=True)
    assert "nih-boxes 2.0 (test), rsna-pneumonia 2.0 (test) are of images of one collection, NIH ChestX-ray14" in said


def test_why_nothing_is_ranked_is_said(several):
    shown = overview(several({"a": 0.5, "b": 0.4}), "box_iou")
    assert shown.ranks is None
    assert "here are 2 methods with all" in overview_caption(shown, intervals=False)


@pytest.fixture
def written(several, save_run, scan):
    several({"a": 0.7, "b": 0.5, "c": 0.3})
    several({"d": 0.6}, SETS[:1], method={"trained_on": ["VinDr-CXR train"]})
    several({"a": 0.7}, ["phantom"])
    return overviews(scan().runs, ["box_iou"])


def test_markdown_and_latex_say_seen_and_mark_the_best(written):
    text = export_overviews(written, Format.MARKDOWN, TableStyle(intervals=False))
    head, _, *rows = (line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("|"))
    assert head[:4] == ["Method", *(f"{c.label} (n=20)" for c in written[0].counted)]
    assert head[4:] == ["mean", "mean rank", "phantom 2.0 (test), drawn, not clinical (n=20)"]
    a, d = (next(row for row in rows if row[0] == name) for name in "ad")
    assert a[1].startswith("**.")
    assert a[5] == "1.00"
    assert "A rank depends on who else is ranked." in text
    assert sorted(d[1:]) == sorted(["-"] * 5 + [next(cell for cell in d if cell.endswith(" seen"))])
    latex = export_overviews(written, Format.LATEX)
    assert r"{\scriptsize seen}" in latex
    assert r"\begin{tabular}{@{}lrrrrrr@{}}" in latex
    (heads,) = (line for line in latex.splitlines() if line.startswith("Method & "))
    assert r"\shortstack[r]{padchest-gr\\" in heads  # a name is written as it is
    assert " & Mean & Mean rank & " in heads
    body = latex.partition(r"\midrule")[2].partition(r"\bottomrule")[0].strip().splitlines()
    assert {line.count("&") for line in body} == {6}


def test_csv_and_json_hold_every_digit(written, tmp_path):
    rows = list(csv.DictReader(io.StringIO(export_overviews(written, Format.CSV))))
    table = written[0]
    assert len(rows) == 11
    for row in rows:
        column = column_of(table, row["dataset"])
        assert float(row["value"]) == row_of(table, row["method"]).entries[column].cell.value
    (record,) = json.loads(export_overviews(written, Format.JSON))
    assert record["ranks"]["n_datasets"] == 3
    assert record["caption"] == overview_caption(table, intervals=True)
    assert (
        record["rows"][0]["cells"][table.columns[0].label]["value"]
        == table.rows[0].entries[table.columns[0]].cell.value
    )
    frame = across_datasets([tmp_path / "results"], "box_iou", "v1")
    assert frame["value"].tolist() == [float(row["value"]) for row in rows]
    with pytest.raises(GroundCXRError, match="did you mean 'box_iou'"):
        across_datasets([tmp_path / "results"], "box_io", "v1")


def test_the_command_line_writes_it(written, groundcxr, tmp_path):
    ran = groundcxr("export", tmp_path / "results", "--layout", "datasets", "--metric", "box_iou")
    assert ran.code == 0, ran.err
    assert ran.out == export_overviews(written, Format.MARKDOWN)
    ran = groundcxr("export", tmp_path / "results", "--metric", "box_iou", "--only-zero-shot", "--format", "csv")
    assert "VinDr-CXR train" not in ran.out
    assert ran.code == 0


def test_nothing_zero_shot_is_told(several, groundcxr, tmp_path):
    several({"d": 0.6}, SETS[:1], method={"trained_on": ["VinDr-CXR train"]})
    ran = groundcxr("export", tmp_path / "results", "--only-zero-shot")
    assert ran.code == 2
    assert "is zero-shot" in ran.err
