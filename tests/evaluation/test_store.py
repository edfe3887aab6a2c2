"""The prediction store: what goes in comes out, whoever else writes."""

import subprocess
import sys

import numpy as np
import pytest

from groundcxr import Box, Grounding, Heatmap
from groundcxr.core import StoreError
from groundcxr.evaluation.grounding_notes import Grounded, Way
from groundcxr.evaluation.prediction import Failure, decode, encode, image_key, query_key
from groundcxr.evaluation.store import PredictionStore

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


def test_pickles_are_never_loaded(tmp_path):
    path = tmp_path / "evil.npz"
    np.savez(path, predictions=np.array([{"a": 1}], dtype=object))
    with pytest.raises(ValueError, match="pickle"):
        decode(path.read_bytes())


def test_seconds_survive_a_line_cut_by_a_kill(store):
    store.add({SHA: {"k": grounding()}})
    store.notes.add(WAY, {"host": 100.0}, {image_key(SHA): Grounded(0.25, ["k"])})
    with (store.folder / "seconds.jsonl").open("a") as file:
        file.write('\n["abc", 0.')
    store.notes.add(WAY, {"host": 90.0}, {image_key("b" * 64): Grounded(0.5, [])})
    assert store.notes.seconds() == {image_key(SHA): 0.25, image_key("b" * 64): 0.5}


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
