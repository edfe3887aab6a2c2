"""Where and with what predictions were made stays with them, whoever scores them later."""

import json
import os
import shutil
import subprocess

import numpy as np
import pytest

from groundcxr import Grounding, GroundingMethod, Heatmap, evaluate
from groundcxr.evaluation import load_result
from groundcxr.evaluation import provenance as where
from groundcxr.evaluation.store.batch_file import Origin, pack, read_directory
from groundcxr.evaluation.store.compaction import member_of
from groundcxr.evaluation.store.index import read_all


class Plain(GroundingMethod):
    revision = "1"

    def ground(self, image, phrases):
        return [Grounding(Heatmap.whole(np.eye(3), image.size)) for _ in phrases]


@pytest.fixture(autouse=True)
def gpus(monkeypatch):
    monkeypatch.setattr("groundcxr.evaluation.provenance.gpu_count", lambda: 1)


def test_a_rerun_in_which_all_is_stored_repeats_it(tiny, tmp_path, monkeypatch):
    first = evaluate(Plain, tiny, out=tmp_path, device="cuda", batch_size=2).info
    assert first.run.device == "cuda"
    assert first.run.batch_size == 2
    assert first.run.peak_memory_mb["host"] > 0
    (way,) = first.provenance.grounding
    assert (way.device, way.batch_size, way.n_samples) == ("cuda", 2, 10)
    monkeypatch.setattr("groundcxr.evaluation.provenance.packages", lambda: {"python": "9.9"})
    monkeypatch.setattr("groundcxr.evaluation.worker.packages", lambda: {"python": "9.9"})
    monkeypatch.setattr("groundcxr.evaluation.provenance.peak_memory_mb", lambda: {"host": 1e9})
    again = evaluate(Plain, tiny, out=tmp_path, device="cpu", batch_size=5).info
    assert again.provenance == first.provenance
    assert again.run.model_copy(update={"created": first.run.created}) == first.run


def test_predictions_made_in_several_ways_are_all_told_and_most_name_the_run(tiny, tmp_path):
    evaluate(Plain, tiny, out=tmp_path, device="cuda", pathology="Edema")
    found = evaluate(Plain, tiny, out=tmp_path, device="cpu", batch_size=3)
    both = found.info
    ways = both.provenance.grounding
    # Edema is asked of six images; the four of Pneumonia were asked later, of images that were there.
    assert [(way.device, way.batch_size, way.n_samples) for way in ways] == [("cuda", 16, 6), ("cpu", 3, 4)]
    assert (both.run.device, both.run.batch_size) == ("cuda", 16)
    assert load_result(found.path).info.provenance == both.provenance


def test_a_failed_sample_that_is_tried_again_has_the_later_way(tiny, tmp_path, monkeypatch):
    def broken(self, image, phrases):
        raise ValueError("no")

    with monkeypatch.context() as patched:
        patched.setattr(Plain, "ground", broken)
        evaluate(Plain, tiny, out=tmp_path, device="cuda")
    mended = evaluate(Plain, tiny, out=tmp_path, device="cpu").info
    assert [(way.device, way.n_samples) for way in mended.provenance.grounding] == [("cpu", 10)]


def test_a_store_that_says_nothing_of_it_is_scored_and_says_so(tiny, tmp_path):
    evaluate(Plain, tiny, out=tmp_path)
    for file in tmp_path.rglob("*.batch"):  # as converted from a store of before there was more to note
        answers = list(read_all(file.parent, file.name, read_directory(file)[0]))
        known = [(item._replace(origin=Origin(0.0, item.origin.seconds)), content) for item, content in answers]
        file.write_bytes(pack(member_of(*one) for one in known)[0])
    result = evaluate(Plain, tiny, out=tmp_path, device="cuda").info
    assert result.provenance is None
    assert result.run.device == "none (stored predictions)"
    assert result.run.peak_memory_mb == {}
    assert result.run.seconds > 0


def test_predictions_are_the_same_whatever_the_way(tiny, tmp_path, stored):
    for device, size in (("cuda", 1), ("cpu", 16)):
        evaluate(Plain, tiny, out=tmp_path / device, device=device, batch_size=size)
    one, other = (stored(tmp_path / device) for device in ("cuda", "cpu"))
    assert one == other
    assert len(one) == 10


def test_a_control_tells_where_it_ran(tiny, tmp_path):
    result = evaluate("oracle", tiny, out=tmp_path, batch_size=7).info
    (way,) = result.provenance.grounding
    assert (way.batch_size, way.n_samples) == (7, 10)
    assert (way.device, way.packages) == (result.run.device, result.run.packages)


def test_notes_name_no_machine_and_no_path(tiny, tmp_path, monkeypatch):
    monkeypatch.setattr("socket.gethostname", lambda: "secret-host")
    evaluate(Plain, tiny, out=tmp_path / "out")
    files = [path for path in (tmp_path / "out").rglob("*") if path.is_file()]
    written = b"".join(path.read_bytes() for path in files)
    batches = [path for path in files if path.suffix == ".batch"]
    assert batches
    for path in batches:
        items, _ = read_directory(path)
        written += json.dumps([item.origin.as_json() for item in items]).encode() + path.name.encode()
    assert b"secret" not in written
    assert str(tmp_path).encode() not in written


def test_a_method_that_changes_the_folder_moves_nothing(tiny, tmp_path, monkeypatch):
    class Moves(Plain):
        def setup(self, device):
            os.chdir(tmp_path / "elsewhere")

    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path)
    result = evaluate(Moves, tiny, out="out")
    assert result.path.is_relative_to(tmp_path / "out")
    assert list((tmp_path / "out/store").rglob("*.batch"))
    assert not list((tmp_path / "elsewhere").iterdir())


@pytest.mark.skipif(shutil.which("git") is None, reason="needs git")
def test_the_checkout_is_looked_at_and_not_written(tmp_path, monkeypatch):
    (tmp_path / "evaluation").mkdir()
    file = tmp_path / "evaluation/provenance.py"
    file.write_text("1")
    named = ("-c", "user.name=a", "-c", "user.email=a@b.org")
    for command in (["init", "-q"], ["add", "."], [*named, "commit", "-qm", "one"]):
        subprocess.run(["git", "-C", tmp_path, *command], check=True)
    os.utime(file, (1, 1))  # git would write down that its content is the same
    before = (tmp_path / ".git/index").read_bytes()
    monkeypatch.setattr(where, "__file__", str(file))
    assert where.git_state().dirty is False
    assert (tmp_path / ".git/index").read_bytes() == before
    file.write_text("2")
    assert where.git_state().dirty is True
