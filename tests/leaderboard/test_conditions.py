"""What conditions change, paired with the method's own result without them; and that altered runs stand apart."""

import csv
import io
import json
from dataclasses import replace

import numpy as np
import pytest

from groundcxr import evaluate, load_dataset
from groundcxr.core import GroundCXRError, Radiograph, UnknownNameError
from groundcxr.core.alterations import Alteration
from groundcxr.core.fingerprint import digest
from groundcxr.evaluation.schema import ConditionInfo
from groundcxr.leaderboard.board import boards
from groundcxr.leaderboard.conditions import condition_tables
from groundcxr.leaderboard.export import export
from groundcxr.leaderboard.export_conditions import export_changes
from groundcxr.leaderboard.film import Film
from groundcxr.leaderboard.formats import Format
from groundcxr.leaderboard.joining import join_run
from groundcxr.leaderboard.options import Options
from groundcxr.leaderboard.overview import overviews
from groundcxr.leaderboard.reproduction import command
from groundcxr.leaderboard.views.conditions import changes_table

N = 12
VALUES = np.linspace(0.2, 0.6, N)


@pytest.fixture
def save_altered(save_run):
    """Writes a result under a condition of the samples that `save_run` writes without one."""

    def save(label, values, name="noise", level=0.1, **options):
        info = ConditionInfo(name=name, level=level, version="1", plain=digest("made-up", N, True))
        data = {"fingerprint": digest("condition", info.model_dump())}
        return save_run(label, {"box_iou": values}, data=data, condition=info, **options)

    return save


def test_a_change_is_paired_with_the_methods_own_result(save_run, save_altered, scan):
    rng = np.random.default_rng(1)
    noise = rng.normal(0, 0.1, N)
    save_run("mine", {"box_iou": VALUES})
    save_run("other", {"box_iou": VALUES / 2})
    save_run("alone", {"box_iou": VALUES})
    save_altered("mine", VALUES - 0.05)
    save_altered("mine", np.clip(VALUES + noise, 0, 1), "crop", 0.2)
    save_altered("other", np.where(np.arange(N) == 3, np.nan, VALUES / 4))
    save_altered("nobody", VALUES)
    (table,) = condition_tables(scan().runs, ["box_iou"])
    assert [row.run.label for row in table.rows] == ["mine", "other"]
    assert table.conditions == ("crop:0.2", "noise:0.1")
    even, odd = slice(0, N, 2), slice(1, N, 2)
    changes = table.rows[0].changes
    # Every sample lost .05: with pairs there is nothing left to be uncertain of, however far the samples lie apart.
    shift = changes["noise:0.1"]
    assert (shift.difference, shift.low, shift.high) == pytest.approx((-0.05, -0.05, -0.05))
    assert shift.plain == pytest.approx(VALUES.mean())
    moved = changes["crop:0.2"]
    expected = np.clip(VALUES + noise, 0, 1) - VALUES
    assert moved.difference == pytest.approx((expected[even].mean() + expected[odd].mean()) / 2)
    assert moved.low < moved.difference < moved.high
    spread = expected.reshape(-1, 2).mean(axis=1).std() / np.sqrt(N / 2)
    assert moved.high - moved.low == pytest.approx(2 * 1.96 * spread, rel=0.25)
    lost = table.rows[1].changes["noise:0.1"]
    assert lost.n == N - 1
    both = np.arange(N) != 3
    assert lost.plain == pytest.approx(
        ((VALUES / 2)[even].mean() + (VALUES / 2)[both & (np.arange(N) % 2 == 1)].mean()) / 2
    )


def test_altered_runs_are_ranked_among_themselves_alone(save_run, save_altered, scan):
    save_run("mine", {"box_iou": VALUES})
    altered = save_altered("mine", VALUES)
    save_altered("other", VALUES + 0.1)
    library = scan()
    assert sorted(setting.title for setting in library.settings()) == [
        "made-up 2.0 (test), noise:0.1, protocol v1",
        "made-up 2.0 (test), protocol v1",
    ]
    assert len({run.id for run in library.runs}) == 3
    assert [len(board.rows) for board in boards(library.runs, ["box_iou"])] == [1, 2]
    (over,) = overviews(library.runs, ["box_iou"])
    assert [(column.label, column.apart) for column in over.columns] == [
        ("made-up 2.0 (test)", ""),
        ("made-up 2.0 (test), noise:0.1", "under a condition"),
    ]
    assert {row.label: len(row.entries) for row in over.rows} == {"mine": 2, "other": 1}
    assert "--condition noise:0.1" in command(altered.info)


@pytest.mark.parametrize("form", list(Format))
def test_every_format_says_what_changed(save_run, save_altered, scan, form):
    save_run("mine_1", {"box_iou": VALUES}, citation="@misc{mine, title = {Mine}}")
    save_altered("mine_1", VALUES - 0.05, citation="@misc{mine, title = {Mine}}")
    text = export_changes(condition_tables(scan().runs, ["box_iou"]), form)
    match form:
        case Format.MARKDOWN:
            assert r"| mine\_1 | .400 | -.050 [-.050, -.050] |" in text
            assert "Gaussian noise (noise:0.1)" in text
            assert "of many without an effect some leave out 0" in text
        case Format.LATEX:
            assert r"mine\_1 & .400 & $-$.050" in text
            assert r"[$-$.050, $-$.050]" in text
        case Format.CSV:
            (row,) = csv.DictReader(io.StringIO(text))
            assert (row["method"], row["condition"], row["n"]) == ("mine_1", "noise:0.1", str(N))
            assert float(row["difference"]) == pytest.approx(-0.05)
        case Format.JSON:
            (table,) = json.loads(text)
            assert table["rows"][0]["high"] == pytest.approx(-0.05)
        case Format.BIBTEX:
            assert "@misc{mine" in text


def test_a_difference_that_is_rounded_to_nothing_has_no_sign(save_run, save_altered, scan):
    save_run("mine", {"box_iou": VALUES})
    save_altered("mine", VALUES + 1e-5)
    save_altered("mine", VALUES + 1e-2, name="blur", level=0.01)
    tables = condition_tables(scan().runs, ["box_iou"])
    assert "| mine | .400 | +.010 [+.010, +.010] | .000 [.000, .000] |" in export_changes(tables, Format.MARKDOWN)
    assert "+.000" not in export_changes(tables, Format.LATEX) + changes_table(tables[0])


def test_derived_values_are_marked_and_told(save_run, save_altered, scan):
    save_run("mine", {"box_iou": VALUES})
    save_altered("mine", VALUES - 0.05)

    def found(derived, **options):
        runs = [replace(run, info=run.info.model_copy(update={"derived": derived})) for run in scan().runs]
        return condition_tables(runs, ["box_iou"], **options)

    tables = found(["box_iou"])
    told = export_changes(tables, Format.MARKDOWN)
    assert "| mine | .400° | -.050° [-.050, -.050] |" in told
    assert "°: derived" in told
    assert "$^{\\circ}$" in export_changes(tables, Format.LATEX)
    page = changes_table(tables[0])
    assert ".400°" in page
    assert "-.050°" in page
    assert "°" not in export_changes(found([]), Format.MARKDOWN) + changes_table(found([])[0])

    with pytest.raises(GroundCXRError, match="leave out --only-native"):
        found(["box_iou"], only_native=True)
    assert "Only native" in export_changes(found([], only_native=True), Format.MARKDOWN)
    # A result of a protocol that derives nothing exports as it always did.
    for derived, said in ((["box_iou"], "True"), ([], "False"), (None, None)):
        (row,) = csv.DictReader(io.StringIO(export_changes(found(derived), Format.CSV)))
        assert row.get("derived") == said


def test_other_exports_name_the_condition_where_there_is_one(save_run, save_altered, scan):
    save_run("mine", {"box_iou": VALUES})
    for form in (Format.CSV, Format.JSON):
        assert '"condition"' not in export(boards(scan().runs), form)
        assert ",condition," not in export(boards(scan().runs), form)
    save_altered("mine", VALUES - 0.05)
    tables = boards(scan().runs, ["box_iou"])
    rows = list(csv.DictReader(io.StringIO(export(tables, Format.CSV))))
    assert {row["condition"] for row in rows} == {"", "noise:0.1"}
    assert "altered: Gaussian noise (noise:0.1)" in export(tables, Format.MARKDOWN)


def test_on_the_command_line(groundcxr, save_run, save_altered, tmp_path):
    save_run("mine", {"box_iou": VALUES})
    ran = groundcxr("export", tmp_path / "results", "--layout", "conditions")
    assert ran.code == 2
    assert "evaluate --condition NAME makes the first" in ran.err
    save_altered("mine", VALUES - 0.05)
    ran = groundcxr("export", tmp_path / "results", "--layout", "conditions", "--metric", "box_iou")
    assert ran.code == 0
    assert "-.050 [-.050, -.050]" in ran.out


def test_a_metric_that_nobody_has_is_told(save_run, save_altered, scan):
    save_run("mine", {"box_iou": VALUES})
    save_altered("mine", VALUES)
    with pytest.raises(UnknownNameError, match="box_iuo"):
        condition_tables(scan().runs, ["box_iuo"])
    with pytest.raises(GroundCXRError, match="no method has a result under a condition"):
        condition_tables([run for run in scan().runs if run.setting.condition])


def test_samples_and_pictures_are_the_altered_ones(manifest, tmp_path):
    data = load_dataset("manifest", manifest)
    result = evaluate("center-prior", data, out=tmp_path / "out", condition="crop:0.1")
    options = Options(data={"manifest": manifest})
    joined = join_run(result.info, options)
    assert joined.reason == ""
    (first, *_) = joined.samples.values()
    assert first.image_size == (48, 32)
    film = Film.open(first.image_path, None, Alteration.condition("crop:0.1"))
    np.testing.assert_array_equal(film.pixels, Radiograph.open(first.image_path).as_uint8()[4:36, 6:54])
    other = result.info.model_copy(
        update={"condition": result.info.condition.model_copy(update={"version": "of another time"})}
    )
    assert "is not the data of this run" in join_run(other, options).reason


def test_what_methods_have_learnt_places_from_is_a_field_where_it_is_known(save_run, save_altered, scan):
    save_run("old", {"box_iou": VALUES})
    save_altered("old", VALUES / 2)
    assert "supervision" not in export_changes(condition_tables(scan().runs, ["box_iou"]), Format.CSV)
    save_run("tuned", {"box_iou": VALUES}, supervision="weak: anatomy")
    save_altered("tuned", VALUES / 2, supervision="weak: anatomy")
    tables = condition_tables(scan().runs, ["box_iou"])
    lines = csv.DictReader(io.StringIO(export_changes(tables, Format.CSV)))
    assert {line["method"]: line["supervision"] for line in lines} == {"old": "", "tuned": "weak: anatomy"}
    (content,) = json.loads(export_changes(tables, Format.JSON))
    assert {row["method"]: row["supervision"] for row in content["rows"]} == {"old": None, "tuned": "weak: anatomy"}
