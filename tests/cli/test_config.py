"""`groundcxr config`, and what all commands take from it."""

import shutil

import pytest

from groundcxr import evaluate
from groundcxr.core.config import config_file
from groundcxr.datasets import load_dataset
from groundcxr.leaderboard.options import Options


@pytest.fixture(autouse=True)
def _own_file(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))


def shown(ran):
    """(value, source) of each key that `groundcxr config` prints."""
    assert ran.code == 0, ran.err
    lines = (line.split() for line in ran.out.splitlines()[:-1])
    return {key: (value, " ".join(source)) for key, value, *source in lines}


def test_it_shows_where_each_value_is_from(groundcxr, monkeypatch, manifest, tmp_path):
    assert shown(groundcxr("config"))["device"] == ("auto", "default")
    assert groundcxr("config", "set", "data.manifest", manifest).code == 0
    assert groundcxr("config", "set", "results", "elsewhere").code == 0
    monkeypatch.setenv("GROUNDCXR_DEVICE", "cpu")
    settings = shown(groundcxr("config"))
    assert settings["data.manifest"] == (str(manifest), "file")
    assert settings["results"] == (str(tmp_path / "elsewhere"), "file")
    assert settings["device"] == ("cpu", "environment: GROUNDCXR_DEVICE")
    assert settings["data.ms-cxr"] == ("-", "default")
    ran = groundcxr("config", "set", "device", "cuda")
    assert ran.code == 0
    assert "GROUNDCXR_DEVICE is set and stands above the file" in ran.err
    assert groundcxr("config", "unset", "results").code == 0
    assert shown(groundcxr("config"))["results"] == ("results", "default")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["data.mscxr", "."], "there is no setting 'data.mscxr'; did you mean 'data.ms-cxr'?"),
        (["resuls", "."], "did you mean 'results'?"),
        (["data.ms-cxr", "nowhere"], "nowhere; give the folder or file of the data"),
        (["device", "gpu"], "there is no device 'gpu'"),
    ],
)
def test_a_mistake_writes_nothing(groundcxr, words, said):
    ran = groundcxr("config", "set", *words)
    assert (ran.code, ran.err.count("\n")) == (2, 1)
    assert said in ran.err
    assert not config_file().exists()


def test_every_command_finds_data_results_and_store(groundcxr, manifest, tmp_path, monkeypatch):
    for key, value in {"data.manifest": manifest, "results": "r", "store": "s", "device": "cpu"}.items():
        assert groundcxr("config", "set", key, value).code == 0
    assert groundcxr("doctor", "--dataset", "manifest").code == 0
    ran = groundcxr("evaluate", "--method", "center-prior", "--method", "random", "--dataset", "manifest")
    assert ran.code == 0, ran.err
    assert len(list((tmp_path / "r/manifest").rglob("result.json"))) == 2
    assert not (tmp_path / "results").exists()
    result = evaluate("center-prior", "manifest")
    assert result.path.is_relative_to(tmp_path / "r")
    options = Options.parse([])
    assert options == Options((tmp_path / "r",), tmp_path / "s", {"manifest": manifest})
    # An option stands above the environment, which stands above the file.
    monkeypatch.setenv("GROUNDCXR_DATA_MANIFEST", str(tmp_path / "nowhere.csv"))
    assert groundcxr("doctor", "--dataset", "manifest", "--root", manifest).code == 0
    ran = groundcxr("evaluate", "--method", "center-prior", "--dataset", "manifest")
    assert (ran.code, ran.err.count("\n")) == (2, 1)
    assert "(the root is the environment variable GROUNDCXR_DATA_MANIFEST)" in ran.err


def test_a_root_that_went_away_is_told_with_its_place(groundcxr, manifest):
    groundcxr("config", "set", "data.manifest", manifest)
    shutil.rmtree(manifest.parent)
    ran = groundcxr("evaluate", "--method", "center-prior", "--dataset", "manifest")
    assert ran.code == 2
    assert str(manifest) in ran.err
    assert f"(the root is data.manifest in {config_file()})" in ran.err
    ran = groundcxr("doctor", "--dataset", "manifest")
    assert ran.code == 1
    assert f"(the root is data.manifest in {config_file()})" in ran.out
    ran = groundcxr("config")
    assert ran.code == 0
    assert "there is no" in ran.err


def test_a_typing_error_in_the_file_is_told(groundcxr):
    config_file().parent.mkdir(parents=True)
    config_file().write_text('device = "gpu"\n[data]\nms_cxr = "/data"\n')
    ran = groundcxr("evaluate", "--method", "center-prior", "--dataset", "ms-cxr", "--device", "cpu")
    assert ran.code == 2
    assert "'ms_cxr'; did you mean 'ms-cxr'?" in ran.err
    assert str(config_file()) in ran.err
    ran = groundcxr("evaluate", "--method", "center-prior")
    assert ran.code == 2
    assert (
        f"there is no device 'gpu'; write auto, cpu, cuda, cuda:N or mps (it is device in {config_file()})" in ran.err
    )
    # A name in quotes that is no data set can be taken out again, but the file stays its owner's otherwise.
    assert groundcxr("config", "unset", "data.ms_cxr").code == 0
    assert load_dataset("phantom", images=1)
