"""Native-grid metrics against scikit-learn at full resolution, and the bootstrap. Run: python benchmarks/metrics.py.

One core, one 3056x2544 image (MIMIC-CXR's usual size). The full-resolution column gets the map already up-sampled and
the target already painted, and computes AUROC, average precision, mIoU and CNR; the native column does everything that
protocol v1 does for a heatmap: counting the target's pixels over the grid, and all eight metrics. All times are the
processor's, which other work on the machine disturbs less.
"""

import os

os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"))

import platform
import statistics
import time
from collections.abc import Callable

import numpy as np
import sklearn
from processor import cpu
from sklearn.metrics import average_precision_score, roc_auc_score

from groundcxr.core import Box, Grounding, Heatmap, Mask, Target
from groundcxr.metrics import get_protocol, summarise

SIZE = (2544, 3056)
BOXES = [Box(1510, 240, 2120, 635), Box(300, 1400, 1190, 2310)]
GRIDS = [(15, 15), (32, 32), (512, 512), SIZE[::-1]]


def seconds(function: Callable[[], object], repeats: int) -> float:
    """Median processor time of a call, after one that is not counted."""
    function()
    times = []
    for _ in range(repeats):
        start = time.process_time()
        function()
        times.append(time.process_time() - start)
    return statistics.median(times)


def full_resolution(scores: np.ndarray, inside: np.ndarray) -> dict[str, float]:
    """The four metrics over all pixels, as one writes them down."""
    unit = (scores - scores.min()) / (scores.max() - scores.min())
    ours, others = unit[inside], unit[~inside]
    marked = [unit > threshold for threshold in (0.1, 0.2, 0.3, 0.4, 0.5)]
    return {
        "auroc": float(roc_auc_score(inside.ravel(), scores.ravel())),
        "ap": float(average_precision_score(inside.ravel(), scores.ravel())),
        "miou": float(np.mean([(inside & m).sum() / (inside | m).sum() for m in marked])),
        "cnr": float((ours.mean() - others.mean()) / np.sqrt(ours.var() + others.var() + 1e-6)),
    }


def compare_scores() -> None:
    """One row for each grid and kind of target."""
    v1 = get_protocol("v1")
    inside = np.zeros(SIZE[::-1], dtype=bool)
    for box in BOXES:
        inside[slice(*box.rows(SIZE[1])), slice(*box.columns(SIZE[0]))] = True
    targets = {"2 boxes": Target(BOXES, SIZE), "mask": Target((), SIZE, Mask.of(inside))}
    print(
        f"| map on a {SIZE[1]}x{SIZE[0]} image | target | full resolution | native grid | ratio | largest difference |"
    )
    print("|---|---|---:|---:|---:|---:|")
    for grid in GRIDS:
        heatmap = Heatmap.whole(np.random.default_rng(0).random(grid), SIZE)
        scores = heatmap.to_pixels().astype(np.float64)
        full = seconds(lambda scores=scores: full_resolution(scores, inside), 3)
        expected = full_resolution(scores, inside)
        for name, target in targets.items():
            grounding = Grounding(heatmap)
            native = seconds(lambda g=grounding, t=target: v1.score(g, t), 5 if grid == SIZE[::-1] else 51)
            found = v1.score(grounding, target)
            worst = max(abs(value - (found[key].value or 0.0)) for key, value in expected.items())
            row = f"{grid[0]}x{grid[1]} | {name} | {full * 1e3:,.0f} ms | {native * 1e3:.2f} ms | {full / native:,.0f}x"
            print(f"| {row} | {worst:.0e} |")


def time_protocols() -> None:
    """What the protocols cost for each sample."""
    y, x = np.mgrid[:32, :32] / 32
    # Two bumps: what boxes are read off a map depends on its pieces, and no method answers with noise.
    bumps = np.exp(-20 * ((x - 0.7) ** 2 + (y - 0.15) ** 2)) + 0.8 * np.exp(-12 * ((x - 0.3) ** 2 + (y - 0.6) ** 2))
    target = Target(BOXES, SIZE)
    answers = {
        "one 32x32 map": Grounding(Heatmap.whole(bumps, SIZE)),
        "2 boxes": Grounding(boxes=(Box(1500, 200, 2100, 700, score=0.9), Box(350, 1300, 1100, 2200, score=0.4))),
    }
    print("\n| answer, against 2 boxes | protocol | metrics | time | of v1's |\n|---|---|---:|---:|---:|")
    for answer, grounding in answers.items():
        took: dict[str, float] = {}
        for name in ("v1", "v2", "vilouras2024"):
            protocol = get_protocol(name)
            found = protocol.score(grounding, target)
            if not found:
                continue
            took[name] = min(
                processor_seconds(lambda p=protocol, g=grounding: p.score(g, target), 100) for _ in range(7)
            )
            print(f"| {answer} | {name} | {len(found)} | {took[name] * 1e3:.3f} ms | {took[name] / took['v1']:.1f}x |")


def processor_seconds(function: Callable[[], object], repeats: int) -> float:
    """Mean processor time of a call, after one that is not counted."""
    function()
    start = time.process_time()
    for _ in range(repeats):
        function()
    return (time.process_time() - start) / repeats


def time_bootstrap() -> None:
    """The bootstrap over patients, at the size of MS-CXR and beyond."""
    rng = np.random.default_rng(0)
    names = [f"pathology {i}" for i in range(8)]
    print("\n| 2,000 bootstrap draws, 8 pathologies, 8 metrics | time |\n|---|---:|")
    for samples, patients in ((1_200, 850), (20_000, 10_000)):
        values = rng.random((samples, 8))
        pathology = [names[i] for i in rng.integers(8, size=samples)]
        patient = [f"patient {i}" for i in rng.integers(patients, size=samples)]
        took = seconds(lambda v=values, c=pathology, p=patient: summarise(v, c, p, pathologies=names), 3)
        print(f"| {samples:,} samples of {patients:,} patients | {took:.2f} s |")


def machine() -> str:
    """What the figures were measured on."""
    versions = f"Python {platform.python_version()}, NumPy {np.__version__}, scikit-learn {sklearn.__version__}"
    return f"{cpu()}, {os.cpu_count()} cores, one used; {versions}"


if __name__ == "__main__":
    print(f"{machine()}\n")
    compare_scores()
    time_protocols()
    time_bootstrap()
