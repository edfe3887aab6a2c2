"""What the pipeline loses around a method: reading ahead, scoring on all processors, memory as images become more.

    python benchmarks/pipeline.py [COMMIT]

Made-up films of 2544x3056 pixels as JPEG, a method that takes 40 ms an image and leaves the processors alone meanwhile,
as one on a GPU does. Everything is measured in processes of their own, side by side with another commit of this
checkout: by default the last one that read, grounded and scored one after another.
"""

from __future__ import annotations

import io
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from processor import cpu
from versions import BEFORE, environment, versions

IMAGES, MANY = 64, 512
WIDTH, HEIGHT = 2544, 3056
SECONDS = 0.04
PHRASES = 16  # of an image, where scoring is measured
PICTURES = 8
ROUNDS = 3

METHOD = f"""
import time
import numpy as np
from groundcxr import Grounding, GroundingMethod, Heatmap

class Waits(GroundingMethod):
    batch_size = 4
    def ground_batch(self, queries):
        time.sleep({SECONDS} * len({{query.image.sha256 for query in queries}}))
        return [Grounding(Heatmap.whole(np.eye(16), query.image.size)) for query in queries]

class Maps(GroundingMethod):
    batch_size = 8
    def ground_batch(self, queries):
        rng = np.random.default_rng(0)
        maps = (rng.random((512, 512), dtype=np.float32) for _ in queries)
        return [Grounding(Heatmap.whole(one, query.image.size)) for one, query in zip(maps, queries)]
"""


def main() -> None:
    """Print the tables."""
    commit = sys.argv[1] if len(sys.argv) > 1 else BEFORE
    with tempfile.TemporaryDirectory() as name, versions(Path(name), commit):
        make_data(Path(name))
        measure(Path(name), commit)


def measure(folder: Path, commit: str) -> None:
    """Run every measurement, each as often as it takes, and print what came of it."""
    print(f"machine: {cpu()}, {os.cpu_count()} cores; Python {platform.python_version()}\n")
    before, now = [], []
    for _ in range(ROUNDS):  # in turns: other work on the machine comes and goes
        before.append(in_own_process(folder, "before", "ground", IMAGES))
        now.append(in_own_process(folder, "now", "ground", IMAGES))
    decoded = max(in_own_process(folder, "now", "decode", IMAGES)["rate"] for _ in range(ROUNDS))
    rates = [max(one["rate"] for one in some) for some in (before, now)]
    slower = min(decoded, 1 / SECONDS)
    print(f"| {IMAGES} films of {WIDTH}x{HEIGHT} | images/s |")
    print("|---|---:|")
    print(f"| decoding alone, all cores | {decoded:.1f} |")
    print(f"| the method alone | {1 / SECONDS:.1f} |")
    print(f"| grounding at {commit} | {rates[0]:.1f} |")
    print(f"| grounding now | {rates[1]:.1f} |")
    print(f"\n{rates[1] / rates[0]:.2f} times {commit}; {rates[1] / slower:.2f} of the slower of decoding and method\n")

    many = in_own_process(folder, "now", "ground", MANY)["peak_mb"]
    few = [max(one["peak_mb"] for one in some) for some in (before, now)]
    print("| peak memory | MiB |")
    print("|---|---:|")
    print(f"| {IMAGES} films at {commit} | {few[0]:.0f} |")
    print(f"| {IMAGES} films now | {few[1]:.0f} |")
    print(f"| {MANY} films now | {many:.0f} |\n")

    in_own_process(folder, "now", "fill", IMAGES)
    times = {
        "one job": in_own_process(folder, "now", "score", IMAGES, 1),
        "two jobs": in_own_process(folder, "now", "score", IMAGES, 2),
        "by default": in_own_process(folder, "now", "score", IMAGES),
    }
    print(f"| scoring {IMAGES * PHRASES} maps of 512x512 | seconds |")
    print("|---|---:|")
    for label, measured in times.items():
        print(f"| {label} | {measured['seconds']:.1f} |")
    print(f"\ntwo jobs: {times['one job']['seconds'] / times['two jobs']['seconds']:.2f} times one")


def make_data(folder: Path, manifests: Sequence[tuple[int, int]] = ((IMAGES, 1), (MANY, 1), (IMAGES, PHRASES))) -> None:
    """The films, a manifest for each number of films and of phrases of each, and the methods."""
    rng = np.random.default_rng(0)
    down, across = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)
    films: list[bytes] = []
    count = max(images for images, _ in manifests)
    for number in range(min(PICTURES, count)):
        smooth = 128 + 60 * np.sin(across / (300 + number)) * np.cos(down / 400)
        pixels = (smooth + rng.normal(0, 6, smooth.shape)).clip(0, 255).astype(np.uint8)
        film = io.BytesIO()
        Image.fromarray(pixels).save(film, "JPEG", quality=92)
        films.append(film.getvalue())
    # What follows a JPEG's end is no part of the picture, and makes it another file.
    for number in range(count):
        (folder / f"{number}.jpg").write_bytes(films[number % PICTURES] + str(number).encode())
    (folder / "method.py").write_text(METHOD)
    for images, phrases in manifests:
        rows = ["image,phrase,pathology,x,y,w,h"]
        for i in range(images):
            rows += [f"{i}.jpg,phrase {k},Edema,{500 + 9 * i},{400 + 50 * k},700,900" for k in range(phrases)]
        (folder / f"{images}-{phrases}.csv").write_text("\n".join(rows))


def in_own_process(folder: Path, version: str, what: str, images: int, jobs: int | None = None) -> dict[str, float]:
    """Run this file with one version of the package."""
    command = [sys.executable, __file__, "--one", str(folder), version, what, str(images), json.dumps(jobs)]
    its = environment(folder / version)
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=its, cwd=folder)
    return json.loads(done.stdout.splitlines()[-1])


def measured_here(folder: Path, version: str, what: str, images: int, jobs: int | None) -> dict[str, float]:
    """One measurement in this process."""
    from groundcxr import Radiograph, load_dataset
    from groundcxr.evaluation import Run, Shard, ground_shard, make_entry, score_entry, select
    from groundcxr.metrics import get_protocol

    scoring = what in ("fill", "score")
    if what == "decode":
        paths = [folder / f"{number}.jpg" for number in range(images)]
        start = time.perf_counter()
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            for _ in pool.map(lambda path: Radiograph.open(path).size, paths):
                pass
        return {"rate": images / (time.perf_counter() - start)}
    selection = select(load_dataset("manifest", folder / f"{images}-{PHRASES if scoring else 1}.csv"))
    entry = make_entry(f"{folder / 'method.py'}:{'Maps' if scoring else 'Waits'}")
    more: dict[str, Any] = {} if jobs is None else {"jobs": jobs}
    with tempfile.TemporaryDirectory(dir=folder) as out:
        store = folder / version / "store" if scoring else Path(out) / "store"
        run = Run(selection, store, Path(out), "cpu", **more)
        start = time.perf_counter()
        if what == "score":
            list(score_entry(entry, [get_protocol("v1")], run))
        else:
            ground_shard(entry, run, Shard(1, 1))
        seconds = time.perf_counter() - start
    return {"seconds": seconds, "rate": images / seconds, "peak_mb": peak_mb()}


def peak_mb() -> float:
    """The most memory that this process has had, in MiB; `getrusage` would begin with its parent's (Linux)."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) / 1024


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        at, version, what, images, jobs = sys.argv[2:]
        print(json.dumps(measured_here(Path(at), version, what, int(images), json.loads(jobs))))
    else:
        main()
