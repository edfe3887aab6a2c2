"""A result that was changed, cut or made up is refused with the reason."""

import json

import pandas as pd
import pytest

from groundcxr import evaluate
from groundcxr.core import StoreError
from groundcxr.evaluation import load_result


@pytest.fixture
def path(tiny, tmp_path):
    return evaluate("center-prior", tiny, out=tmp_path / "out").path


def edit(path, change):
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


def claim_better_macro(content):
    content["overall"]["macro"]["miou"]["value"] += 0.01


def claim_better_class(content):
    content["pathologies"]["Edema"]["auroc"]["value"] += 0.01


def claim_more_samples(content):
    content["overall"]["micro"]["auroc"]["n"] += 1


def claim_no_failures(content):
    content["statuses"]["miou"] = {"ok": 10}


def add_a_field(content):
    content["comment"] = "hello"


def newer_schema(content):
    content["schema_version"] = 3


def drop_the_protocol(content):
    del content["protocol"]


def test_a_result_ends_its_last_line(path):
    assert path.read_bytes().endswith(b"}\n")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (claim_better_macro, "macro miou is"),
        (claim_better_class, "auroc of Edema is"),
        (claim_more_samples, "micro auroc rests on 10"),
        (claim_no_failures, "status counts of miou"),
        (add_a_field, "comment"),
        (newer_schema, "schema_version"),
        (drop_the_protocol, "protocol"),
    ],
)
def test_changed_result_is_refused(path, change, words):
    edit(path, change)
    with pytest.raises(StoreError, match=words):
        load_result(path)


def test_changed_rows_are_refused(path):
    rows = pd.read_parquet(path.parent / "samples.parquet")
    rows.to_parquet(path.parent / "samples.parquet", compression="gzip")
    with pytest.raises(StoreError, match="is not the file"):
        load_result(path)


def test_values_out_of_range_are_refused(path):
    import hashlib

    rows = pd.read_parquet(path.parent / "samples.parquet")
    rows.loc[0, "auroc"] = 1.5
    rows.to_parquet(path.parent / "samples.parquet")
    sha256 = hashlib.sha256((path.parent / "samples.parquet").read_bytes()).hexdigest()
    edit(path, lambda content: content.update(samples_sha256=sha256))
    with pytest.raises(StoreError, match="auroc leaves its range"):
        load_result(path)


def test_missing_and_damaged_files_are_named(path):
    (path.parent / "samples.parquet").unlink()
    with pytest.raises(StoreError, match=r"samples\.parquet"):
        load_result(path.parent)
    path.write_text("{")
    with pytest.raises(StoreError, match=r"result\.json is no result"):
        load_result(path)
    with pytest.raises(StoreError, match="No such file"):
        load_result(path.parent / "nowhere" / "result.json")
    with pytest.raises(StoreError, match=r"holds no result\.json; give the folder of one result"):
        load_result(path.parent.parent)


def drop_a_class(content):
    del content["pathologies"]["Edema"]


def claim_a_narrower_spread(content):
    content["overall"]["micro"]["auroc"]["std"] /= 2


def hide_failures(content):
    content["n_failed"] = 3


def drop_a_metric(content):
    content["metrics"] = [metric for metric in content["metrics"] if metric["key"] != "miou"]
    for cells in [*content["overall"].values(), *content["pathologies"].values()]:
        del cells["miou"]


def widen_a_range(content):
    content["metrics"][0]["high"] = 2


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (drop_a_class, "pathologies are not those"),
        (claim_a_narrower_spread, "standard deviation of micro auroc"),
        (hide_failures, "n_failed is 3"),
        (drop_a_metric, "metrics of its protocol"),
        (widen_a_range, "metrics of its protocol"),
        (lambda content: content.update(metrics=[]), "metrics"),
        (lambda content: content["overall"].update(macro={}), "metrics of macro"),
    ],
)
def test_other_claims_are_refused_too(path, change, words):
    edit(path, change)
    with pytest.raises(StoreError, match=words):
        load_result(path)
