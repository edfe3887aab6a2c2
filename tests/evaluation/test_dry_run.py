"""A run that is only planned says what the real one then does, and touches nothing."""

import math
import time
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

from groundcxr import Grounding, GroundingMethod, Heatmap
from groundcxr.core import GroundCXRError
from groundcxr.evaluation import Run, Shard, ground_shard, make_entry, select
from groundcxr.evaluation.dry_run import dry_run


class Noting(GroundingMethod):
    """Notes what it is asked; loading it is an error where the test says so."""

    revision = "1"
    batch_size = 4
    asked: ClassVar[list[str]] = []
    loadable = True
    fails_on = ""

    def setup(self, device):
        if not self.loadable:
            raise AssertionError("a dry run loads nothing")

    def ground(self, image, phrases):
        self.asked.extend(phrases)
        if any(self.fails_on and self.fails_on in phrase for phrase in phrases):
            raise ValueError("no idea")
        return [Grounding(Heatmap.whole(np.arange(6.0).reshape(2, 3), image.size)) for _ in phrases]


class Other(Noting):
    """The same method after a change of its code."""

    name = "Noting"
    revision = "2"


@pytest.fixture(autouse=True)
def fresh(monkeypatch):
    monkeypatch.setattr(Noting, "asked", [])


@pytest.fixture
def run(tiny, tmp_path):
    def make(**about):
        limit = about.pop("limit", None)
        return Run(select(tiny, limit=limit), tmp_path / "store", None, "cpu", about.pop("batch_size", None), **about)

    return make


def grounded(run, method=Noting, shard=Shard(1, 1)):  # noqa: B008  (a frozen value)
    ground_shard(make_entry(method), run, shard)


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_nothing_is_loaded_or_written(run, tmp_path, monkeypatch):
    monkeypatch.setattr(Noting, "loadable", False)
    forecast = dry_run(make_entry(Noting), run())
    assert (forecast.images, forecast.phrases, forecast.stored, forecast.failed) == (6, 10, 0, 0)
    assert (forecast.asked, forecast.new, forecast.batches) == (10, 10, 2)
    assert forecast.seconds is None
    assert forecast.bytes is None
    assert not (tmp_path / "store").exists()


def test_a_store_in_use_stays_byte_for_byte(run, tmp_path):
    grounded(run(limit=3))
    before = contents(tmp_path / "store")
    dry_run(make_entry(Noting), run())
    assert contents(tmp_path / "store") == before


@pytest.mark.parametrize("batch_size", [1, 4])
@pytest.mark.parametrize("fails_on", ["", "phrase 1"])
@pytest.mark.parametrize("overwrite", [False, True])
@pytest.mark.parametrize("shard", [Shard(1, 1), Shard(2, 2)])
def test_what_it_foresees_is_what_the_run_then_asks(run, monkeypatch, batch_size, fails_on, overwrite, shard):
    monkeypatch.setattr(Noting, "fails_on", fails_on)
    grounded(run(limit=5, batch_size=batch_size))
    monkeypatch.setattr(Noting, "fails_on", "")
    Noting.asked.clear()
    whole = run(batch_size=batch_size, overwrite=overwrite)
    forecast = dry_run(make_entry(Noting), whole, shard)
    assert Noting.asked == []
    grounded(whole, shard=shard)
    assert forecast.asked == len(Noting.asked)
    after = dry_run(make_entry(Noting), run(batch_size=batch_size), shard)
    assert (after.stored, after.failed, after.asked, after.batches) == (forecast.phrases, 0, 0, 0)
    assert forecast.new == after.stored - forecast.stored


def test_failures_are_counted_apart_and_asked_again(run, monkeypatch):
    monkeypatch.setattr(Noting, "fails_on", "phrase 1")
    grounded(run())
    forecast = dry_run(make_entry(Noting), run())
    assert (forecast.stored, forecast.failed, forecast.asked) == (8, 2, 2)


def test_time_and_space_follow_from_this_methods_earlier_answers(run, monkeypatch, tmp_path):
    clock = iter(np.arange(0, 1000, 12.0))
    monkeypatch.setattr(time, "perf_counter", lambda: next(clock))
    grounded(run(limit=4))  # one batch, 12 s for four phrases
    monkeypatch.undo()
    forecast = dry_run(make_entry(Noting), run())
    assert forecast.experience.pace_of_this
    assert forecast.asked == 10  # the plan of the whole run has other batches
    assert math.isclose(forecast.seconds, 30)
    stored = sum(path.stat().st_size for path in (tmp_path / "store").rglob("*") if path.is_file())
    assert math.isclose(forecast.bytes, stored / 4 * 6)


def test_another_state_of_the_method_tells_where_this_one_does_not(run):
    grounded(run(limit=4))
    forecast = dry_run(make_entry(Other), run())
    assert (forecast.stored, forecast.experience.pace_of_this) == (0, False)
    assert forecast.seconds is not None
    assert forecast.bytes is not None


def test_another_device_tells_nothing_of_the_time(run):
    grounded(run(limit=4))
    forecast = dry_run(make_entry(Noting), Run(run().selection, run().store, None, "cuda:1"))
    assert forecast.seconds is None
    assert forecast.experience.devices == ("cpu",)
    assert forecast.bytes is not None


def test_failures_tell_nothing_of_time_and_space(run, monkeypatch):
    monkeypatch.setattr(Noting, "fails_on", "phrase")
    grounded(run())
    forecast = dry_run(make_entry(Noting), run())
    assert (forecast.failed, forecast.seconds, forecast.bytes) == (10, None, None)


def test_missing_and_unreadable_images_are_counted(run, tiny_root):
    (tiny_root / "secret-folder/image0.png").unlink()
    (tiny_root / "secret-folder/image1.png").write_text("<html>please log in</html>")
    forecast = dry_run(make_entry(Noting), run())
    assert [path.name for path in forecast.unreadable] == ["image0.png", "image1.png"]
    assert (forecast.images, forecast.phrases, forecast.asked, forecast.batches) == (6, 10, 6, 2)
    grounded(run())
    assert len(Noting.asked) == 6


@pytest.mark.parametrize(("shard", "asked"), [(None, 10), (Shard(1, 2), 0)])
def test_a_control_that_sees_the_truth_stores_nothing(run, shard, asked):
    forecast = dry_run(make_entry("oracle"), run(), shard)
    assert (forecast.keeps, forecast.asked, forecast.bytes) == (False, asked, 0)


def test_a_device_that_is_none_is_refused(run):
    with pytest.raises(GroundCXRError, match="there is no device 'gpu'"):
        dry_run(make_entry(Noting), Run(run().selection, run().store, None, "gpu"))


def test_a_damaged_neighbour_in_the_store_is_passed_over(run, tmp_path):
    grounded(run(limit=4), Other)
    for number, content in enumerate(("", "null", "[1]", '{"name": "Noting"}', '{"name": 3, "fingerprint": []}')):
        (tmp_path / f"store/odd{number}").mkdir()
        (tmp_path / f"store/odd{number}/method.json").write_text(content)
    assert dry_run(make_entry(Noting), run()).seconds is not None
