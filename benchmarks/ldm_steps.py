"""How many inversion steps the diffusion method needs: steps against AUROC, average precision and seconds.

`.venv/bin/python benchmarks/ldm_steps.py` evaluates `ldm-phantom` on the phantom's test split with each number of steps
and prints the table of docs/ldm.md. 300 steps take a quarter of an hour on two cores.
"""

from __future__ import annotations

import tempfile

from processor import cpu

from groundcxr import evaluate

STEPS = (300, 100, 50, 30, 20, 10, 5)


def main() -> None:
    """Print a row for each number of steps."""
    print(f"{cpu()}\n")
    print("| steps asked for | steps read | macro AUROC | macro ap | macro miou | seconds | of 300 steps |")
    print("|---:|---:|---:|---:|---:|---:|---:|")
    slowest = 0.0
    with tempfile.TemporaryDirectory() as folder:
        for steps in STEPS:
            result = evaluate("ldm-phantom", "phantom", settings={"steps": steps}, out=folder)
            macro, seconds = result.info.overall.macro, result.info.run.seconds
            slowest = slowest or seconds
            numbers = " | ".join(f"{macro[key].value:.4f}" for key in ("auroc", "ap", "miou"))
            read = max(steps * 60 // 100 - steps * 40 // 100, 1)
            print(f"| {steps} | {read} | {numbers} | {seconds:.0f} | {seconds / slowest:.2f} |", flush=True)


if __name__ == "__main__":
    main()
