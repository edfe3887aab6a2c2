"""The prediction store: what goes in comes out, whoever else writes."""

import io
import json
import os
import stat
import subprocess
import sys
import threading
import zipfile
import zlib

import numpy as np
import pytest

from groundcxr import Box, Grounding, Heatmap
from groundcxr.core import StoreError
from groundcxr.evaluation.grounding_notes import Way
from groundcxr.evaluation.prediction import Failure, decode, encode, image_key, query_key
from groundcxr.evaluation.store import PredictionStore, sample_keys

SHA = "a" * 64
WAY = Way(device="cpu", batch_size=4, packages={"numpy": "2.0"}, git=None)


def grounding(value=1.0):
    values = np.array([[value, 1 / 3], [np.float32(1e-30), -7]])
    return Grounding(Heatmap(values, Box(1, 2, 9, 8), (10, 12)), (Box(0.5, 1, 2.25, 3), Box(1, 1, 2, 2, score=0.125)))


def same(one, other):
    assert one.boxes == other.boxes
    np.testing.assert_array_equal(one.heatmap.values, other.heatmap.values)
    assert (one.heatmap.extent, one.heatmap.image_size) == (other.heatmap.extent, other.heatmap.image_size)


@pytest.fixture
def store(tmp_path):
    return PredictionStore(tmp_path, "mine", "f" * 64, {"name": "mine"})


def test_predictions_come_back_as_they_went_in(store):
    store.add({SHA: {"k1": grounding(), "k2": Grounding(), "k3": Failure("ValueError", "nothing"), "k4": grounding(2)}})
    back = store.read(SHA)
    same(back["k1"], grounding())
    same(back["k4"], grounding(2))
    assert (back["k2"].heatmap, back["k2"].boxes) == (None, ())
    assert back["k3"] == Failure("ValueError", "nothing")
    assert store.read("b" * 64) == {}


def test_equal_predictions_are_equal_bytes():
    assert encode({"a": grounding(), "b": Grounding()}) == encode({"b": Grounding(), "a": grounding()})
    assert encode({"a": grounding()}) != encode({"a": grounding(2)})


def test_what_is_there_stays_and_failures_give_way(store):
    store.add({SHA: {"old": grounding(), "broken": Failure("E", "m")}})
    store.add({SHA: {"old": grounding(5), "broken": grounding(6), "new": grounding(7)}})
    back = store.read(SHA)
    same(back["old"], grounding())
    same(back["broken"], grounding(6))
    same(back["new"], grounding(7))


@pytest.mark.parametrize("content", [b"", b"half a fi", b"<!doctype html>", encode({"a": grounding()})[:-30]])
def test_damaged_file_is_named(store, content):
    store.add({SHA: {"k": grounding()}})
    (path,) = store.folder.rglob("*.npz")
    path.write_bytes(content)
    with pytest.raises(StoreError, match=f"{path.name} are damaged.*run evaluate"):
        store.read(SHA)


def flipped(content, count):
    rng = np.random.default_rng(11)
    places = rng.integers(0, len(content), count)
    for place, bits in zip(places, rng.choice([1, 2, 16, 128, 255], count), strict=True):
        damaged = bytearray(content)
        damaged[place] ^= int(bits)
        yield bytes(damaged)


def test_no_damage_gives_other_predictions_or_another_error():
    """Deflated data, headers of the zip and of the arrays, the directory: all of them are hit."""
    rng = np.random.default_rng(0)
    values = rng.random((20, 30)).round(1)
    whole = {
        "a": Grounding(Heatmap.whole(values, (60, 40)), (Box(1, 2, 3, 4, 0.5),)),
        "b": Failure("ValueError", "nothing here " * 9),
        "c": Grounding(None, (Box(0, 0, 1, 1),), truncated=True),
    }
    content = encode(whole)
    refused = 0
    for damaged in [*flipped(content, 700), *(content[:end] for end in range(0, len(content), 40))]:
        try:
            back = decode(damaged)
        except ValueError:
            refused += 1
            continue
        assert list(back) == ["a", "b", "c"]
        assert encode(back) == content
    assert refused > 500


def test_an_arrays_header_that_says_less_than_there_is_is_damage():
    content = encode({"a": Grounding(Heatmap.whole(np.arange(24.0).reshape(4, 6), (12, 8)))})
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
        checksums = {info.filename: info.CRC for info in archive.infolist()}
    files["a.npy"] = files["a.npy"].replace(b"(4, 6)", b"(4, 3)")
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    # With the checksum of what was written: the shape is read before NumPy could know.
    damaged = buffer.getvalue()
    damaged = damaged.replace(
        zlib.crc32(files["a.npy"]).to_bytes(4, "little"), checksums["a.npy"].to_bytes(4, "little")
    )
    with pytest.raises(ValueError, match="CRC"):
        decode(damaged)


def test_a_header_that_claims_terabytes_is_damage(store):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        header = b"{'descr': '|u1', 'fortran_order': False, 'shape': (8796093022208,), }"
        archive.writestr("predictions.npy", b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header)
    with pytest.raises(ValueError, match=r"\w"):
        decode(buffer.getvalue())


@pytest.mark.parametrize(
    "items",
    [
        [{"key": "k", "boxes": [[0, 0, float("nan"), 1, None]]}],
        [{"key": "k", "boxes": [[0, 0, 1]]}],
        [{"key": "k", "boxes": [], "extent": [0, 0, 2, 2], "image_size": [2, 2]}],
        [{"key": "k", "failed": ["E"]}],
        [{"key": "k"}],
        ["k"],
        None,
    ],
)
def test_contents_that_are_no_predictions_are_damage(items):
    meta = json.dumps({"schema": 1, "items": items}).encode()
    buffer = io.BytesIO()
    np.savez(buffer, predictions=np.frombuffer(meta, dtype=np.uint8))
    with pytest.raises(ValueError, match=r"\w"):
        decode(buffer.getvalue())


def test_a_damaged_file_has_nothing_to_keep_and_gives_way(store):
    store.add({SHA: {"k": grounding(), "lost": grounding()}})
    (path,) = store.folder.rglob("*.npz")
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 255
    path.write_bytes(content)
    with pytest.raises(StoreError, match="damaged"):
        store.read(SHA)
    store.add({SHA: {"k": grounding(3)}})
    assert list(store.read(SHA)) == ["k"]
    same(store.read(SHA)["k"], grounding(3))


def test_a_pipe_in_a_files_place_does_not_keep_the_reader_waiting(store):
    store.add({SHA: {"k": grounding()}})
    (path,) = store.folder.rglob("*.npz")
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(StoreError, match="a named pipe"):
        store.read(SHA)
    os.mkfifo(store.folder / "undeclared-files.json")
    assert store.undeclared() == []
    os.mkfifo(store.folder / "seconds.jsonl")
    with pytest.raises(StoreError, match="a named pipe"):
        store.note_grounding(WAY, {}, {})


def test_words_about_samples_that_are_nested_without_end_are_written_again(store):
    store.note_samples("d" * 64, {"s": "k"})
    (file,) = store.folder.glob("samples/*.json")
    file.write_text("[" * 100_000)
    assert sample_keys(store.folder, "d" * 64) == {}
    store.note_samples("d" * 64, {"s": "k"})
    assert sample_keys(store.folder, "d" * 64) == {"s": "k"}


def test_scoring_without_a_sample_leaves_what_is_noted_of_it_and_one_that_lost_its_prediction_goes(store):
    store.note_samples("d" * 64, {"skipped later": "k", "lost": "k", "other": "k"})
    store.note_samples("d" * 64, {"lost": None, "other": "new", "first": "k"})
    assert sample_keys(store.folder, "d" * 64) == {"skipped later": "k", "other": "new", "first": "k"}


def test_the_store_is_its_owners_alone(store):
    mask = os.umask(0o022)
    try:
        store.add({SHA: {"k": Failure("ValueError", "a phrase")}})
        store.note_grounding(WAY, {}, {image_key(SHA): Grounded(0.25, ["k"])})
        store.note_samples("d" * 64, {"sample": "key"})
    finally:
        os.umask(mask)
    for path in store.folder.rglob("*"):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path


def test_where_no_thread_can_be_started_files_are_written_one_after_another(store, monkeypatch):
    def start(self):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", start)
    hashes = [f"{number:064x}" for number in range(12)]
    store.add({sha: {"k": grounding(number)} for number, sha in enumerate(hashes)})
    for number, sha in enumerate(hashes):
        same(store.read(sha)["k"], grounding(number))


def test_pickles_are_never_loaded(tmp_path):
    path = tmp_path / "evil.npz"
    np.savez(path, predictions=np.array([{"a": 1}], dtype=object))
    with pytest.raises(ValueError, match="pickle"):
        decode(path.read_bytes())


def test_seconds_survive_a_line_cut_by_a_kill(store):
    store.add({SHA: {"k": grounding()}})
    store.note_grounding(WAY, {"host": 100.0}, {image_key(SHA): Grounded(0.25, ["k"])})
    with (store.folder / "seconds.jsonl").open("a") as file:
        file.write('\n["abc", 0.')
    store.note_grounding(WAY, {"host": 90.0}, {image_key("b" * 64): Grounded(0.5, [])})
    assert store.notes.seconds() == {image_key(SHA): 0.25, image_key("b" * 64): 0.5}


def test_answers_keep_the_way_in_which_they_were_made(store):
    gpu = WAY.model_copy(update={"device": "cuda", "batch_size": 16})
    image, other = image_key(SHA), image_key("b" * 64)
    store.add({SHA: {"k1": grounding()}})
    store.note_grounding(WAY, {"host": 100.0}, {image: Grounded(0.25, ["k1"])})
    # The image is asked again, and what was there stays.
    store.note_grounding(
        gpu, {"host": 300.0, "gpu": 50.5}, {image: Grounded(0.5, ["k2"]), other: Grounded(0.5, ["k1"])}
    )
    store.note_grounding(gpu, {"host": 200.0, "gpu": 70.5}, {image_key("c" * 64): Grounded(0.5, ["k1"])})
    found = store.notes.grounded_with([f"{image}-k1", f"{image}-k2", f"{other}-k1", "nobody-knows"])
    assert [(way.device, way.batch_size, way.n_samples) for way in found] == [("cuda", 16, 2), ("cpu", 4, 1)]
    assert [way.peak_memory_mb for way in found] == [{"host": 300.0, "gpu": 70.5}, {"host": 100.0}]
    assert store.notes.seconds()[image] == 0.5


def test_notes_of_older_stores_and_damaged_ones_are_passed_over(store):
    store.add({SHA: {"k": grounding()}})
    store.note_grounding(WAY, {"host": 100.0}, {image_key(SHA): Grounded(0.25, ["k"])})
    with (store.folder / "seconds.jsonl").open("a") as file:
        file.write('\n["old", 0.5]\n["odd", 1, 2]\n["odd", 1, "w", [], 3]\n[]\n{}\nnull\n\x00\n' + "[" * 100_000)
    assert store.notes.seconds()["old"] == 0.5
    assert len(store.notes.grounded_with([f"{image_key(SHA)}-k"])) == 1
    for way in (store.folder / "grounded").iterdir():
        way.write_text("{")
    assert store.notes.grounded_with([f"{image_key(SHA)}-k"]) == []


def test_keys_cover_all_that_a_method_reads():
    keys = {query_key(SHA, "a", "b"), query_key(SHA, "b", "a"), query_key("b" * 64, "a", "b"), query_key(SHA, "ab", "")}
    assert len(keys) == 4


WRITER = """
import sys, numpy as np
from pathlib import Path
from groundcxr import Grounding, Heatmap
from groundcxr.evaluation.store import PredictionStore
store = PredictionStore(Path(sys.argv[1]), "mine", "f" * 64, {"name": "mine"})
for number in range(40):
    key = f"{sys.argv[2]}-{number}"
    store.add({"a" * 64: {key: Grounding(Heatmap.whole(np.full((2, 2), number), (4, 4)))}})
"""


def test_two_runs_may_write_one_image_at_once(store, tmp_path):
    command = [sys.executable, "-c", WRITER, str(tmp_path)]
    writers = [subprocess.Popen([*command, name], cwd=tmp_path) for name in ("one", "two")]
    assert [writer.wait(timeout=120) for writer in writers] == [0, 0]
    assert set(store.read(SHA)) == {f"{name}-{number}" for name in ("one", "two") for number in range(40)}


def test_a_second_writer_where_there_are_no_locks_notes_nothing(store, monkeypatch):
    store.add({SHA: {"k": grounding()}})
    monkeypatch.setattr("fcntl.flock", lambda *_: (_ for _ in ()).throw(OSError(95, "Operation not supported")))
    (store.folder / ".writer").write_text("other.host-12-34\n")
    with pytest.raises(StoreError, match=r"process 12 on other\.host writes in"):
        store.note_grounding(WAY, {"host": 1.0}, {image_key(SHA): Grounded(1.0, ["k"])})
    assert store.notes.seconds() == {}
