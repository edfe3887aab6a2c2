"""Runs meet the user's copy of the data, or say why they do not."""

import shlex
import shutil

import pytest

from groundcxr.datasets import load_dataset
from groundcxr.evaluation import evaluate, load_result
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
    for file in (*manifest.parent.glob("*.png"), manifest.with_name("groundcxr-secret")):
        (tmp_path / file.name).write_bytes(file.read_bytes())
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
    odd = data.model_copy(update={"options": {"colour": "red"}})
    assert "colour" in join(odd, {"manifest": manifest}).reason


def test_a_foreign_result_cannot_open_images_outside_the_users_folder(result, manifest, tmp_path):
    data = result().info.dataset
    (manifest.parent / "0.png").rename(tmp_path / "0.png")
    manifest.write_text(manifest.read_text().replace("0.png", "../0.png"))
    for options in ({}, {"outside": True}, {"outside": "true"}):
        joined = join(data.model_copy(update={"options": options}), {"manifest": manifest})
        assert not joined.samples
        assert "lies outside" in joined.reason


def test_phrases_made_of_classes_are_joined(manifest, tmp_path):
    found = evaluate("random", load_dataset("manifest", manifest, phrases="a {class}"), out=tmp_path / "results")
    joined = join(found.info.dataset, {"manifest": manifest}, found.info.pathologies)
    assert {sample.phrase for sample in joined.samples.values()} == {"a Edema", "a Pneumonia"}


def test_the_phantom_needs_no_root(tmp_path, monkeypatch):
    monkeypatch.setenv("GROUNDCXR_CACHE", str(tmp_path))
    phantom = load_dataset("phantom", images=2, seed=7)
    info = evaluate("random", phantom, out=tmp_path / "results").info
    joined = join(info.dataset, {}, info.pathologies)
    assert [sample.phrase for sample in joined.samples.values()] == [sample.phrase for sample in phantom]


@pytest.fixture
def phantom_run(tmp_path, monkeypatch):
    """What a run over four phantoms says of its data, on a machine that drew them."""
    monkeypatch.setenv("GROUNDCXR_CACHE", str(tmp_path))
    return evaluate("random", load_dataset("phantom", images=4), out=tmp_path / "results").info.dataset


def options(data, **changed):
    return data.model_copy(update={"split": changed.pop("split", "test"), "options": {**data.options, **changed}})


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"images": 1_000_000, "size": 4096}, "--set dataset.size=4096 --set dataset.images=1000000"),
        ({"images": 10**18}, "dataset.images=1000000000000000000"),
        ({"images": 401}, "dataset.images=401"),
        ({"size": 257}, "dataset.size=257"),
        ({"images": None, "split": "train"}, "--split train --set dataset.seed=0 --set dataset.size=256`"),
        ({"images": 134, "split": "all"}, "--split all"),
    ],
)
def test_a_page_draws_no_more_than_the_default(phantom_run, monkeypatch, changed, words):
    monkeypatch.setattr("groundcxr.datasets.phantom.cache.SplitCache.records", lambda *_: pytest.fail("it draws"))
    reason = join(options(phantom_run, **changed), {}).reason
    assert "not all drawn on this machine" in reason
    assert "`evaluate --method random --dataset phantom" in reason
    assert words in reason


@pytest.mark.parametrize("images", ["many", 10**400, 1e400, [4]])
def test_options_that_are_no_numbers_are_a_sentence(phantom_run, images):
    assert "images must be a whole number" in join(options(phantom_run, images=images), {}).reason


def test_the_command_in_the_sentence_draws_the_phantom(groundcxr, phantom_run, tmp_path):
    asked = options(phantom_run, size=260, images=2)
    words = shlex.split(join(asked, {"phantom": tmp_path / "drawn"}).reason.split("`")[1])
    ran = groundcxr(*words)
    assert ran.code == 0, ran.err
    info = load_result(tmp_path / ran.out.splitlines()[-1]).info.dataset
    assert info.options == asked.options
    assert len(join(info, {"phantom": tmp_path / "drawn"}).samples) == info.n_samples


def test_a_default_test_split_may_be_drawn(phantom_run, monkeypatch):
    asked = []
    monkeypatch.setattr(
        "groundcxr.datasets.phantom.cache.SplitCache.records", lambda cache, images, files: asked.append(images) or []
    )
    assert "is not the data of this run" in join(options(phantom_run, images=None), {}).reason
    assert asked == [400]


def test_images_outside_the_folder_given_are_not_opened(result, manifest, tmp_path, monkeypatch):
    info = result().info
    asked = []

    def load(name, root, split, **options):
        asked.append((root, options))
        return load_dataset(name, manifest, split, **options)

    monkeypatch.setattr("groundcxr.leaderboard.joining.load_dataset", load)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    for file in (manifest, *manifest.parent.glob("groundcxr-secret")):
        shutil.copy(file, elsewhere)
    # What a foreign result asks for is not the user's own choice.
    data = info.dataset.model_copy(update={"options": {"outside": True, "secret": "/etc/hostname"}})
    secret = manifest.with_name("groundcxr-secret")
    joined = join(data, {"manifest": elsewhere}, info.pathologies, secret=secret)
    assert not joined.samples
    assert f"lies outside {elsewhere}; put it, or a link to it, there" in joined.reason
    assert asked == [(elsewhere, {"secret": str(secret)})]


def test_links_in_the_folder_given_are_followed(result, manifest, tmp_path):
    info = result().info
    disk = tmp_path / "disk"
    disk.mkdir()
    for image in manifest.parent.glob("*.png"):
        image.rename(disk / image.name)
        image.symlink_to(disk / image.name)
    linked = tmp_path / "linked"
    linked.symlink_to(manifest.parent)
    for root in (manifest, linked / manifest.name):
        joined = join(info.dataset, {"manifest": root}, info.pathologies)
        assert joined.reason == ""
        assert len(joined.samples) == 5


def test_a_page_makes_no_secret_and_is_told_where_it_is(result, manifest, tmp_path):
    found = result()
    secret = manifest.with_name("groundcxr-secret")
    kept = secret.rename(tmp_path / "kept")
    missing = join(found.info.dataset, {"manifest": manifest}, found.info.pathologies)
    assert "start with --secret FILE" in missing.reason
    assert not secret.exists()
    there = join(found.info.dataset, {"manifest": manifest}, found.info.pathologies, secret=kept)
    assert list(there.samples) == found.samples["sample_id"].tolist()
    secret.write_text("ab" * 32)
    other = join(found.info.dataset, {"manifest": manifest}, found.info.pathologies)
    assert "keyed with another secret" in other.reason
