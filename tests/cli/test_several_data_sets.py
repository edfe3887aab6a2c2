"""Several data sets in one run, and suites: one loading of the model, one result folder and table for each set."""

import json
import shutil

import pytest

from groundcxr.evaluation.suites import load_suite, suite_names

LOADS_ONCE = """
from pathlib import Path
from groundcxr import Grounding, GroundingMethod, Heatmap

class Loud(GroundingMethod):
    def setup(self, device):
        with Path(__file__).with_name("loads.txt").open("a") as file:
            file.write(device + "\\n")
        {setup}

    def ground(self, image, phrases):
        values = image.as_unit_float()[::4, ::4]
        return [Grounding(Heatmap.whole(values, image.size)) for _ in phrases]
"""
SMALL = ("--set", "dataset.p.images=4", "--set", "dataset.p.size=64")


@pytest.fixture
def loud(tmp_path):
    """Writes a method that notes each of its loadings."""

    def write(setup="pass"):
        path = tmp_path / "loud.py"
        path.write_text(LOADS_ONCE.format(setup=setup))
        return path

    return write


def loads(tmp_path):
    return (tmp_path / "loads.txt").read_text().split()


def two(manifest, *more):
    """Options of a run over a phantom and a manifest."""
    return "--dataset", "p=phantom", "--dataset", "manifest", "--root", f"manifest={manifest}", *SMALL, *more


def results_of(folder):
    return [json.loads(path.read_text()) for path in sorted(folder.rglob("result.json"))]


def test_a_model_is_loaded_once_for_all(groundcxr, loud, manifest, tmp_path):
    ran = groundcxr("evaluate", "--method", loud(), "--method", "center-prior", *two(manifest))
    assert ran.code == 0, ran.err
    assert len(loads(tmp_path)) == 1
    paths = [line for line in ran.out.splitlines() if line.endswith("result.json")]
    assert len(paths) == 4
    assert len(list((tmp_path / "results/phantom/v2").iterdir())) == 2
    assert len(list((tmp_path / "results/manifest/v2").iterdir())) == 2
    assert "Loud on p: phantom 1.0 (test), v2" in ran.out
    assert ran.out.count("macro averages on p: phantom") == ran.out.count("macro averages on manifest") == 1
    # The same numbers as alone, and the suite is said of no result that is part of none.
    alone = groundcxr("evaluate", "--method", loud(), "--dataset", "manifest", "--root", manifest, "--out", "alone")
    assert alone.code == 0
    (one,) = results_of(tmp_path / "alone")
    (same,) = [r for r in results_of(tmp_path / "results/manifest") if r["method"]["label"] == "Loud"]
    assert one["overall"] == same["overall"]
    assert "suite" not in one


def test_what_is_stored_is_planned_and_scored_over_all(groundcxr, loud, manifest, tmp_path):
    method = ("--method", loud())
    ran = groundcxr("evaluate", *method, *two(manifest, "--shard", "1/1"))
    assert ran.code == 0, ran.err
    ran = groundcxr("evaluate", *method, *two(manifest, "--dry-run"))
    assert ran.code == 0, ran.err
    assert "data set" in ran.out
    assert "Loud on p: nothing is left to ground" in ran.out
    assert "Loud on manifest: nothing is left to ground" in ran.out
    ran = groundcxr("score", *method, *two(manifest))
    assert ran.code == 0, ran.err
    assert len(results_of(tmp_path / "results")) == 2
    assert len(loads(tmp_path)) == 1


def test_a_set_that_is_not_there_takes_no_other_along(groundcxr, loud, manifest, tmp_path):
    ran = groundcxr("evaluate", "--method", loud(), *two(manifest, "--dataset", "ms-cxr"))
    assert ran.code == 1
    assert ran.err.splitlines()[-1].startswith("error: the data set ms-cxr could not be run on: ms-cxr needs --root")
    assert len(results_of(tmp_path / "results")) == 2
    ran = groundcxr("evaluate", "--method", loud(), "--dataset", "ms-cxr", "--dataset", "nih-boxes")
    assert ran.code == 2
    assert ran.err.count("could not be run on") == 2


def test_a_model_that_cannot_be_loaded_is_tried_and_told_once(groundcxr, loud, manifest, tmp_path):
    ran = groundcxr("evaluate", "--method", loud("raise OSError('no weights')"), *two(manifest))
    assert ran.code == 2
    assert len(loads(tmp_path)) == 1
    assert ran.err.count("no weights") == 1
    assert "Loud could not be run on p and manifest: " in ran.err


def test_a_set_under_an_alias_goes_by_its_name_too(groundcxr, manifest, tmp_path):
    """A suite's author chose the alias; `--root NAME=DIR` is what its user knows."""
    suite = tmp_path / "one.toml"
    suite.write_text(
        'name = "one"\nversion = "1"\ntitle = "One"\nprotocols = ["v2"]\n'
        '[[sets]]\ndataset = "manifest"\nalias = "mine"\nsplit = "all"\n'
    )
    ran = groundcxr("evaluate", "--method", "center-prior", "--suite", suite, "--root", f"manifest={manifest}")
    assert ran.code == 0, ran.err
    sets = ("--dataset", "a=manifest", "--dataset", "b=manifest", "--root", f"manifest={manifest}")
    ran = groundcxr(
        *("evaluate", "--method", "center-prior", *sets, "--split", "manifest=all"), *("--root", "b=elsewhere")
    )
    assert ran.code == 1
    assert len(results_of(tmp_path / "results")) == 1
    assert "the data set b could not be run on: " in ran.err
    assert "elsewhere" in ran.err


def test_options_of_one_count_more_than_those_of_all(groundcxr, tmp_path):
    ran = groundcxr(
        *("evaluate", "--method", "center-prior", "--dataset", "a=phantom", "--dataset", "b=phantom"),
        *("--set", "dataset.b.seed=5", "--set", "dataset.seed=4", "--set", "dataset.size=64"),
        *("--set", "dataset.images=3", "--split", "b=val", "--split", "train"),
    )
    assert ran.code == 0, ran.err
    found = {r["dataset"]["split"]: r["dataset"]["options"]["seed"] for r in results_of(tmp_path / "results")}
    assert found == {"train": 4, "val": 5}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--dataset", "phantom", "--dataset", "phantom"], "the name 'phantom' is taken"),
        (["--dataset", "phantom", "--dataset", "ms-cxr", "--root", "."], "write ALIAS=DIR, such as phantom=DIR"),
        (["--dataset", "phantom", "--dataset", "ms-cxr", "--root", "mscxr=."], "did you mean 'ms-cxr'?"),
        (["--dataset", "ms-cxr", "--root", "mscxr=."], "did you mean 'ms-cxr'?"),
        (["--dataset", "ms-cxr", "--root", ".", "--root", ".."], "--root is given twice for ms-cxr"),
        (["--dataset", "ms-cxr", "--split", "x=test"], "there is no data set in this run 'x'"),
        (["--set", "dataset.phantm.seed=1"], "did you mean 'phantom'?"),
        (["--set", "dataset.phantom.root=1"], "write --root instead"),
        (["--suite", "zero-shot"], "did you mean 'zero-shot-cxr'?"),
        (["--suite", "zero-shot-cxr", "--split", "all"], "leave one of --split and --suite out"),
        (["--suite", "zero-shot-cxr", "--set", "dataset.seed=1"], "leave one of --set dataset.KEY and --suite out"),
        (["--suite", "none.toml"], "cannot be read: No such file"),
    ],
)  # fmt: skip
def test_a_mistake_is_one_sentence(groundcxr, words, said):
    ran = groundcxr("evaluate", "--method", "center-prior", *words)
    assert (ran.code, ran.err.count("\n")) == (2, 1), ran.err
    assert said in ran.err


def test_a_path_may_hold_an_equals_sign(groundcxr, manifest, tmp_path):
    shutil.copytree(manifest.parent, tmp_path / "set=1")
    shutil.copytree(manifest.parent, tmp_path / "manifest=2")
    for root in ("set=1", tmp_path / "set=1", "./set=1", "manifest=2", "manifest=set=1", f"manifest={tmp_path}/set=1"):
        ran = groundcxr("evaluate", "--method", "center-prior", "--dataset", "manifest", "--root", root, "--dry-run")
        assert ran.code == 0, (root, ran.err)


SUITE = """
name = "small"
version = "{version}"
protocols = ["v1"]  {comment}

[[sets]]
dataset = "phantom"
alias = "tiny"
split = "val"
options = {{ images = 3, size = 64 }}

[[sets]]
dataset = "manifest"
split = "all"
"""


def test_a_suite_says_sets_and_protocols(groundcxr, manifest, tmp_path, monkeypatch):
    file = tmp_path / "small.toml"
    file.write_text(SUITE.format(version="1", comment=""))
    command = ("evaluate", "--method", "center-prior", "--suite", file)
    ran = groundcxr(*command)
    assert ran.code == 1
    assert "error: the data set manifest could not be run on: " in ran.err
    (phantom,) = results_of(tmp_path / "results")
    info = load_suite(str(file)).info
    assert phantom["suite"] == {"name": "small", "version": "1", "hash": info.hash}
    assert (phantom["dataset"]["split"], phantom["dataset"]["n_samples"]) == ("val", len_of_val())
    assert groundcxr(*command, "--root", f"manifest={manifest}").code == 0
    # Where the data are is nothing of the suite's: the user has said it once.
    monkeypatch.setenv("GROUNDCXR_DATA_MANIFEST", str(manifest))
    assert groundcxr(*command).code == 0
    # A comment is none of what is cited, a version is.
    file.write_text(SUITE.format(version="1", comment="# as published"))
    assert load_suite(str(file)).info == info
    file.write_text(SUITE.format(version="2", comment=""))
    assert load_suite(str(file)).info.hash != info.hash


def len_of_val():
    from groundcxr.datasets import load_dataset

    return len(load_dataset("phantom", split="val", images=3, size=64))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("name = ", "is no TOML"),
        ('name = "a"\nversion = "1"\nprotocols = ["v1"]\n', "is no suite: sets: Field required"),
        (SUITE.format(version="1", comment="").replace('"manifest"', '"tiny"'), "names tiny twice"),
        (SUITE.format(version="1", comment="").replace("split", "splt", 1), "sets.0.split: Field required"),
    ],
)
def test_a_wrong_suite_is_one_sentence(groundcxr, tmp_path, text, said):
    (tmp_path / "wrong.toml").write_text(text)
    ran = groundcxr("evaluate", "--method", "center-prior", "--suite", "wrong.toml")
    assert (ran.code, ran.err.count("\n")) == (2, 1), ran.err
    assert said in ran.err
    assert "wrong.toml" in ran.err


def test_the_bundled_suites_name_sets_of_findings(groundcxr):
    from groundcxr.core import DEFAULT_PROTOCOL
    from groundcxr.datasets import DATASETS
    from groundcxr.metrics import get_protocol

    ran = groundcxr("list", "suites")
    assert ran.code == 0
    for name in suite_names():
        suite = load_suite(name)
        assert suite.name == name
        assert suite.info.hash[:12] in ran.out
        assert {DATASETS.get(one.dataset).task for one in suite.sets} == {"findings"}
        assert all(map(get_protocol, suite.protocols))
        assert DEFAULT_PROTOCOL in suite.protocols  # what the leaderboard shows first
