"""Runs are found and checked; whatever cannot be used is named and left out."""

import errno
import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from groundcxr.comparison.labels import marks
from groundcxr.core import Box, Grounding, Heatmap, StoreError
from groundcxr.evaluation import make_entry
from groundcxr.evaluation.imported import ImportFile, write_import
from groundcxr.evaluation.prediction import image_key
from groundcxr.evaluation.result import Result
from groundcxr.evaluation.schema import AnswersInfo
from groundcxr.evaluation.store import PredictionStore
from groundcxr.leaderboard.runs import IMPORTED, MEASURED, metrics_of


def test_runs_of_one_setting_stand_together(save_run, scan):
    save_run("b")
    save_run("a", emits=("box", "heatmap"))
    save_run("a", protocol="vilouras2024", emits=("heatmap",))
    save_run("part", complete=False)
    library = scan()
    assert library.problems == ()
    titles = [setting.title for setting in library.settings()]
    assert titles == [
        "made-up 2.0 (test), protocol v1",
        "made-up 2.0 (test), protocol vilouras2024",
        "made-up 2.0 (test), protocol v1, incomplete: 12 samples",
    ]
    first = library.of(library.settings()[0])
    assert [run.label for run in first] == ["a", "b"]
    assert {metric.key for metric in metrics_of(first)} >= {"miou", "box_iou"}
    assert len({run.id for run in library.runs}) == 4
    assert library.run(first[0].id) is first[0]
    assert library.run("nothing") is None


@pytest.mark.parametrize("name", ["patient_key", "pathology"])
def test_a_result_that_says_other_patients_or_classes_than_the_others_is_left_out(save_run, scan, name):
    values = {"box_iou": np.linspace(0.2, 0.6, 12)}
    # Found first, by its folder's name, and with a patient for every sample.
    edited = {"patient_key": [f"{i:016d}" for i in range(12)], "pathology": ["Edema"] * 6 + ["Pneumonia"] * 6}
    forged = save_run("a-forged", values, columns={name: edited[name]})
    for label in ("mine", "other"):
        save_run(label, values)
    write_import(
        forged.path.parent,
        ImportFile(what="result", source="result.json", sha256="0" * 64, imported="2026-11-20T10:00:00+00:00"),
    )
    library = scan()
    assert [run.label for run in library.runs] == ["mine", "other"]
    (problem,) = library.problems
    count = {"patient_key": 12, "pathology": 6}[name]
    assert f"{forged.path} is left out" in problem
    assert f"the {name} of {count} samples differs" in problem


def test_results_of_a_colleague_whose_store_is_closed(save_run, scan, monkeypatch):
    store = save_run("a").path.parents[3] / "store"
    store.mkdir()
    assert scan().runs[0].predictions is None

    def closed(call, within):
        def refuse(path, *rest, **named):
            if isinstance(path, str | os.PathLike) and Path(path) in within(Path(path)):
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), os.fspath(path))
            return call(path, *rest, **named)

        return refuse

    monkeypatch.setattr(os, "scandir", closed(os.scandir, lambda path: [store]))
    monkeypatch.setattr(os, "stat", closed(os.stat, lambda path: [path] if store in path.parents else []))
    library = scan()
    assert library.problems == ()
    assert library.runs[0].predictions is None


def test_rows_are_those_of_the_file(save_run, scan):
    values = np.linspace(0, 1, 12)
    saved = save_run("a", {"box_iou": values})
    (run,) = scan().runs
    assert run.path == saved.path.parent
    assert run.samples(["box_iou"])["box_iou"].tolist() == values.tolist()
    assert list(run.samples()) == list(saved.samples)
    with pytest.raises(StoreError, match="lacks the columns"):
        run.samples(["phrase"])


def test_what_cannot_be_used_is_named_and_the_rest_is_shown(save_run, scan, tmp_path):
    results = tmp_path / "results"
    save_run("good")
    names = ("cut", "changed", "foreign", "newer", "rows-missing", "lies")
    path = {name: save_run(name).path for name in names}
    path["cut"].write_bytes(path["cut"].read_bytes()[:300])
    rows = path["changed"].with_name("samples.parquet")
    rows.write_bytes(rows.read_bytes()[:-1] + b"!")
    path["foreign"].write_text('{"model": "resnet", "accuracy": 0.9}')
    content = json.loads(path["newer"].read_text())
    path["newer"].write_text(json.dumps({**content, "schema_version": 3}))
    path["rows-missing"].with_name("samples.parquet").unlink()
    content = json.loads(path["lies"].read_text())
    content["overall"]["macro"]["box_iou"]["value"] = 0.9
    path["lies"].write_text(json.dumps(content))
    half = save_run("half").path
    half.unlink()
    library = scan(results, tmp_path / "nowhere")
    assert [run.label for run in library.runs] == ["good"]
    assert len(library.problems) == len(names) + 2
    for name in names:
        assert any(str(path[name].parent) in problem for problem in library.problems), name
    said = "\n".join(library.problems)
    assert f"{half.parent} has samples.parquet but no result.json: half-written" in said
    assert "nowhere is no folder of results" in said
    assert "macro box_iou is 0.9" in said


def test_new_changed_and_removed_results_are_seen_on_the_next_scan(save_run, scan):
    first = save_run("a")
    assert [run.label for run in scan().runs] == ["a"]
    assert scan().runs == scan().runs
    save_run("b")
    assert [run.label for run in scan().runs] == ["a", "b"]
    first.path.write_text("{}")
    library = scan()
    assert [run.label for run in library.runs] == ["b"]
    assert len(library.problems) == 1
    shutil.rmtree(first.path.parent)
    assert scan().problems == ()


def test_rows_that_change_behind_a_run_are_told(save_run, scan):
    saved = save_run("a")
    (run,) = scan().runs
    file = saved.path.with_name("samples.parquet")
    file.write_bytes(file.read_bytes() + b" ")
    with pytest.raises(StoreError, match="has changed since"):
        run.samples(["sample_id"])
    file.unlink()
    with pytest.raises(StoreError, match="cannot read"):
        run.samples(["pathology"])


def test_runs_of_one_name_get_their_ids_behind_it(save_run, scan, tmp_path):
    save_run("a", {"box_iou": np.full(12, 0.5)})
    save_run("a", {"box_iou": np.full(12, 0.6)}, out=tmp_path / "other")
    library = scan(tmp_path / "results", tmp_path / "other")
    labels = [run.label for run in library.runs]
    assert len(set(labels)) == 2
    assert set(labels) == {f"a ({run.id[:8]})" for run in library.runs}


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ([{}], [""]),
        ([{}, {"steps": "100"}], [" (steps=30)", " (steps=100)"]),
        ([{}, {"otsu": "true", "layers": "1,2"}, {"otsu": "true"}], None),
        ([{}, {"otsu": "true", "steps": "9"}], [" (otsu=False, steps=30)", " (otsu=True, steps=9)"]),
        ([{}, {}], None),
    ],
)
def test_runs_of_one_name_are_told_apart_by_what_differs_if_that_is_short(save_run, settings, said):
    template = save_run().info
    methods = [template.model_copy(update={"method": make_entry("ldm-phantom", settings=one).info}) for one in settings]
    ids = [str(number) * 64 for number in range(len(settings))]
    expected = said or [f" ({one[:8]})" for one in ids]
    found = [", ".join(sorted(mark.strip(" ()").split(", "))) for mark in marks(methods, ids)]
    assert found == [mark.strip(" ()") for mark in expected]


def test_choices_among_boxes_tell_runs_apart(save_run):
    saved = save_run()
    choices = (None, AnswersInfo(min_score=0.3), AnswersInfo(top=2), AnswersInfo(min_score=0.3, top=2))
    infos = [saved.info.model_copy(update={"answers": answers}) for answers in choices]
    expected = ["", " (min-score=0.3)", " (top=2)", " (min-score=0.3, top=2)"]
    assert marks(infos, ["1", "2", "3", "4"]) == expected
    assert [marks([info], ["1"])[0] for info in infos] == expected
    assert marks([infos[2], infos[2]], ["1", "2"]) == [" (1, top=2)", " (2, top=2)"]
    assert len({Result(info, saved.samples).fingerprint for info in infos}) == 4


def test_a_copy_of_a_run_is_shown_once(save_run, scan, tmp_path):
    save_run("a")
    shutil.copytree(tmp_path / "results", tmp_path / "copy")
    assert [run.label for run in scan(tmp_path / "results", tmp_path / "copy").runs] == ["a"]


def test_of_two_copies_the_one_with_predictions_is_shown(save_run, scan, tmp_path):
    saved = save_run("a")
    shutil.copytree(tmp_path / "results", tmp_path / "copy")
    method = saved.info.method
    store = PredictionStore(tmp_path / "copy" / "store", method.name, method.fingerprint, {})
    store.add({"f" * 64: {"0123456789abcdef": Grounding(None, ())}})
    for folders in ((tmp_path / "results", tmp_path / "copy"), (tmp_path / "copy", tmp_path / "results")):
        (run,) = scan(*folders).runs
        assert run.predictions == store.folder


def test_a_single_run_is_given_by_folder_or_file(save_run, scan):
    saved = save_run("a")
    save_run("b")
    assert [run.label for run in scan(saved.path).runs] == ["a"]
    assert [run.label for run in scan(saved.path.parent).runs] == ["a"]


def test_a_link_out_of_the_folder_is_not_followed(save_run, scan, tmp_path):
    secret = save_run("secret", out=tmp_path / "secret")
    folder = tmp_path / "results" / "made-up" / "v1"
    (folder / "files").mkdir(parents=True)
    (folder / "files" / "result.json").symlink_to(secret.path)
    (folder / "files" / "samples.parquet").symlink_to(secret.path.with_name("samples.parquet"))
    (folder / "folder").symlink_to(secret.path.parent, target_is_directory=True)
    library = scan()
    assert library.runs == ()
    assert len(library.problems) == 1
    assert "is a link" in library.problems[0]


def test_tier_is_told_by_the_file_that_import_writes(save_run, scan):
    saved = save_run("theirs")
    save_run("ours")
    about = {"what": "result", "source": "result.json", "sha256": "0", "imported": "2026-11-20T10:00:00+00:00"}
    file = saved.path.with_name("import.json")
    file.write_text(json.dumps(about))
    assert {run.label: run.tier for run in scan().runs} == {"ours": MEASURED, "theirs": IMPORTED}
    file.write_text('{"what": "magic"}')
    library = scan()
    assert [run.label for run in library.runs] == ["ours"]
    assert "import.json is damaged" in library.problems[0]


def test_predictions_are_read_by_key_and_by_nothing_else(save_run, scan, tmp_path):
    saved = save_run("a")
    method = saved.info.method
    store = PredictionStore(tmp_path / "results" / "store", method.name, method.fingerprint, {})
    answer = Grounding(Heatmap.whole(np.eye(3), (30, 20)), (Box(1, 2, 3, 4, 0.5),))
    store.add({"f" * 64: {"0123456789abcdef": answer}})
    file = image_key("f" * 64)
    keys = {
        "first": f"{file}-0123456789abcdef",
        "other phrase": f"{file}-ffffffffffffffff",
        "other image": f"{'0' * 32}-0123456789abcdef",
        "outside": "../../../../etc/passwd",
    }
    store.note_samples(saved.info.dataset.fingerprint, keys)
    (run,) = scan().runs
    assert run.predictions == store.folder
    found = run.prediction("first")
    assert found.heatmap.values.tolist() == np.eye(3).tolist()
    assert found.boxes == answer.boxes
    for sample in ("other phrase", "other image", "outside", "nowhere"):
        assert run.prediction(sample) is None
    (path,) = store.folder.glob("batches/*")
    path.write_bytes(b"rubbish")
    with pytest.raises(StoreError, match="damaged"):
        run.prediction("first")
    (elsewhere,) = scan(store=tmp_path / "elsewhere").runs
    assert elsewhere.predictions is None


def test_runs_in_different_pythons_are_told_apart_by_the_versions_there(save_run):
    template = save_run().info
    here = template.model_copy(update={"run": template.run.model_copy(update={"packages": {"numpy": "2.4.6"}})})
    there = {"python": "3.9.1", "numpy": "1.26.4", "own": "1"}
    there = template.model_copy(update={"method": template.method.model_copy(update={"environment": there})})
    assert marks([here, there], ["1", "2"]) == [" (numpy=2.4.6)", " (numpy=1.26.4)"]
