"""The whole pipeline: whatever the number of threads and processes, the same predictions and the same results."""

import json
import pickle
import re
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from groundcxr import Box, Grounding, GroundingMethod, Heatmap, load_dataset
from groundcxr.core import GroundCXRError, Mask, Radiograph, Sample
from groundcxr.core.fingerprint import generator_from
from groundcxr.core.image_files import image_bytes
from groundcxr.core.regular import read_regular
from groundcxr.evaluation import Run, evaluate, make_entry, run_entry, score_entry, scores, select, worker
from groundcxr.evaluation.reading import ReadAhead
from groundcxr.methods.watching import files_read
from groundcxr.metrics import get_protocol


class Odd(GroundingMethod):
    """Answers by the image's content, fails at one phrase, and gives a turned map and an odd box here and there."""

    name = "odd"
    emits = frozenset({"heatmap", "box"})
    batch_size = 4

    def ground_batch(self, queries):
        return [self.one(query) for query in queries]

    def one(self, query):
        if query.phrase.endswith("5"):
            raise ValueError("five")
        rng = generator_from(query.image.sha256, query.phrase)
        left = int(rng.integers(0, 30))
        boxes = [Box(left, 5, left + 9 * more, 50, score=float(rng.random())) for more in (1, 2)]
        heatmap = Heatmap.whole(rng.random((60, 40)), query.image.size)
        return Grounding(heatmap, boxes, truncated=bool(rng.random() < 0.3))


@pytest.fixture
def films(write_manifest):
    """Twenty-two images, one of them damaged, one missing and two of one content; some with two phrases."""
    rows = ["image,phrase,pathology,x,y,w,h"]
    for number in range(22):
        rows.append(f"{number}.png,opacity {number},{'Edema' if number % 3 else 'Pneumonia'},{number},4,15,10")
        if number % 4 == 0:
            rows.append(f"{number}.png,second {number},Edema,3,3,9,9")
    path = write_manifest(range(22), rows)
    folder = path.parent
    (folder / "9.png").write_bytes((folder / "8.png").read_bytes())
    dataset = load_dataset("manifest", path)
    (folder / "13.png").write_bytes((folder / "13.png").read_bytes()[:200])
    (folder / "17.png").unlink()
    return dataset


def outcome(folder: Path) -> dict[str, object]:
    """What a run leaves: predictions and rows as bytes, the result without its time of making."""
    found: dict[str, object] = {}
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        name = str(path.relative_to(folder))
        if path.suffix == ".parquet":
            found[name] = read_regular(path)
        elif path.name == "result.json":
            result = json.loads(path.read_text())
            result["run"].pop("created")
            found[name] = result
    return found


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_reading_threads_leave_every_prediction_as_it_was(films, tmp_path, monkeypatch, stored, threads):
    def predictions(count):
        monkeypatch.setattr(worker, "reading_threads", lambda: count)
        out = tmp_path / str(count)
        result = evaluate(Odd, films, out=out)
        return stored(out), result.problems

    (alone, failed), (shared, also_failed) = predictions(0), predictions(threads)
    assert shared == alone
    assert len({key.partition("-")[0] for key in (name.rpartition("/")[2] for name in shared)}) == 19
    # of 22 images, two cannot be read and two are one
    assert also_failed == failed
    kinds = sorted(re.search(r"\w+Error", problem)[0] for problem in failed.values())
    assert kinds == ["ImageError"] * 2 + ["ValueError"] * 2
    assert not [thread for thread in threading.enumerate() if "_help" in thread.name]


def test_each_file_is_read_once_and_none_is_decoded_again(films, tmp_path, monkeypatch):
    read, decoded = [], []
    monkeypatch.setattr(worker, "image_bytes", lambda path: read.append(path.name) or image_bytes(path))
    real = Radiograph.from_bytes
    noting = classmethod(lambda cls, data, path: decoded.append(path.name) or real(data, path))
    monkeypatch.setattr(Radiograph, "from_bytes", noting)
    evaluate(Odd, films, out=tmp_path / "out")
    assert sorted(read) == sorted(f"{number}.png" for number in range(22))
    assert sorted(decoded) == sorted(f"{number}.png" for number in range(22) if number != 17)
    decoded.clear()
    evaluate(Odd, films, out=tmp_path / "out")
    # What failed is tried again: two phrases, and the image that cannot be decoded.
    assert sorted(decoded) == ["13.png", "15.png", "5.png"]


def test_images_are_read_while_the_method_works_and_are_not_what_it_reads(films, tmp_path, monkeypatch):
    read, changed = [], threading.Condition()

    def reading(path):
        content = image_bytes(path)
        with changed:
            read.append(path)
            changed.notify_all()
        return content

    class Patient(Odd):
        batches = 1

        def ground_batch(self, queries):
            if len({query.image.sha256 for query in queries}) > 1:  # and no image asked alone, after a failure
                with changed:
                    assert changed.wait_for(lambda: len(read) > min(4 * self.batches, 20), 30)
                self.batches += 1
            return super().ground_batch(queries)

    monkeypatch.setattr(worker, "image_bytes", reading)
    # Room for one batch: the next one is read only once a batch is with the method.
    monkeypatch.setattr(worker, "ReadAhead", lambda *arguments: ReadAhead(*arguments, budget=4 * 2 * 60 * 40))
    method = Patient()
    result = evaluate(method, films, out=tmp_path / "out")
    assert len(result.problems) == 4
    assert method.batches == 7
    assert not [file for file in files_read(method) if file.endswith(".png")]


def test_an_interrupt_in_the_method_leaves_no_thread(films, tmp_path):
    class Stopped(Odd):
        def ground_batch(self, queries):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        evaluate(Stopped, films, out=tmp_path / "out")
    assert not [thread for thread in threading.enumerate() if "_help" in thread.name]


@pytest.fixture
def grounded(films, tmp_path):
    run = Run(select(films), tmp_path / "store", tmp_path / "first", "cpu")
    (result,) = run_entry(make_entry(Odd), [get_protocol("v1")], run)
    return run, result


def scored(run, out, jobs, protocol="v1", method=Odd):
    again = Run(run.selection, run.store, out, "cpu", answers=run.answers, jobs=jobs)
    (result,) = score_entry(make_entry(method), [get_protocol(protocol)], again)
    return outcome(out), result


@pytest.mark.parametrize("jobs", [2, 3])
def test_results_are_the_same_bytes_whatever_the_jobs(grounded, tmp_path, jobs, monkeypatch):
    run, first = grounded
    alone, told = scored(run, tmp_path / "one", 1)
    here = []
    real = scores.Scoring.score
    monkeypatch.setattr(scores.Scoring, "score", lambda *arguments: here.append(1) or real(*arguments))
    shared, also_told = scored(run, tmp_path / "many", jobs)
    assert here == []  # all of it was done elsewhere
    assert shared == alone
    assert also_told.doubts == told.doubts == first.doubts
    assert len(told.doubts) >= 2
    assert list(also_told.problems.items()) == list(told.problems.items())


def test_by_default_other_processes_are_started_where_that_pays(grounded, tmp_path, monkeypatch):
    run, _ = grounded
    started = []
    monkeypatch.setattr(scores, "processors", lambda: 2)
    monkeypatch.setattr(scores, "in_processes", lambda work, parts, jobs: started.append(jobs) or map_here(work, parts))
    alone, _ = scored(run, tmp_path / "few", None)
    assert started == []
    monkeypatch.setattr(scores, "_TRIED_SECONDS", 0.0)
    monkeypatch.setattr(scores, "_WORTH_SECONDS", 0.0)
    shared, _ = scored(run, tmp_path / "many", None)
    assert started == [2]
    assert shared == alone


def map_here(work, parts):
    yield from map(work, [pickle.loads(pickle.dumps(part)) for part in parts])


def test_where_processes_are_refused_one_goes_on(grounded, tmp_path, monkeypatch, capsys):
    run, _ = grounded
    scores._say_alone.cache_clear()
    alone, _ = scored(run, tmp_path / "one", 1)
    capsys.readouterr()

    def refuse(work, parts, jobs):
        yield work(parts[0])
        raise OSError("no more processes")

    monkeypatch.setattr(scores, "in_processes", refuse)
    for place in ("a", "b"):
        assert scored(run, tmp_path / place, 2)[0] == alone
    told = capsys.readouterr().err
    assert told.count("scoring goes on in this process alone") == 1
    assert "OSError: no more processes" in told


def test_a_missing_prediction_is_one_sentence_from_any_process(grounded, tmp_path):
    run, _ = grounded
    for file in sorted(run.store.rglob("*.batch"))[:1]:
        file.unlink()
    said = set()
    for jobs in (1, 2):
        with pytest.raises(GroundCXRError, match="lacks predictions") as error:
            scored(run, tmp_path / str(jobs), jobs)
        said.add(str(error.value))
    assert len(said) == 1


def test_no_processes_are_a_mistake(films, tmp_path):
    with pytest.raises(GroundCXRError, match="nothing can be scored by 0 processes: give at least 1 with --jobs"):
        evaluate(Odd, films, out=tmp_path, jobs=0)
    with pytest.raises(GroundCXRError, match="10000000000000 processes are more than 1,000: give fewer with --jobs"):
        evaluate(Odd, films, out=tmp_path, jobs=10**13)


def test_masks_that_wait_on_disk_are_scored_elsewhere(films, tmp_path):
    masks = tmp_path / "masks"
    masks.mkdir()
    samples = []
    for sample in films:
        path = masks / f"{sample.sample_id}.png"
        drawn = np.zeros((40, 60), dtype=np.uint8)
        drawn[5:20, 10:30] = 255
        Image.fromarray(drawn).save(path)
        samples.append(
            Sample(**{**{name: getattr(sample, name) for name in sample.__slots__}, "boxes": (), "mask": lazily(path)})
        )
    selection = select(films)
    selection = type(selection)(selection.dataset, tuple(samples), selection.complete)
    run = Run(selection, tmp_path / "store", tmp_path / "first", "cpu", jobs=1)
    list(run_entry(make_entry(Odd), [get_protocol("v1")], run))
    alone, told = scored(run, tmp_path / "one", 1)
    shared, _ = scored(run, tmp_path / "two", 2)
    assert shared == alone
    assert told.samples["box_area"].iloc[0] == pytest.approx(15 * 20 / 2400)


def lazily(path):
    return Mask(f"key {path.stem}", lambda: np.asarray(Image.open(path)) != 0)


SCRIPT = """
import sys
from pathlib import Path
from groundcxr import load_dataset
from groundcxr.evaluation import evaluate

result = evaluate("center-prior", load_dataset("manifest", Path(sys.argv[1])), out=sys.argv[2], jobs=2)
print(len(result.samples))
"""


def test_a_script_needs_no_guard(films, tmp_path):
    (tmp_path / "script.py").write_text(SCRIPT)
    command = [sys.executable, "script.py", str(tmp_path / "data" / "manifest.csv"), "out"]
    (tmp_path / "data" / "17.png").write_bytes((tmp_path / "data" / "16.png").read_bytes())
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stdout.strip()) == (0, "28"), done.stderr
    assert "goes on in this process" not in done.stderr
