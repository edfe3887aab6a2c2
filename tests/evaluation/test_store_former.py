"""Stores of before, an archive an image: converted on first use, or read as they are where they may not be written."""

import io
import json
import os
import shutil

import numpy as np
import pytest

from groundcxr import Box, Grounding, Heatmap, evaluate
from groundcxr.core import StoreError
from groundcxr.evaluation.grounding_notes import Way
from groundcxr.evaluation.prediction import Failure, encode, image_key
from groundcxr.evaluation.store import PredictionStore, StoredPredictions, former
from groundcxr.leaderboard.library import Library

HASHES = [f"{number:064x}" for number in range(40)]
WAY = Way(device="cuda", batch_size=4, packages={"numpy": "2.0"}, git=None)


def archive(predictions):
    """An archive as it was written then."""
    arrays, items = {}, []
    for key in sorted(predictions):
        one = predictions[key]
        if isinstance(one, Failure):
            items.append({"key": key, "failed": [one.kind, one.message]})
            continue
        item = {"key": key, "boxes": [[*box.as_tuple(), box.score] for box in one.boxes]}
        if one.truncated:
            item["truncated"] = True
        if one.heatmap is not None:
            arrays[key] = one.heatmap.values
            item["extent"], item["image_size"] = one.heatmap.extent.as_tuple(), one.heatmap.image_size
        items.append(item)
    meta = json.dumps({"schema": 1, "items": items}, separators=(",", ":")).encode()
    buffer = io.BytesIO()
    np.savez_compressed(buffer, predictions=np.frombuffer(meta, dtype=np.uint8), **arrays)
    return buffer.getvalue()


def predictions(number):
    values = np.random.default_rng(number).random((3, 4))
    return {
        "map": Grounding(Heatmap(values, Box(1, 2, 9, 8), (10, 12)), (Box(0.5, 1, 2.25, 3), Box(1, 1, 2, 2, 0.125))),
        "text": Grounding(None, (), True),
        "no": Failure("ValueError", f"a phrase {number}"),
    }


def write_former(folder, files):
    """A method's folder as it was: archives, notes, locks."""
    lines = []
    for sha256, answers in files.items():
        key = image_key(sha256)
        (folder / key[:2]).mkdir(parents=True, exist_ok=True)
        (folder / key[:2] / f"{key}.npz").write_bytes(archive(answers))
        (folder / key[:2] / ".lock").touch()
        lines += [[key, 0.25, WAY.id, {"host": 100.0}, list(answers)], [key, 0.5]]
    (folder / "method.json").write_text('{"name": "mine"}')
    (folder / "seconds.jsonl").write_text("".join(f"\n{json.dumps(line)}" for line in lines) + '\n["abc", 0.')
    (folder / "grounded").mkdir()
    (folder / f"grounded/{WAY.id}.json").write_text(WAY.model_dump_json(indent=2))
    (folder / "samples").mkdir()
    (folder / f"samples/{'d' * 16}.json").write_text('{"sample": "key"}')
    (folder / "undeclared-files.json").write_text('["/a"]')
    (folder / ".lock").touch()


@pytest.fixture
def store(tmp_path):
    store = PredictionStore(tmp_path / "store", "mine", "f" * 64, {"name": "mine"})
    write_former(store.folder, {sha: predictions(number) for number, sha in enumerate(HASHES)})
    return store


EXPECTED = sorted(
    (image_key(sha), key, encode(one)) for number, sha in enumerate(HASHES) for key, one in predictions(number).items()
)


def is_whole(folder):
    store = StoredPredictions(folder)
    keys = [f"{image}-{query}" for image, query, _ in EXPECTED]
    ((way,), seconds) = store.notes.grounded_with(keys), store.notes.seconds()
    assert (way.device, way.n_samples, way.peak_memory_mb) == ("cuda", 120, {"host": 100.0})
    assert seconds == {image_key(sha): 0.5 for sha in HASHES}
    assert store.undeclared() == ["/a"]
    return list(store.members()) == EXPECTED


def test_it_is_converted_without_loss(store):
    assert store.known(HASHES[3]) == {"map": True, "text": True, "no": False}
    assert is_whole(store.folder)
    left = sorted(path.name for path in store.folder.iterdir())
    assert left == ["batches", "method.json", "samples", "undeclared-files.json"]
    assert len(list(store.folder.glob("batches/*"))) == 1
    store.note_samples("d" * 64, {"other": "key"})
    (noted,) = store.folder.glob("samples/*")
    assert json.loads(noted.read_text()) == {"sample": "key", "other": "key"}


class Killed(BaseException):
    """As a kill, an exception that nothing handles."""


@pytest.mark.parametrize("call", ["open", "replace", "unlink", "rmdir"])
def test_a_kill_at_any_moment_loses_nothing(store, monkeypatch, call):
    monkeypatch.setattr(former, "_TOGETHER", 1000)
    whole = store.folder.with_name("whole")
    shutil.copytree(store.folder, whole)
    real = getattr(os, call)
    for moment in range(1, 200, 6):
        shutil.rmtree(store.folder)
        shutil.copytree(whole, store.folder)
        left = [moment]

        def die(*arguments, left=left, **options):
            left[0] -= 1
            if left[0] == 0:
                raise Killed
            return real(*arguments, **options)

        with monkeypatch.context() as patched:
            patched.setattr(os, call, die)
            try:
                PredictionStore(store.folder.parent, "mine", "f" * 64, {}).known(HASHES[0])
            except Killed:
                pass
            else:
                break
        assert list(StoredPredictions(store.folder).members()) == EXPECTED
        PredictionStore(store.folder.parent, "mine", "f" * 64, {}).known(HASHES[0])
        assert is_whole(store.folder)
    else:
        pytest.fail("it never came to its end")


def test_two_nodes_that_convert_it_at_once_lose_nothing(store, monkeypatch):
    monkeypatch.setattr(former, "_TOGETHER", 1000)
    real, met = former.write_atomically, []

    def write(*arguments, **options):
        met.append(1)
        if len(met) == 3:
            PredictionStore(store.folder.parent, "mine", "f" * 64, {}).known(HASHES[0])
        real(*arguments, **options)

    monkeypatch.setattr(former, "write_atomically", write)
    store.known(HASHES[0])
    assert len(met) > 6
    assert is_whole(store.folder)


def test_where_it_may_not_be_written_it_is_read_as_it_is(store, monkeypatch):
    def refused(*_, **__):
        raise StoreError("read-only")

    monkeypatch.setattr(former, "write_atomically", refused)
    before = sorted(store.folder.rglob("*"))
    assert store.known(HASHES[3]) == {"map": True, "text": True, "no": False}
    assert encode(store.read(HASHES[3])["map"]) == encode(predictions(3)["map"])
    assert list(store.members()) == EXPECTED
    read = StoredPredictions(store.folder)
    assert encode(read.answer(image_key(HASHES[3]), "map")) == encode(predictions(3)["map"])
    assert sorted(path for path in store.folder.rglob("*") if path.name != "batches") == before


def test_a_damaged_archive_is_told_and_made_again(store):
    key = image_key(HASHES[5])
    path = store.folder / key[:2] / f"{key}.npz"
    path.write_bytes(path.read_bytes()[:-30])
    assert store.known(HASHES[5]) == {}
    assert store.known(HASHES[6]) != {}
    with pytest.raises(StoreError, match=f"{path.name} are damaged.*run evaluate"):
        store.read(HASHES[5])
    store.add({HASHES[5]: {"map": Grounding()}})
    assert list(store.read(HASHES[5])) == ["map"]
    assert not path.parent.exists()


def test_a_whole_run_goes_on_from_it(tiny, tmp_path, monkeypatch):
    first = evaluate("center-prior", tiny, out=tmp_path)
    (folder,) = (tmp_path / "store").iterdir()
    stored = StoredPredictions(folder)
    images = {image for image, _, _ in stored.members()}
    answers = {image: stored.answers(image) for image in images}
    shutil.rmtree(folder / "batches")
    for image, its in answers.items():
        (folder / image[:2]).mkdir(exist_ok=True)
        (folder / image[:2] / f"{image}.npz").write_bytes(archive(its))
    (run,) = Library.scan([tmp_path]).runs
    assert run.prediction(tiny[0].sample_id) is not None
    assert not (folder / "batches").exists()
    monkeypatch.setattr("groundcxr.evaluation.worker.ground_safely", lambda *_: pytest.fail("grounded again"))
    again = evaluate("center-prior", tiny, out=tmp_path)
    assert again.info.overall == first.info.overall
    assert not list(folder.rglob("*.npz"))
