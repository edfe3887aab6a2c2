"""A data set's own label stands in the result, and no number, fingerprint or path is another for it."""

import json

from groundcxr import evaluate
from groundcxr.datasets import load_dataset
from groundcxr.evaluation import load_result


def test_a_label_changes_nothing_else(tmp_path):
    data, store = load_dataset("phantom", images=4), tmp_path / "store"
    plain = evaluate("center-prior", data, out=tmp_path / "plain", store=store)
    named = evaluate("center-prior", data, out=tmp_path / "named", store=store, dataset_label="Ward 7")
    assert named.info.dataset.label == "Ward 7"
    assert named.fingerprint == plain.fingerprint
    assert named.info.method.fingerprint == plain.info.method.fingerprint
    assert named.info.samples_sha256 == plain.info.samples_sha256
    assert "label" not in json.loads(plain.path.read_text())["dataset"]
    assert json.loads(named.path.read_text())["dataset"]["label"] == "Ward 7"


def test_one_label_names_one_data_set(groundcxr, tmp_path):
    sets = ("--dataset", "a=phantom", "--dataset", "b=phantom", "--set", "dataset.b.seed=1")
    ran = groundcxr("evaluate", "--method", "random", *sets, "--dataset-label", "Ward 7", "--out", tmp_path)
    assert ran.code == 2
    assert "--dataset-label names one data set, and 2 are evaluated" in ran.err
    assert "Traceback" not in ran.err


def test_what_is_scored_or_imported_can_be_named_too(groundcxr, tmp_path):
    here = ("--set", "dataset.images=4", "--out", tmp_path / "out", "--dataset-label", "Ward 7")
    assert groundcxr("evaluate", "--method", "center-prior", *here[:4]).code == 0
    assert groundcxr("score", "--method", "center-prior", *here).code == 0
    boxes = tmp_path / "boxes.json"
    boxes.write_text("[]")
    assert groundcxr("import", boxes, "--name", "theirs", *here).code == 0
    labels = {path: load_result(path.parent).info.dataset.label for path in (tmp_path / "out").rglob("result.json")}
    assert set(labels.values()) == {"Ward 7"}
    assert len(labels) == 2
    result = next(path for path in labels if "imported" not in path.parts)
    refused = groundcxr("import", result, "--dataset-label", "Ward 8", "--out", tmp_path / "other")
    assert refused.code == 2
    assert "leave out --dataset-label" in refused.err
