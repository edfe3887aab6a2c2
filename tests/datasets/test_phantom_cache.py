"""The phantom's cache: drawn once, never half, repaired when damaged; and its options."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from groundcxr.core import DatasetError, UnknownNameError
from groundcxr.datasets import load_dataset
from groundcxr.datasets.phantom import Phantom, cache, render
from groundcxr.datasets.phantom.cache import SplitCache
from groundcxr.datasets.phantom.parameters import DEFAULT
from groundcxr.datasets.phantom.scene import plan_scene
from groundcxr.datasets.phantom.shapes import tight_box


def load(root, images=6, **options):
    return load_dataset("phantom", root, options.pop("split", "test"), **{"size": 64, "images": images, **options})


@pytest.fixture
def drawn(monkeypatch):
    """Counts the images that are drawn."""
    count = []
    original = render.render

    def counting(*arguments):
        count.append(arguments)
        return original(*arguments)

    monkeypatch.setattr(render, "render", counting)
    return count


def by_processes(monkeypatch):
    """Has even a few images drawn by processes."""
    monkeypatch.setattr(cache, "_WORTH_PROCESSES", 1)
    monkeypatch.setattr(cache, "_PROCESSES", 2)


def files(root):
    return sorted(path for path in root.rglob("*") if path.is_file())


def test_images_are_drawn_once(tmp_path, drawn):
    first = load(tmp_path)
    assert len(drawn) == 6
    second = load(tmp_path)
    assert len(drawn) == 6
    assert first.fingerprint() == second.fingerprint()
    assert [sample.image_path for sample in first] == [sample.image_path for sample in second]


def test_more_images_draw_only_what_is_missing(tmp_path, drawn):
    load(tmp_path, images=6)
    load(tmp_path, images=55)
    assert len(drawn) == 55
    load(tmp_path, images=3)  # a shorter list must not shorten the index
    load(tmp_path, images=55)
    assert len(drawn) == 55


def test_what_opens_no_image_has_none_drawn_and_gets_the_same_samples(tmp_path, drawn):
    val = load(tmp_path, split="val", images=55)
    drawn.clear()
    marks = val.training_samples(files=False)
    assert not drawn
    told = val.fingerprint(marks)
    assert val.fingerprint(val.training_samples(files=False)) == told  # kept, and read back
    assert not any(sample.image_path.exists() for sample in marks)
    fewer = load(tmp_path, split="val", images=3).training_samples(files=False)
    assert val.fingerprint(fewer) == val.fingerprint(marks[: len(fewer)])
    drawn.clear()
    assert not Phantom.check(tmp_path)  # what was never drawn is not missing
    train = val.training_samples()
    assert len(drawn) == 55
    assert val.fingerprint(train) == told
    assert all(sample.image_path.exists() and sample.mask.load().any() for sample in train)


def test_boxes_without_an_image_are_those_of_its_masks():
    for index, size in [*((index, 64) for index in range(40)), (40, 129), (41, 256)]:
        scene = plan_scene(DEFAULT, 0, "train", index)
        _, masks = render.render(scene, size, DEFAULT)
        assert render.region_boxes(scene, size, DEFAULT) == [tight_box(mask) for mask in masks]


def test_processes_draw_what_one_would(tmp_path, drawn, monkeypatch):
    monkeypatch.setattr(cache, "_WORTH_PROCESSES", 1000)
    alone = load(tmp_path / "alone", images=60)
    assert len(drawn) == 60
    by_processes(monkeypatch)
    shared = load(tmp_path / "shared", images=60)
    assert len(drawn) == 60  # none of them here
    assert shared.fingerprint() == alone.fingerprint()
    for one, other in zip(files(tmp_path / "alone"), files(tmp_path / "shared"), strict=True):
        assert one.name == other.name
        assert one.read_bytes() == other.read_bytes()


@pytest.mark.parametrize("harm", ["delete image", "empty image", "delete mask", "break index"])
def test_missing_files_are_drawn_again(tmp_path, drawn, harm):
    before = load(tmp_path)
    sample = before[-1]
    {
        "delete image": lambda: sample.image_path.unlink(),
        "empty image": lambda: sample.image_path.write_bytes(b""),
        "delete mask": lambda: sample.image_path.with_name(f"{sample.image_path.stem}-0.png").unlink(),
        "break index": lambda: (sample.image_path.parent / "index.json").write_text('[{"patient"'),
    }[harm]()
    kept = before[0].image_path.read_bytes()
    drawn.clear()
    after = load(tmp_path)
    assert len(drawn) == (6 if harm == "break index" else 1)
    assert after.fingerprint() == before.fingerprint()
    assert sample.image_path.stat().st_size > 0
    assert before[0].image_path.read_bytes() == kept
    assert all(sample.mask.load().any() for sample in after)


def test_a_killed_run_is_resumed(tmp_path, monkeypatch, drawn):
    original = cache.SplitCache._draw

    def draw(self, index):
        if index == 52:
            raise KeyboardInterrupt
        return original(self, index)

    monkeypatch.setattr(cache.SplitCache, "_draw", draw)
    with pytest.raises(KeyboardInterrupt):
        load(tmp_path, images=60)
    monkeypatch.setattr(cache.SplitCache, "_draw", original)
    drawn.clear()
    resumed = load(tmp_path, images=60)
    assert len(drawn) == 10  # the first folder of fifty was whole
    assert resumed.fingerprint() == load(tmp_path / "undisturbed", images=60).fingerprint()
    assert not [path for path in files(tmp_path) if path.suffix == ".part"]


def test_a_full_disk_is_one_sentence_and_leaves_no_half_file(tmp_path, monkeypatch):
    original = Path.write_bytes

    def write(self, data):
        if self.name.startswith(".000003.png"):
            original(self, data[:10])
            raise OSError(errno.ENOSPC, "No space left on device")
        return original(self, data)

    monkeypatch.setattr(Path, "write_bytes", write)
    with pytest.raises(DatasetError, match=r"cannot write the phantom's images to .*No space left.*GROUNDCXR_CACHE"):
        load(tmp_path)
    assert not [path for path in files(tmp_path) if path.suffix == ".part" or path.name == "000003.png"]
    monkeypatch.undo()
    assert len({sample.image_id for sample in load(tmp_path)}) == 6


def test_a_process_that_cannot_write_ends_the_drawing_with_the_reason(tmp_path, monkeypatch):
    by_processes(monkeypatch)
    at = SplitCache(tmp_path, DEFAULT, 0, 64, "test").image(3)
    at.mkdir(parents=True)
    with pytest.raises(DatasetError, match=r"cannot write the phantom's images to .*directory.*GROUNDCXR_CACHE"):
        SplitCache(tmp_path, DEFAULT, 0, 64, "test").records(6)


def test_a_process_that_is_killed_ends_the_drawing_with_a_sentence(tmp_path, monkeypatch):
    by_processes(monkeypatch)
    # Workers read the class afresh, so what kills one has to come with the object that is sent to them.
    with pytest.raises(DatasetError, match="was ended, probably for lack of memory"):
        SplitCache(tmp_path, Deadly(), 0, 64, "test").records(6)  # type: ignore[arg-type]


class Deadly:
    """Parameters that end the process that receives them."""

    edition = "1"

    def __reduce__(self):
        return os._exit, (1,)


def test_two_runs_may_draw_at_once(tmp_path):
    with ThreadPoolExecutor(2) as pool:
        one, other = pool.map(lambda count: load(tmp_path, images=count), (8, 12))
    assert other.fingerprint(other[: len(one)]) == one.fingerprint()
    assert load(tmp_path, images=12).fingerprint() == other.fingerprint()
    assert Phantom.check(tmp_path) == []


def test_the_environment_names_the_cache_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("GROUNDCXR_CACHE", str(tmp_path / "elsewhere"))
    sample = load(None, images=1)[0]
    assert sample.image_path.is_relative_to(tmp_path / "elsewhere" / "phantom")
    named = load(tmp_path / "root", images=1)[0]
    assert named.image_path.is_relative_to(tmp_path / "root")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"size": 16}, "size must be 64 to 4096 pixels, not 16"),
        ({"size": "large"}, "size must be a whole number, not 'large'"),
        ({"images": 0}, "at least one image"),
        ({"images": 2.5}, "images must be a whole number"),
        ({"seed": -1}, "seed must not be negative"),
    ],
)
def test_impossible_options_are_one_sentence(tmp_path, options, message):
    with pytest.raises(DatasetError, match=message) as caught:
        load_dataset("phantom", tmp_path, "test", **{"images": 1, **options})
    assert "\n" not in str(caught.value)
    assert not files(tmp_path)


def test_an_unknown_option_is_answered_with_the_nearest_one(tmp_path):
    with pytest.raises(UnknownNameError, match="did you mean 'size'"):
        load(tmp_path, sized=64)


def test_an_unknown_split_is_answered_with_the_nearest_one(tmp_path):
    with pytest.raises(UnknownNameError, match="did you mean 'train'"):
        load(tmp_path, split="trian")


def test_options_given_as_text_are_numbers(tmp_path):
    assert load(tmp_path, images="2", seed="3").options == {"seed": 3, "size": 64, "images": 2}


def test_a_root_that_is_a_file_or_below_one(tmp_path):
    file = tmp_path / "file"
    file.write_text("not a folder")
    with pytest.raises(DatasetError, match="is a file"):
        load(file)
    with pytest.raises(DatasetError, match="cannot write"):
        load(file / "below")
    assert [finding.level for finding in Phantom.check(file)] == ["error"]


def test_nothing_is_drawn_into_a_folder_of_other_data(tmp_path):
    (tmp_path / "MS_CXR_Local_Alignment_v1.1.0.csv").write_text("")
    (tmp_path / "files").mkdir()
    with pytest.raises(DatasetError, match=r"did you mean --dataset ms-cxr or --dataset manifest\?") as caught:
        load(tmp_path)
    assert str(tmp_path) in str(caught.value)
    assert [(finding.level, finding.problem) for finding in Phantom.check(tmp_path)] == [("error", str(caught.value))]
    assert len(list(tmp_path.iterdir())) == 2


def test_a_folder_of_phantoms_may_hold_other_files_too(tmp_path):
    load(tmp_path, images=1)
    (tmp_path / "notes.txt").write_text("")
    assert load(tmp_path, images=2)
    assert Phantom.check(tmp_path) == []


def test_the_doctor_finds_damaged_files(tmp_path):
    (absent,) = Phantom.check(tmp_path)
    assert absent.level == "warning"
    assert "no phantom image" in absent.problem
    samples = load(tmp_path)
    assert Phantom.check(tmp_path) == []
    path = samples[0].image_path
    path.write_bytes(path.read_bytes()[:300])
    (finding,) = Phantom.check(tmp_path)
    assert finding.level == "error"
    assert str(path) in finding.problem
    assert f"delete the folder {path.parent}" in finding.step


def test_following_the_doctors_step_repairs_it(tmp_path):
    import shutil

    samples = load(tmp_path)
    good = samples[0].image_path.read_bytes()
    samples[0].image_path.write_bytes(b"<html>")
    (finding,) = Phantom.check(tmp_path)
    shutil.rmtree(finding.step.removeprefix("delete the folder ").split(";")[0])
    load(tmp_path)
    assert Phantom.check(tmp_path) == []
    assert samples[0].image_path.read_bytes() == good


def test_nothing_private_or_absolute_is_in_the_index(tmp_path):
    samples = load(tmp_path, images=2)
    text = (samples[0].image_path.parent / "index.json").read_text()
    assert str(tmp_path) not in text
    assert len(json.loads(text)) == 2


def test_looking_the_data_set_up_imports_no_drawing_library():
    code = (
        "import sys; from groundcxr.datasets import DATASETS; DATASETS.get('phantom'); "
        "assert not {'scipy', 'PIL', 'pandas', 'torch', 'platformdirs'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
