"""Part 3 of `benchmarks/gpu.sh`: films from the disk to the table, and where the time goes.

    python benchmarks/gpu_films.py [--smoke] [--device cuda]

64 made-up films of 2544x3056 pixels as JPEG, one phrase each, through BioViL (ResNet-50 and CXR-BERT of their real
size, weights drawn) and `groundcxr.evaluate` as it is. Each step's time is that of the thread that does it: reading and
decoding run ahead in threads of their own, so their seconds are spread over these and lie beside the others.
"""

from __future__ import annotations

import argparse
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pipeline
import torch
from gpu_models import CASES, save_models
from ldm_common import machine

from groundcxr import evaluate, load_dataset
from groundcxr.core.machine import cpu_count
from groundcxr.evaluation import score_and_save, worker
from groundcxr.evaluation.reading import reading_threads
from groundcxr.evaluation.store import PredictionStore

IMAGES, SMOKE_IMAGES = 64, 2
BATCH = 16
BUSY_EVERY = 0.01


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--smoke", action="store_true", help="two films and a small model")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    given = parser.parse_args()
    images, name = (SMOKE_IMAGES, "clip-phantom") if given.smoke else (IMAGES, "biovil")
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        pipeline.make_data(place, ((images, 1),))
        save_models(place / "models", (name,))
        method = CASES[name].build(place / "models")
        method.setup(given.device)
        data = load_dataset("manifest", place / f"{images}-1.csv")
        print(
            f"{images} films of {pipeline.WIDTH}x{pipeline.HEIGHT} through {name} on {machine(given.device)};",
            flush=True,
        )
        for round_ in ("first", "second"):  # the first loads kernels; a film's file is in the system's memory by then
            spent: dict[str, float] = defaultdict(float)
            busy: list[float] = []
            with noted(spent, method), watched(busy, given.device):
                start = time.perf_counter()
                evaluate(
                    method,
                    data,
                    device=given.device,
                    batch_size=BATCH,
                    out=place / round_,
                    store=place / round_ / "store",
                    jobs=1,
                )
                seconds = time.perf_counter() - start
            print(f"{round_} run: {images / seconds:.1f} images/s from files to the result", flush=True)
        print(f"{cpu_count()} processors, {reading_threads()} threads read; batches of {BATCH}; second run\n")
        print("| step | where | seconds | ms an image |")
        print("|---|---|---:|---:|")
        for step, where in STEPS.items():
            print(f"| {step} | {where} | {spent[step]:.4f} | {1000 * spent[step] / images:.1f} |")
        grounding = spent["grounding in all"]
        print(f"| all | | {seconds:.4f} | {1000 * seconds / images:.1f} |")
        print(f"\ngrounding {images / grounding:.1f} images/s; from files to the result {images / seconds:.1f}")
        parts = [step for step, where in STEPS.items() if where == "main thread" and step != "grounding in all"]
        largest = max(parts, key=lambda step: spent[step])
        print(f"the largest cost: {largest}, {spent[largest] / seconds:.0%} of the time")
        if given.device != "cpu":
            share = f"{sum(busy) / len(busy):.0f} %" if busy else "an unknown part (nvidia-ml-py is missing)"
            print(f"the GPU was busy {share} of the time")


STEPS = {
    "reading and hashing": "threads",
    "decoding": "threads",
    "waiting for films": "main thread",
    "making films the network's input": "main thread",
    "networks and maps": "main thread",
    "store": "main thread",
    "grounding in all": "main thread",
    "scoring": "main thread",
    "averages and intervals": "main thread",
}


@contextmanager
def noted(spent: dict[str, float], method: Any) -> Iterator[None]:
    """Within it each step adds its seconds to `spent`."""
    lock = threading.Lock()
    undo: list[Callable[[], None]] = []

    def wrap(owner: Any, name: str, step: str) -> None:
        usual = getattr(owner, name)

        def timed(*given: Any, **named: Any) -> Any:
            start = time.perf_counter()
            try:
                return usual(*given, **named)
            finally:
                with lock:
                    spent[step] += time.perf_counter() - start

        kept = vars(owner).get(name)
        setattr(owner, name, timed)
        undo.append(lambda: delattr(owner, name) if kept is None else setattr(owner, name, kept))

    wrap(worker, "image_bytes", "reading and hashing")
    wrap(worker.Worker, "_decode", "decoding")
    wrap(worker.Worker, "run", "grounding in all")
    wrap(PredictionStore, "add", "store")
    wrap(method, "ground_batch", "networks and maps")
    wrap(score_and_save, "score_parts", "scoring")
    wrap(score_and_save, "make_result", "averages and intervals")
    if hasattr(method, "_pixels"):
        wrap(method, "_pixels", "making films the network's input")
    try:
        yield
    finally:
        for one in reversed(undo):
            one()
        inner = spent["making films the network's input"]
        spent["networks and maps"] -= inner
        known = spent["networks and maps"] + inner + spent["store"]
        spent["waiting for films"] = spent["grounding in all"] - known


@contextmanager
def watched(busy: list[float], device: str) -> Iterator[None]:
    """Within it the GPU is asked again and again how much of the time it works, where it can be."""
    done = threading.Event()

    def watch() -> None:
        while not done.wait(BUSY_EVERY):
            with suppress(Exception):  # where NVIDIA's management library is missing
                busy.append(torch.cuda.utilization())

    watcher = threading.Thread(target=watch)
    if device != "cpu":
        watcher.start()
    try:
        yield
    finally:
        done.set()
        if device != "cpu":
            watcher.join()


if __name__ == "__main__":
    main()
