"""Two writers of one store, killed at seeded moments: `python store_kills.py FOLDER MOMENTS SEED`.

A moment is a call that changes the disk: each writer counts its own and kills itself before, or in the middle of, the
one that is its turn. Writers are forked, so that a moment costs little. Not collected by pytest.
"""

import os
import random
import shutil
import signal
import sys
from pathlib import Path

import numpy as np

from groundcxr import Grounding, Heatmap
from groundcxr.evaluation.grounding_notes import Made, Way
from groundcxr.evaluation.prediction import Failure, image_key
from groundcxr.evaluation.store import PredictionStore, compaction, sample_keys
from groundcxr.evaluation.store.housekeeping import verified

IMAGES = 24
BATCH = 2
WAY = Way(device="cpu", batch_size=BATCH, packages={}, git=None)
compaction.MANY = 4  # so that files are put together all the time


def answer(number, query):
    if number % 7 == 3 and query == "q1":
        return Failure("ValueError", f"no {number}")
    return Grounding(Heatmap.whole(np.full((3, 3), number, dtype=np.float32), (9, 9)))


def hashes(number):
    return f"{number:064x}"


def write(root, *, backwards, log=None):
    """What a run does: batch by batch, only what is missing; then words about samples, and putting together."""
    store = PredictionStore(root, "mine", "f" * 64, {"name": "mine"})
    starts = range(0, IMAGES, BATCH)
    for start in reversed(starts) if backwards else starts:
        wanted = {
            hashes(number): {key: answer(number, key) for key in ("q0", "q1")} for number in range(start, start + BATCH)
        }
        if all(store.known(sha).keys() == its.keys() for sha, its in wanted.items()):
            continue
        store.add(wanted, Made(WAY, {"host": 1.0}, 0.5))
        if log is not None:
            os.write(log, bytes([start]))
    store.note_samples("d" * 64, {f"{backwards}-{number}": "key" for number in range(IMAGES)})
    store.compact()


def die_at(moment):
    """Kill this process at its nth call that changes the disk; half of what it writes is written then."""
    left = [moment]

    def counted(name):
        real = getattr(os, name)

        def call(*arguments, **options):
            left[0] -= 1
            if left[0] <= 0:
                os.kill(os.getpid(), signal.SIGKILL)
            return real(*arguments, **options)

        setattr(os, name, call)

    for name in ("open", "replace", "rename", "unlink", "mkdir", "fsync", "rmdir"):
        counted(name)


def forked(action):
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        action()
        code = 0
    except BaseException as error:
        sys.stderr.write(f"{type(error).__name__}: {error}\n")
    finally:
        os._exit(code)


def pair(root, moments, log=None):
    """Run both writers at once; how many were killed."""

    def run(backwards, moment):
        if moment is not None:
            die_at(moment)
        write(root, backwards=backwards, log=log)

    children = [forked(lambda one=one: run(*one)) for one in zip((False, True), moments, strict=True)]
    codes = [os.waitpid(child, 0)[1] for child in children]
    assert all(code in (0, signal.SIGKILL) for code in codes), codes
    return codes.count(signal.SIGKILL)


def main(folder, count, seed):
    rng = random.Random(seed)
    write(folder / "whole", backwards=False)
    whole = list(PredictionStore(folder / "whole", "mine", "f" * 64, {}).members())
    assert len(whole) == 2 * IMAGES
    total = 0
    for number in range(count):
        root = folder / str(number)
        reader, log = os.pipe()
        total += pair(root, [rng.randint(1, 90), rng.randint(1, 90)], log)
        os.close(log)
        done = os.read(reader, 1000)
        os.close(reader)
        store = PredictionStore(root, "mine", "f" * 64, {})
        for start in done:  # what a writer was told to be stored is stored
            for image in range(start, start + BATCH):
                assert store.read(hashes(image)).keys() == {"q0", "q1"}, (number, image)
        assert verified(store.folder) == []
        pair(root, [None, None])
        store = PredictionStore(root, "mine", "f" * 64, {})
        assert list(store.members()) == whole, number
        assert verified(store.folder) == []
        assert len(sample_keys(store.folder, "d" * 64)) == 2 * IMAGES
        assert set(store.notes.seconds()) == {image_key(hashes(image)) for image in range(IMAGES)}
        assert not list(root.rglob("*.part")), number
        shutil.rmtree(root)
    sys.stdout.write(f"{count} moments, killed {total}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
