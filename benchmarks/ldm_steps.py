"""How many inversion steps the diffusion method needs: steps against AUROC, average precision and seconds.

`.venv/bin/python benchmarks/ldm_steps.py` evaluates `ldm-phantom` on the phantom's test split with each number of steps
and prints the table of docs/ldm.md. It takes half an hour on two cores; what is in results/store is not grounded again.
"""

from __future__ import annotations

import time

from processor import cpu

from groundcxr import Query, Radiograph, evaluate, load_dataset
from groundcxr.methods.diffusion.ldm.schedule import middle_fifth
from groundcxr.methods.loading import build_method

STEPS = (300, 100, 50, 30, 20, 10, 5, 3, 2, 1)
TIMED, ROUNDS = 16, 3
"""Samples that are grounded to take the time, and how often; the shortest counts."""


def main() -> None:
    """Print a row for each number of steps."""
    seconds = timed()
    print(f"{cpu()}\n")
    print("| steps asked for | steps read | macro AUROC | macro ap | macro miou | ms a sample | of 300 steps |")
    print("|---:|---:|---:|---:|---:|---:|---:|")
    for steps in STEPS:
        result = evaluate("ldm-phantom", "phantom", settings={"steps": steps})
        macro = result.info.overall.macro
        numbers = " | ".join(f"{macro[key].value:.4f}" for key in ("auroc", "ap", "miou"))
        read = len(middle_fifth(steps))
        cost = f"{1000 * seconds[steps] / TIMED:.0f} | {seconds[steps] / seconds[300]:.3f}"
        print(f"| {steps} | {read} | {numbers} | {cost} |", flush=True)


def timed() -> dict[int, float]:
    """Seconds to ground the first samples, for each number of steps, measured in turns."""
    samples = list(load_dataset("phantom"))[:TIMED]
    images = {sample.image_path: Radiograph.open(sample.image_path) for sample in samples}
    queries = [Query(images[sample.image_path], sample.phrase, sample.pathology) for sample in samples]
    best: dict[int, float] = {}
    for _ in range(ROUNDS):
        for steps in STEPS:
            method = build_method("ldm-phantom", {"steps": steps})
            method.setup("cpu")
            begun = time.perf_counter()
            method.ground_batch(queries)
            best[steps] = min(time.perf_counter() - begun, best.get(steps, float("inf")))
    return best


if __name__ == "__main__":
    main()
