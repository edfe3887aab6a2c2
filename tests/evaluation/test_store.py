"""The prediction store: what goes in comes out, whoever else writes."""

import os
import pickle
import re
import socket
import stat
import subprocess
import sys

import numpy as np
import pytest

from groundcxr import Box, Grounding, Heatmap
from groundcxr.core import StoreError
from groundcxr.evaluation.grounding_notes import Made, Way
from groundcxr.evaluation.prediction import Failure, decode, encode, image_key, query_key
from groundcxr.evaluation.store import PredictionStore, sample_keys, words
from groundcxr.evaluation.store.batch_file import read_directory
from groundcxr.evaluation.store.housekeeping import verified

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
    assert encode(grounding()) == encode(grounding())
    assert encode(grounding()) != encode(grounding(2))


def test_stores_are_equal_whatever_batches_they_were_made_in(store, tmp_path):
    answers = {f"{number:064x}": {"k": grounding(number), "f": Failure("E", "m")} for number in range(9)}
    store.add(answers)
    other = PredictionStore(tmp_path / "other", "mine", "f" * 64, {})
    for sha, its in reversed(answers.items()):
        for key, one in its.items():
            other.add({sha: {key: one}}, Made(WAY, {}, 0.5))
    assert list(other.members()) == list(store.members())
    assert len(list(store.members())) == 18
    other.add({"b" * 64: {"k": grounding()}})
    assert list(other.members()) != list(store.members())


def test_what_is_there_stays_and_failures_give_way(store):
    store.add({SHA: {"old": grounding(), "broken": Failure("E", "m")}})
    store.add({SHA: {"old": grounding(5), "broken": grounding(6), "new": grounding(7)}})
    back = store.read(SHA)
    same(back["old"], grounding())
    same(back["broken"], grounding(6))
    same(back["new"], grounding(7))


def test_a_failure_is_replaced_by_a_later_one_and_an_answer_only_when_asked_to(store):
    store.add({SHA: {"k": Failure("E", "first")}})
    store.add({SHA: {"k": Failure("E", "second")}})
    assert store.read(SHA)["k"].message == "second"
    store.add({SHA: {"k": grounding()}})
    store.add({SHA: {"k": Failure("E", "third")}})
    same(store.read(SHA)["k"], grounding())
    store.add({SHA: {"k": Failure("E", "fourth")}}, replace=True)
    assert PredictionStore(store.folder.parent, "mine", "f" * 64, {}).read(SHA)["k"].message == "fourth"


def test_a_failure_that_comes_again_writes_nothing(store):
    store.add({SHA: {"k": Failure("E", "m")}})
    before = batches(store)
    store.add({SHA: {"k": Failure("E", "m")}}, Made(WAY, {}, 1.0))
    assert batches(store) == before


def batches(store):
    return sorted(store.folder.glob("batches/*"))


def again(store):
    """The store as another process sees it."""
    return pickle.loads(pickle.dumps(store))


@pytest.mark.parametrize("cut", [0, 10, 60, 200])
def test_a_damaged_file_is_named(store, cut):
    store.add({SHA: {"k": grounding()}})
    (path,) = batches(store)
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(StoreError, match=f"{path.name} are damaged.*run evaluate"):
        again(store).read(SHA)
    assert again(store).known(SHA) == {}


def test_every_flipped_byte_and_every_cut_is_found_and_nothing_else_is_read(store):
    """Or the whole file is still read as it was written; nothing between."""
    values = np.random.default_rng(0).random((6, 5)).round(1)
    store.add(
        {
            SHA: {"a": Grounding(Heatmap.whole(values, (60, 40)), (Box(1, 2, 3, 4, 0.5),))},
            "b" * 64: {"b": Failure("ValueError", "nothing here "), "c": Grounding(None, (Box(0, 0, 1, 1),), True)},
        },
        Made(WAY, {"host": 10.0}, 0.25),
    )
    whole, (path,) = list(store.members()), batches(store)
    content = path.read_bytes()
    damaged = [content[:end] for end in range(0, len(content), 7)]
    for place in range(len(content)):
        other = bytearray(content)
        other[place] ^= (1, 16, 255)[place % 3]
        damaged.append(bytes(other))
    for one in damaged:
        path.write_bytes(one)
        with pytest.raises(StoreError, match="damaged"):
            list(again(store).members()) + [again(store).read(sha) for sha in (SHA, "b" * 64)]
        assert verified(store.folder) != []
    path.write_bytes(content)
    assert list(again(store).members()) == whole
    assert verified(store.folder) == []


def test_what_is_damaged_is_left_out_and_what_is_sound_stays(store):
    store.add({f"{number:064x}": {"k": grounding(number)} for number in range(5)})
    (path,) = batches(store)
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    other = again(store)
    assert sum(len(other.known(f"{number:064x}")) for number in range(5)) == 5
    with pytest.raises(StoreError, match="damaged"):
        other.read(f"{4:064x}")
    assert other.mend()
    assert [len(other.known(f"{number:064x}")) for number in range(5)] == [1, 1, 1, 1, 0]
    other.add({f"{4:064x}": {"k": grounding(7)}})
    same(store.read(f"{4:064x}")["k"], grounding(7))
    same(store.read(f"{1:064x}")["k"], grounding(1))
    assert not other.mend()


def test_a_file_of_which_nothing_can_be_read_gives_way(store):
    store.add({SHA: {"k": grounding(), "lost": grounding()}})
    (path,) = batches(store)
    path.write_bytes(b"half a fi")
    other = again(store)
    other.add({SHA: {"k": grounding(3)}})
    assert list(other.read(SHA)) == ["k"]
    assert path not in batches(store)


def test_a_file_of_a_newer_version_is_not_taken_for_damage(store):
    import hashlib

    store.add({SHA: {"k": grounding()}})
    (path,) = batches(store)
    start = b"groundcxr predictions 2\n" + (0).to_bytes(8, "little")
    path.write_bytes(start + hashlib.sha256(start).digest()[:16])
    with pytest.raises(StoreError, match="newer groundcxr"):
        again(store).read(SHA)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x02\0\0\0[]",
        b'\x0e\0\0\0{"boxes":[1]}',
        b'\x10\0\0\0{"failed":["E"]}',
        encode(Grounding(Heatmap.whole(np.ones((2, 2)), (4, 4))))[:-4],
        b"\xff\xff\xff\xff{}",
    ],
)
def test_contents_that_are_no_prediction_are_refused(content):
    with pytest.raises(ValueError, match=r"\w"):
        decode(content)


def test_a_pipe_in_a_files_place_does_not_keep_the_reader_waiting(store):
    store.add({SHA: {"k": grounding()}})
    (path,) = batches(store)
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(StoreError, match="a named pipe"):
        again(store).read(SHA)
    os.mkfifo(store.folder / "undeclared-files.json")
    assert store.undeclared() == []


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
    assert len(list(store.folder.glob("samples/*"))) == 1


def test_two_runs_that_note_samples_at_one_moment_are_both_heard(store, monkeypatch):
    store.note_samples("d" * 64, {"old": "k"})
    real, met = words.write_atomically, []

    def write(path, content, **options):
        if not met:
            met.append(path)
            again(store).note_samples("d" * 64, {"theirs": "k"})
        real(path, content, **options)

    monkeypatch.setattr(words, "write_atomically", write)
    store.note_samples("d" * 64, {"mine": "k"})
    assert sample_keys(store.folder, "d" * 64) == {"old": "k", "theirs": "k", "mine": "k"}
    store.note_samples("d" * 64, {"later": "k"})
    assert set(sample_keys(store.folder, "d" * 64)) == {"old", "theirs", "mine", "later"}
    assert len(list(store.folder.glob("samples/*"))) == 1


def test_undeclared_files_of_all_runs_are_noted(store):
    store.note_undeclared(["/a", "/b"])
    again(store).note_undeclared(["/c"])
    (store.folder / "undeclared-files.json").write_text('["/of before"]')
    assert store.undeclared() == ["/a", "/b", "/c", "/of before"]


def test_the_store_is_its_owners_alone(store):
    mask = os.umask(0o022)
    try:
        store.add({SHA: {"k": Failure("ValueError", "a phrase")}}, Made(WAY, {}, 0.25))
        store.note_samples("d" * 64, {"sample": "key"})
        store.note_undeclared(["/home/me/file"])
    finally:
        os.umask(mask)
    for path in store.folder.rglob("*"):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path


def test_answers_keep_the_way_in_which_they_were_made(store):
    gpu = WAY.model_copy(update={"device": "cuda", "batch_size": 16})
    image, other = image_key(SHA), image_key("b" * 64)
    store.add({SHA: {"k1": grounding()}}, Made(WAY, {"host": 100.0}, 0.25))
    # The image is asked again, and what was there stays.
    answers = {SHA: {"k1": grounding(2), "k2": grounding()}, "b" * 64: {"k1": grounding()}}
    store.add(answers, Made(gpu, {"host": 300.0, "gpu": 50.5}, 0.5))
    store.add({"c" * 64: {"k1": grounding()}}, Made(gpu, {"host": 200.0, "gpu": 70.5}, 0.5))
    store.add({"c" * 64: {"k2": grounding()}})
    keys = [f"{image}-k1", f"{image}-k2", f"{other}-k1", "nobody-knows", f"{image_key('c' * 64)}-k2"]
    for one in (store, again(store)):
        found = one.notes.grounded_with(keys)
        assert [(way.device, way.batch_size, way.n_samples) for way in found] == [("cuda", 16, 2), ("cpu", 4, 1)]
        assert [way.peak_memory_mb for way in found] == [{"host": 300.0, "gpu": 70.5}, {"host": 100.0}]
        assert one.notes.seconds() == {image: 0.5, other: 0.5, image_key("c" * 64): 0.5}
        assert {on: (pace.samples, pace.seconds) for on, pace in one.notes.paces().items()} == {
            "cpu": (1, 0.25),
            "cuda": (3, 0.5),
        }


def test_the_kind_of_machine_is_noted_and_its_name_is_not(store):
    store.add({SHA: {"k": grounding()}}, Made(WAY, {}, 0.25))
    (path,) = batches(store)
    items, _ = read_directory(path)
    assert re.match(r"\w+ \w+, \d+ CPUs$", items[0].origin.host)
    assert socket.gethostname() not in items[0].origin.host
    assert items[0].origin.way == WAY


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


def test_of_two_copies_one_counts_for_every_reader_in_whatever_order_files_are_listed(tmp_path):
    """All pairs of writers that did not see one another."""
    hashes = [f"{number:064x}" for number in range(30)]
    contents = {}
    for name, value in (("one", 1), ("two", 2)):
        store = PredictionStore(tmp_path / name, "mine", "f" * 64, {})
        store.add({sha: {"k": grounding(value)} for sha in hashes}, Made(WAY, {}, value))
        store.add({"f" * 64: {"k": grounding() if name == "one" else Failure("E", "m")}})
        contents[name] = [path.read_bytes() for path in batches(store)]
    seen = []
    for order in (("one", "two"), ("two", "one")):
        store = PredictionStore(tmp_path / "-".join(order), "mine", "f" * 64, {})
        (store.folder / "batches").mkdir(parents=True)
        for number, content in enumerate(content for name in order for content in contents[name]):
            (store.folder / f"batches/{number:020d}-a-0.batch").write_bytes(content)
        seen.append((list(store.members()), store.notes.seconds()))
        assert store.known("f" * 64) == {"k": True}
    assert seen[0] == seen[1]
    assert len(seen[0][0]) == 31


def test_what_was_made_anew_counts_before_what_its_writer_saw(store):
    """A batch that a slow run adds later, having seen nothing, does not undo it."""
    slow = again(store)
    slow.known(SHA)
    for number in range(8):
        key = f"k{number}"
        store.add({SHA: {key: Failure("E", "m")}})
        store.add({SHA: {key: grounding(number)}}, replace=True)
        late = PredictionStore(store.folder.parent / "late", "mine", "f" * 64, {})
        late.add({SHA: {key: grounding(100)}})
        (path,) = batches(late)
        path.rename(store.folder / "batches" / path.name)
        same(again(store).read(SHA)[key], grounding(number))
