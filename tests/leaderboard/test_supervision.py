"""What tables say of methods that have learnt places, and of phrases that give places away."""

import csv
import io
import json

import pytest

from groundcxr.leaderboard.audit import audit
from groundcxr.leaderboard.audit_export import export_audit
from groundcxr.leaderboard.board import boards
from groundcxr.leaderboard.board_html import board_table
from groundcxr.leaderboard.caption import caption
from groundcxr.leaderboard.export import export
from groundcxr.leaderboard.export_metrics import export_metrics
from groundcxr.leaderboard.export_overview import export_overviews
from groundcxr.leaderboard.formats import Format, PageFormat
from groundcxr.leaderboard.overview import overviews
from groundcxr.leaderboard.overview_caption import overview_caption
from groundcxr.leaderboard.supervision import label_of, tag_of

BOXED = "Learnt from boxes or masks: Fitted."
PLACES = "The phrases name the places of the true boxes: only what exceeds location-prior was seen in the image."
ALONE = "location-prior is not among these results."


@pytest.fixture
def runs(save_run, scan):
    save_run("Tuned", supervision="weak: anatomy")
    save_run("Prior", supervision="weak: anatomy")
    save_run("Fitted", supervision="boxes")
    save_run("Frozen", supervision="none")
    save_run("Old")
    return sorted(scan().runs, key=lambda run: ["Tuned", "Prior", "Fitted", "Frozen", "Old"].index(run.label))


def test_captions_name_them(runs):
    (board, *_) = boards(runs)
    said = caption(board, intervals=True)
    assert "Weakly supervised, by mean boxes of anatomy: " in said
    assert all(name in said for name in ("Tuned", "Prior", BOXED))
    assert "Frozen" not in said
    assert "Old" not in said
    for form in (Format.LATEX, Format.MARKDOWN):
        assert "Weakly supervised, by mean boxes of anatomy" in export([board], form)
    (shown, *_) = overviews(runs)
    assert BOXED in overview_caption(shown, intervals=False)


def test_what_is_not_known_is_not_said(runs):
    (board, *_) = boards([run for run in runs if run.label in ("Frozen", "Old")])
    said = caption(board, intervals=True)
    assert "upervised" not in said
    assert "Learnt" not in said


def test_badges_and_the_labels_of_the_filter(runs):
    assert [label_of(run.info) for run in runs] == ["weak: anatomy", "weak: anatomy", "boxes", "none", "not stated"]
    assert [tag_of(run.info) is not None for run in runs] == [True, True, True, False, False]
    (board, *_) = boards(runs)
    html = board_table(board, lambda run: "")
    assert html.count("weakly supervised") == 4  # twice the badge and what it means
    assert html.count(">learnt from boxes<") == 1


def test_pages_of_an_audit_say_it(runs):
    pages = export_audit(audit(runs), PageFormat.MARKDOWN)
    assert pages.count("weakly supervised: mean boxes of anatomy") == 2


def test_phrases_that_give_places_away_are_told(save_run, scan):
    located = {"options": {"phrases": "location", "table": "1234abcd"}}
    save_run("Seer", data=located)
    (board, *_) = boards(scan().runs)
    assert f"{PLACES} {ALONE}" in caption(board, intervals=True)
    save_run("prior", data=located, kind="control", method={"name": "location-prior"})
    (board, *_) = boards(scan().runs)
    assert PLACES in caption(board, intervals=True)
    assert ALONE not in caption(board, intervals=True)


def test_other_phrases_are_not(save_run, scan):
    save_run("Seer", data={"options": {"phrases": "class"}})
    (board, *_) = boards(scan().runs)
    assert "places" not in caption(board, intervals=True)


def test_csv_and_json_have_it_as_a_field(runs):
    known = {"Tuned": "weak: anatomy", "Prior": "weak: anatomy", "Fitted": "boxes", "Frozen": "none", "Old": None}
    (board, *_), (over, *_) = boards(runs), overviews(runs)
    for write, table in ((export, board), (export_metrics, board), (export_overviews, over)):
        lines = csv.DictReader(io.StringIO(write([table], Format.CSV)))
        assert {line["method"]: line["supervision"] for line in lines} == {**known, "Old": ""}
        (content,) = json.loads(write([table], Format.JSON))
        said = {row["method"]: row for row in content["rows"]}
        if table is over:
            said = {name: next(iter(row["cells"].values())) for name, row in said.items()}
        assert {name: row["supervision"] for name, row in said.items()} == known


def test_older_results_are_exported_as_they_were(save_run, scan):
    save_run("Old")
    runs = scan().runs
    for form in (Format.CSV, Format.JSON):
        assert "supervision" not in export(boards(runs), form)
        assert "supervision" not in export_metrics(boards(runs), form)
        assert "supervision" not in export_overviews(overviews(runs), form)
