"""What the evaluator itself costs: samples per second, memory as samples become more, and the start of a command.

    python benchmarks/overhead.py

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
from pathlib import Path

from processor import cpu

SIZES = (1_000, 20_000)
IMAGES = 9_500  # enough phantoms for the larger number of samples
STARTS = 7


def main() -> None:
    """Print the table."""
    print(f"machine: {cpu()}, {os.cpu_count()} cores; Python {platform.python_version()}\n")
    print("| evaluate --method center-prior --dataset phantom, one core | seconds | samples/s | peak memory (MiB) |")
    print("| --- | --- | --- | --- |")
    peaks: list[float] = []
    for samples in SIZES:
        measured = in_own_process(samples)
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


def in_own_process(samples: int) -> dict[str, float]:
    """Run this file as a worker."""
    command = [sys.executable, __file__, str(samples)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return json.loads(done.stdout)


def evaluate_once(samples: int) -> dict[str, float]:
    """Evaluate on one core; seconds are counted from the loaded data set to the saved result."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {0})
    from groundcxr import evaluate, load_dataset
    from groundcxr.core.machine import peak_memory_mb

    dataset = load_dataset("phantom", images=IMAGES)
    with tempfile.TemporaryDirectory() as folder:
        evaluate("center-prior", dataset, limit=20, out=Path(folder) / "warm")
        start = time.perf_counter()
        evaluate("center-prior", dataset, limit=samples, out=Path(folder) / "measured")
        return {"seconds": time.perf_counter() - start, "peak_mb": peak_memory_mb()["host"]}


def seconds_of(command: list[str | Path]) -> float:
    """Wall-clock seconds of a command."""
    start = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - start


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(json.dumps(evaluate_once(int(sys.argv[1]))))
    else:
        main()
