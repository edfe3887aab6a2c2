"""What the evaluator itself costs: samples per second, memory as samples become more, the store, and a command's start.

    python benchmarks/overhead.py             # all of it
    python benchmarks/overhead.py store       # the store, beside that of the commit BEFORE

Each evaluation runs in a process of its own on one core, with a fresh store. The phantoms are drawn once, before.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from processor import cpu
from versions import BEFORE, environment, versions

SIZES = (1_000, 20_000)
IMAGES = 9_500  # enough phantoms for the larger number of samples
STARTS = 7
BATCH = 16
STEPS = {
    "ground": "grounding and store, first run",
    "again": "the same again, all stored",
    "whole": "evaluate, first run",
    "rerun": "evaluate again, all stored",
}


def main() -> None:
    """Print the tables."""
    print(f"machine: {cpu()}, {os.cpu_count()} cores; Python {platform.python_version()}\n")
    if sys.argv[1:2] != ["store"]:
        print_evaluations()
    print_store(int(sys.argv[2]) if len(sys.argv) > 2 else SIZES[1])


def print_evaluations() -> None:
    """The whole evaluator on phantoms, and how fast a command starts."""
    print("| evaluate --method center-prior --dataset phantom, one core | seconds | samples/s | peak memory (MiB) |")
    print("| --- | --- | --- | --- |")
    peaks: list[float] = []
    for samples in SIZES:
        measured = in_own_process("phantom", samples)
        peaks.append(measured["peak_mb"])
        rate = samples / measured["seconds"]
        print(
            f"| {samples:,} samples | {measured['seconds']:.2f} | {rate:.0f} | {measured['peak_mb']:.0f} |", flush=True
        )
    print(f"\npeak memory, {SIZES[1]:,} against {SIZES[0]:,} samples: {peaks[1] / peaks[0]:.2f} times")
    command = [Path(sys.executable).parent / "groundcxr", "list", "methods"]
    starts = sorted(seconds_of(command) for _ in range(STARTS))
    print(
        f"groundcxr list methods: {starts[STARTS // 2]:.2f} s (median of {STARTS}; {starts[0]:.2f} to {starts[-1]:.2f})"
    )


def print_store(samples: int) -> None:
    """The store beside that of the commit before, step by step in turn."""
    with tempfile.TemporaryDirectory() as name, versions(Path(name), BEFORE):
        folder = Path(name)
        draw(folder / "images", samples // 2)
        measured = {
            (which, step): in_own_process(
                step, samples, folder / "images", folder / which, env=environment(folder / which)
            )
            for step in STEPS
            for which in ("before", "now")
        }
    print(f"\n| {samples:,} samples of {samples // 2:,} images, maps of 32x32, one core | {BEFORE} | now | ratio |")
    print("| --- | ---: | ---: | ---: |")
    for step, title in STEPS.items():
        print_row(f"{title} (s)", measured["before", step]["seconds"], measured["now", step]["seconds"])
        print_row("... of the processor's time (s)", measured["before", step]["work"], measured["now", step]["work"])
    for key, title in (("files", "files of the store"), ("mb", "size of the store (MB)")):
        print_row(title, measured["before", "ground"][key], measured["now", "ground"][key])


def print_row(title: str, before: float, now: float) -> None:
    """A line of the table."""
    print(f"| {title} | {before:,.4g} | {now:,.4g} | {now / before:.2f} |")


def draw(folder: Path, images: int) -> None:
    """Made-up PNGs of about 36 kB, old enough that no cache takes them for unfinished."""
    from PIL import Image

    folder.mkdir()
    rng = np.random.default_rng(0)
    for number in range(images):
        path = folder / f"{number}.png"
        Image.fromarray(rng.integers(0, 256, (190, 190), dtype=np.uint8)).save(path, compress_level=0)
    rows = (
        f"{number}.png,phrase {question},{('Edema', 'Pneumonia')[question]},20,30,70,90,{number // 2}"
        for number in range(images)
        for question in range(2)
    )
    (folder / "manifest.csv").write_text("\n".join(["image,phrase,pathology,x,y,w,h,patient_id", *rows]))
    time.sleep(3)


def in_own_process(step: str, samples: int, *folders: Path, env: Mapping[str, str] | None = None) -> dict[str, float]:
    """Run this file as a worker."""
    command = [sys.executable, __file__, "worker", step, str(samples), *map(str, folders)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=env)
    return json.loads(done.stdout)


def phantoms(samples: int) -> dict[str, float]:
    """Evaluate on one core; seconds are counted from the loaded data set to the saved result."""
    from groundcxr import evaluate, load_dataset
    from groundcxr.core.machine import peak_memory_mb

    dataset = load_dataset("phantom", images=IMAGES)
    with tempfile.TemporaryDirectory() as folder:
        evaluate("center-prior", dataset, limit=20, out=Path(folder) / "warm")
        start = time.perf_counter()
        evaluate("center-prior", dataset, limit=samples, out=Path(folder) / "measured")
        return {"seconds": time.perf_counter() - start, "peak_mb": peak_memory_mb()["host"]}


def made_up(step: str, images: Path, out: Path) -> dict[str, float]:
    """Ground only (a shard that is the whole), or evaluate, a method whose maps are noise that does not compress."""
    from groundcxr import Grounding, GroundingMethod, Heatmap, evaluate, load_dataset
    from groundcxr.core import Radiograph
    from groundcxr.evaluation.entry import make_entry
    from groundcxr.evaluation.plan import Shard, select
    from groundcxr.evaluation.run import ground_shard
    from groundcxr.evaluation.run_settings import Run

    class Noise(GroundingMethod):
        """Noise."""

        revision = "1"
        batch_size = BATCH

        def ground(self, image: Radiograph, phrases: Sequence[str]) -> list[Grounding]:
            rng = np.random.default_rng(int(image.sha256[:8], 16))
            return [Grounding(Heatmap.whole(rng.random((32, 32), dtype=np.float32), (190, 190))) for _ in phrases]

    dataset = load_dataset("manifest", images / "manifest.csv")
    start, work = time.perf_counter(), time.process_time()
    if step in ("ground", "again"):
        run = Run(select(dataset), out / "store", None)
        ground_shard(make_entry(Noise), run, Shard(1, 1))
    else:
        evaluate(Noise, dataset, out=out / "whole")
    seconds, work = time.perf_counter() - start, time.process_time() - work
    files = [path for path in (out / "store").rglob("*") if path.is_file()]
    return {
        "seconds": seconds,
        "work": work,
        "files": len(files),
        "mb": sum(path.stat().st_size for path in files) / 1e6,
    }


def seconds_of(command: list[str | Path]) -> float:
    """Wall-clock seconds of a command."""
    start = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - start


def worker(step: str, samples: str, *folders: str) -> dict[str, float]:
    """One measurement, on one core."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {0})
    if step == "phantom":
        return phantoms(int(samples))
    images, out = map(Path, folders)
    return made_up(step, images, out)


if __name__ == "__main__":
    if sys.argv[1:2] == ["worker"]:
        print(json.dumps(worker(*sys.argv[2:])))
    else:
        main()
