"""Results of a protocol of both views: which metrics are derived, negatives beside the averages, marks in tables."""

import inspect
import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from groundcxr import Box, Grounding, GroundingMethod, Heatmap, compare, core, evaluate, load_dataset
from groundcxr.cli import arguments
from groundcxr.core import GroundCXRError, StoreError
from groundcxr.core.fingerprint import generator_from
from groundcxr.evaluation import load_result
from groundcxr.evaluation.import_result import import_result
from groundcxr.evaluation.numbers import write_number
from groundcxr.leaderboard.board import boards
from groundcxr.leaderboard.export import export
from groundcxr.leaderboard.export_overview import export_overviews
from groundcxr.leaderboard.formats import Format
from groundcxr.leaderboard.library import Library
from groundcxr.leaderboard.overview import across_datasets, overviews
from groundcxr.leaderboard.table_style import TableStyle
from groundcxr.metrics import get_protocol


class Maps(GroundingMethod):
    """A map that depends on image and phrase alone."""

    def ground(self, image, phrases):
        return [Grounding(Heatmap.whole(generator_from(image.sha256, p).random((5, 7)), image.size)) for p in phrases]


class Scored(GroundingMethod):
    """Boxes, none where the phrase is a negative's."""

    emits = frozenset({"box"})

    def ground(self, image, phrases):
        return [Grounding(boxes=() if "nothing" in p else (Box(4, 4, 20, 20, score=0.5),)) for p in phrases]


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    """A small phantom."""
    return load_dataset("phantom", tmp_path_factory.mktemp("drawn"), images=5, size=64)


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    """The folder of the results of `ran`."""
    return tmp_path_factory.mktemp("out")


@pytest.fixture(scope="module")
def ran(plain, out):
    """Results of maps, of boxes and of both, with a negative of the same class after each sample."""
    samples = []
    for one in plain:
        other = {"sample_id": f"{one.sample_id[:8]}negative", "phrase": f"nothing {one.phrase}", "boxes": ()}
        samples += [one, replace(one, **other, mask=None, negative=True)]
    both = plain.with_samples(samples, negatives=1)
    methods = {"Maps": Maps, "Scored": Scored, "oracle": "oracle"}
    return {name: evaluate(method, both, "v2", out=out) for name, method in methods.items()}


def keys(kind):
    return [metric.key for metric in get_protocol("v2").metrics if metric.needs == kind]


def test_a_result_says_what_is_derived(ran):
    told = {name: json.loads(result.path.read_text())["derived"] for name, result in ran.items()}
    assert told == {"Maps": keys("box"), "Scored": keys("heatmap"), "oracle": []}
    table = ran["Maps"].table()
    assert set(table.loc[table["derived"], "metric"]) == set(keys("box"))
    assert load_result(ran["Maps"].path).info == ran["Maps"].info


def test_other_protocols_say_nothing_of_it(plain, tmp_path):
    result = evaluate(Maps, plain, "v1", out=tmp_path / "out")
    assert "derived" not in json.loads(result.path.read_text())
    assert not result.table()["derived"].any()


def test_a_result_that_hides_what_is_derived_is_refused(ran, tmp_path):
    folder = shutil.copytree(ran["Scored"].path.parent, tmp_path / "hiding")
    path = folder / "result.json"
    content = json.loads(path.read_text())
    content["derived"] = []
    path.write_text(json.dumps(content))
    with pytest.raises(StoreError, match="does not say which of its metrics are derived"):
        load_result(path)


def test_negatives_are_in_no_average_but_theirs(ran, plain, tmp_path):
    info, other = ran["Scored"].info, evaluate(Scored, plain, "v2", out=tmp_path / "plain").info
    for key in keys("heatmap") + keys("box"):
        assert info.overall.macro[key] == other.overall.macro[key]
    assert (info.overall.macro["neg_silent"].value, info.overall.macro["neg_auroc"].value) == (1, 1)
    assert other.overall.macro["neg_silent"].n == 0
    assert other.overall.macro["neg_auroc"].value is None
    assert import_result(ran["Scored"].path, tmp_path / "theirs")


def test_the_auroc_is_of_positives_against_negatives_of_one_class(ran):
    rows = ran["Maps"].samples
    rows = rows[rows["neg_auroc_scores"].notna()]
    scores = np.array([one[0] for one in rows["neg_auroc_scores"]])
    of_class = [
        roc_auc_score(~rows["negative"][mine], scores[mine])
        for mine in ((rows["pathology"] == name).to_numpy() for name in set(rows["pathology"]))
    ]
    assert ran["Maps"].info.overall.macro["neg_auroc"].value == pytest.approx(np.mean(of_class))


@pytest.fixture
def runs(ran, out):
    return Library.scan([out]).runs


def test_tables_mark_what_is_derived(runs):
    (table,) = boards(runs, ["box_iou"])
    marked = {row.run.label: row.derived for row in table.rows}
    assert marked == {"Maps": True, "Scored": False, "oracle": False}
    markdown, latex = (export([table], form, TableStyle(intervals=False)) for form in (Format.MARKDOWN, Format.LATEX))
    for text, mark in ((markdown, "°"), (latex, r"$^{\circ}$")):
        lines = {line.split()[1 if text is markdown else 0]: line for line in text.splitlines() if line}
        assert mark in lines["Maps"]
        assert mark not in lines["Scored"]
    assert "°: derived; the method gives no boxes" in markdown
    rows = export([table], Format.CSV).splitlines()
    assert rows[0].endswith(",derived,supervision")
    assert {row.rsplit(",", 2)[1] for row in rows if ",Maps," in row} == {"True"}
    told = {row["method"]: row["derived"] for row in json.loads(export([table], Format.JSON))[0]["rows"]}
    assert told == marked


def test_the_table_over_data_sets_marks_it_too(runs):
    tables = overviews(runs, ["box_iou"])
    assert "°" in export_overviews(tables, Format.MARKDOWN).partition("\n\n")[0]
    assert export_overviews(tables, Format.CSV).splitlines()[0].endswith(",derived,supervision")
    assert '"derived": true' in export_overviews(tables, Format.JSON)


def test_a_table_of_native_values_alone(runs, out):
    (table,) = boards(runs, ["box_iou"], only_native=True)
    assert {row.run.label for row in table.rows} == {"Scored", "oracle"}
    text = export([table], Format.MARKDOWN)
    assert "°" not in text
    assert "Only native: methods whose values would be derived" in text
    frame = across_datasets([out], "ap", "v2", only_native=True)
    assert set(frame["method"]) == {"Maps", "oracle"}
    with pytest.raises(GroundCXRError, match=r"all values of ap are derived .*; leave out --only-native"):
        boards([run for run in runs if run.label == "Scored"], ["ap"], only_native=True)


def test_without_derived_values_exports_have_no_word_of_them(plain, tmp_path):
    evaluate(Maps, plain, "v1", out=tmp_path / "old")
    runs = Library.scan([tmp_path / "old"]).runs
    for form in (Format.MARKDOWN, Format.CSV, Format.JSON, Format.LATEX):
        assert "derived" not in export(boards(runs), form)
        assert "derived" not in export_overviews(overviews(runs), form)


def test_the_terminal_marks_and_counts(groundcxr, tmp_path):
    words = ["--dataset", "phantom", "--root", tmp_path / "drawn", "--set", "dataset.images=4", "--set"]
    words += ["dataset.size=64", "--set", "dataset.negatives=1", "--protocol", "v2", "--out", tmp_path / "out"]
    ran = groundcxr("evaluate", "--method", "whole-image", "--method", "center-prior", *words)
    assert ran.code == 0
    for said in ("mIoU°", "F1@0.5°", "°: derived", "negatives, in no average but", "Silent on negatives .000"):
        assert said in ran.out
    exported = groundcxr("export", tmp_path / "out", "--metric", "f1_50", "--only-native")
    assert "whole-image" in exported.out
    assert "center-prior" not in exported.out


def test_one_constant_says_which_protocol_is_the_default():
    defaults = {
        inspect.signature(evaluate).parameters["protocol"].default,
        inspect.signature(across_datasets).parameters["protocol"].default,
        arguments.DEFAULT_PROTOCOL,
    }
    assert defaults == {core.DEFAULT_PROTOCOL}
    assert [one.name for one in arguments.open_protocols([])] == [core.DEFAULT_PROTOCOL]


def test_a_comparison_says_which_of_its_values_are_derived(ran, groundcxr):
    maps, boxes = ran["Maps"], ran["Scored"]
    table = compare(maps, boxes, metrics=["miou", "box_iou"])
    told = table.groupby("metric")[["first_derived", "second_derived"]].first()
    assert told.loc["miou"].tolist() == [False, True]
    assert told.loc["box_iou"].tolist() == [True, False]
    shown = groundcxr("compare", maps.path, boxes.path, "--metric", "box_iou").out
    macro = next(line for line in shown.splitlines() if "macro" in line)
    first, second = table[(table["metric"] == "box_iou") & (table["pathology"] == "macro")][
        ["first_value", "second_value"]
    ].iloc[0]
    assert f"{write_number(first, 3)}°" in macro
    assert f"{write_number(second, 3)}°" not in macro
    assert "°: derived" in shown


def test_old_results_stand_behind_those_of_the_default_in_tables_of_their_own(plain, tmp_path):
    evaluate(Maps, plain, "v1", out=tmp_path / "out")
    evaluate(Maps, plain, out=tmp_path / "out")
    library = Library.scan([tmp_path / "out"])
    tables = boards(library.runs, ["miou"])
    assert [[row.run.info.protocol.name for row in table.rows] for table in tables] == [["v2"], ["v1"]]
    assert [setting.protocol for setting in library.settings()] == ["v2", "v1"]
