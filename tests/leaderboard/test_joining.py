"""Runs meet the user's copy of the data, or say why they do not."""

import pytest

from groundcxr.datasets import load_dataset
from groundcxr.evaluation import evaluate
from groundcxr.leaderboard.joining import join


@pytest.fixture
def result(manifest, tmp_path):
    def run(**options):
        return evaluate("random", load_dataset("manifest", manifest), out=tmp_path / "results", **options)

    return run


def test_a_run_finds_its_samples_by_id(result, manifest):
    found = result()
    joined = join(found.info.dataset, {"manifest": manifest}, found.info.pathologies)
    assert joined.reason == ""
    assert list(joined.samples) == found.samples["sample_id"].tolist()
    assert {sample.phrase for sample in joined.samples.values()} == {*(f"opacity {i}" for i in range(4)), "another one"}


@pytest.mark.parametrize("part", [{"limit": 2}, {"pathology": "Edema"}, {"pathology": "Edema", "limit": 3}])
def test_a_limited_or_filtered_run_finds_its_part(result, manifest, part):
    found = result(**part)
    joined = join(found.info.dataset, {"manifest": manifest}, found.info.pathologies)
    assert list(joined.samples) == found.samples["sample_id"].tolist()


def test_a_copy_that_changed_is_refused(result, manifest, tmp_path):
    found = result()
    other = tmp_path / "other.csv"
    other.write_text(manifest.read_text().replace("opacity 2", "opacity two"))
    for image in manifest.parent.glob("*.png"):
        (tmp_path / image.name).write_bytes(image.read_bytes())
    joined = join(found.info.dataset, {"manifest": other}, found.info.pathologies)
    assert not joined.samples
    assert "is not the data of this run" in joined.reason
    assert found.info.dataset.fingerprint[:12] in joined.reason


def test_what_is_not_here_is_said(result, manifest, tmp_path):
    data = result().info.dataset
    assert "start with --data manifest=ROOT" in join(data, {}).reason
    missing = join(data, {"manifest": tmp_path / "nowhere.csv"}).reason
    assert "there is no file or folder" in missing
    assert "no data set 'foreign' is known here" in join(data.model_copy(update={"name": "foreign"}), {}).reason
    assert "has no fingerprint" in join(data.model_copy(update={"fingerprint": ""}), {"manifest": manifest}).reason
    odd = data.model_copy(update={"options": {"colour": "red"}})
    assert "colour" in join(odd, {"manifest": manifest}).reason


def test_the_phantom_needs_no_root(tmp_path, monkeypatch):
    monkeypatch.setenv("GROUNDCXR_CACHE", str(tmp_path))
    phantom = load_dataset("phantom", images=2, seed=7)
    info = evaluate("random", phantom, out=tmp_path / "results").info
    joined = join(info.dataset, {}, info.pathologies)
    assert [sample.phrase for sample in joined.samples.values()] == [sample.phrase for sample in phantom]
