"""A Ray cluster of this machine's CPUs, started once, and runs on it."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest

from groundcxr.core import image_digest
from groundcxr.datasets import load_dataset
from groundcxr.evaluation import Run, make_entry, run_entry, select
from groundcxr.evaluation.prediction import Failure
from groundcxr.metrics import get_protocol

METHOD = """
import os, signal, time
from pathlib import Path

import numpy as np
from groundcxr import Box, Grounding, GroundingMethod, Heatmap
from groundcxr.core.fingerprint import generator_from

FOLDER = Path({folder!r})


def first_time(name):
    try:
        os.close(os.open(FOLDER / name, os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return False
    return True


class Mine(GroundingMethod):
    emits = frozenset({{"heatmap", "box"}})

    def setup(self, device):
        {setup}

    def ground(self, image, phrases):
        name = image.path.stem
        # Opened in this way it is written, not read.
        with open(FOLDER / "asked", "a") as asked:
            asked.write(name + "\\n")
        {body}
        boxes = (Box(1, 2, 30, 30, score=0.5),)
        return [Grounding(Heatmap.whole(self.values(image, phrase), image.size), boxes) for phrase in phrases]

    def values(self, image, phrase):
        return generator_from(image.sha256, phrase).random((4, 5))
"""


def unavailable(reason: str):
    """Skip where Ray cannot be used, but not where the tests must run whole."""
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def cluster():
    """Two nodes of one CPU each; the one that is not the head is `second`."""
    try:
        import ray
        from ray.cluster_utils import Cluster
    except ImportError:
        unavailable("the package ray is not installed")
    # Apart from a user's own clusters, whose files are in Ray's usual folder; the path of a socket must be short.
    folder = tempfile.mkdtemp(dir="/tmp")
    os.environ |= {"RAY_USAGE_STATS_ENABLED": "0", "RAY_TMPDIR": folder}
    try:
        made = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
        made.second = made.add_node(num_cpus=1)
    except Exception as error:
        unavailable(f"Ray cannot start here: {error}")
    made.wait_for_nodes()
    yield made
    ray.shutdown()
    made.shutdown()
    del os.environ["RAY_TMPDIR"]
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def ray(cluster):
    """Runs on the cluster, on as many workers as it has room for."""
    from groundcxr.evaluation.executors.ray import RayExecutor

    with RayExecutor(cluster.address) as executor:
        yield executor


@dataclass
class Work:
    """Twelve images, each asked two phrases, and a method of which each run notes what it was asked."""

    folder: Path
    selection: object

    def method(self, body: str = "pass", setup: str = "pass", file: str = "mine.py") -> Path:
        path = self.folder / file
        text = METHOD.format(
            folder=str(self.folder), body=body.replace("\n", "\n        "), setup=setup.replace("\n", "\n        ")
        )
        path.write_text(text)
        return path

    def asked(self) -> Counter[str]:
        """How often each image was asked about since the last time."""
        path = self.folder / "asked"
        found = Counter(path.read_text().split()) if path.exists() else Counter()
        path.unlink(missing_ok=True)
        return found

    def run(self, method: Path | str, out: str, executor=None, **options):
        """A result, and the run."""
        entry = make_entry(str(method))
        more = {} if executor is None else {"executor": executor}
        run = Run(self.selection, self.folder / out / "store", self.folder / out, batch_size=2, **more, **options)
        (result,) = run_entry(entry, [get_protocol("v1")], run)
        return result, self.answers(out, entry)

    def answers(self, out: str, entry):
        """All answers in the store, in a form that tells any two apart."""
        from groundcxr.evaluation.entry import method_store

        store = method_store(self.folder / out / "store", entry.info)
        found = {}
        for path in dict.fromkeys(sample.image_path for sample in self.selection.samples):
            for key, one in store.read(image_digest(path)).items():
                if isinstance(one, Failure):
                    found[path.stem, key] = one
                else:
                    found[path.stem, key] = (one.heatmap.values.tobytes(), one.heatmap.extent, one.boxes)
        return found


@pytest.fixture
def work(tmp_path, write_manifest) -> Work:
    rows = ["image,phrase,pathology,x,y,w,h,patient_id"]
    for number in range(12):
        for phrase, top in (("opacity", 4), ("a large effusion", 24)):
            rows.append(f"i{number:02}.png,{phrase},Edema,{5 + number},{top},20,10,p{number}")
    path = write_manifest([f"i{number:02}" for number in range(12)], rows)
    return Work(tmp_path, select(load_dataset("manifest", path)))
