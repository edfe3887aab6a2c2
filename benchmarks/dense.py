"""What the dense modes of `clip` cost: time per image beside that of the tower's own projection, in one process.

    python benchmarks/dense.py [--model ViT-B-16-quickgelu] [--images 2] [--rounds 5] [--device cpu|cuda]

The weights are drawn; the time does not depend on them. Modes take turns, so that a change of the machine's load meets
all of them; the median of the rounds counts.
"""

from __future__ import annotations

import argparse
import statistics
import time

import numpy as np
import torch
from processor import cpu

from groundcxr.core import Query, Radiograph
from groundcxr.methods.contrastive.clip.dense import MODE_NAMES
from groundcxr.methods.contrastive.clip.method import Clip
from groundcxr.methods.contrastive.clip.options import ClipOptions

PHRASES = ("small left pleural effusion", "opacity in the right lower lobe")


def seconds(method: Clip, queries: list[Query], device: str) -> float:
    """What one batch takes; on a processor in processor time, which other work does not lengthen."""
    if device == "cpu":
        start = time.process_time()
        method.ground_batch(queries)
        return time.process_time() - start
    torch.cuda.synchronize(device)
    start = time.perf_counter()
    method.ground_batch(queries)
    torch.cuda.synchronize(device)
    return time.perf_counter() - start


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="ViT-B-16-quickgelu")
    parser.add_argument("--images", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    given = parser.parse_args()
    rng = np.random.default_rng(0)
    films = [Radiograph.from_array(rng.integers(0, 256, (1024, 1024), dtype=np.uint8)) for _ in range(given.images)]
    queries = [Query(film, phrase, "") for film in films for phrase in PHRASES]
    methods = {}
    for name in MODE_NAMES:
        methods[name] = Clip(ClipOptions(f"{given.model}/drawn", "random:0", name))
        methods[name].setup(given.device)
        seconds(methods[name], queries, given.device)
    times: dict[str, list[float]] = {name: [] for name in methods}
    for _ in range(given.rounds):
        for name, method in methods.items():
            times[name].append(seconds(method, queries, given.device) / given.images)
    machine = cpu() if given.device == "cpu" else torch.cuda.get_device_name(given.device)
    print(f"\n{given.model}, {machine}, {torch.get_num_threads()} threads, {len(PHRASES)} phrases an image, float32\n")
    print("| dense | s/image | times projection |\n|---|---:|---:|")
    own = times["projection"]
    for name, found in times.items():
        ratio = statistics.median(one / other for one, other in zip(found, own, strict=True))
        print(f"| {name} | {statistics.median(found):.3f} | {ratio:.2f} |")


if __name__ == "__main__":
    main()
