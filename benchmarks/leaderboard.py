"""How long the leaderboard takes: finding and checking results, its tables, its pages.

    python benchmarks/leaderboard.py

Results of 5 and of 50 made-up methods on 20,000 made-up samples of 10,000 patients are written to a temporary folder.
Tables and pages are measured in processes of their own, so that nothing is in memory before the first load. A page's
time is the server's; the pictures of Compare are not part of it, since the made-up samples have no images. They are
measured on images of MIMIC-CXR's usual size. Overview is measured on results of 10 methods on 9 data sets.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import tempfile
import time
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from processor import cpu

SAMPLES = 20_000
PATIENTS = 10_000
METHODS = (5, 50)
IMAGE = (2544, 3056)
SETS = tuple(f"set-{letter}" for letter in "abcdefghi")
SEVERAL_METHODS = 10
SEVERAL_SAMPLES = 5_000
GRIDS = (15, 32, 64, 512)
"""Cells on each side of the four methods' maps: BioViL's, latent diffusion's, and two finer ones."""
ROWS = 9
Timed = Callable[[str, Callable[[], Any]], Any]
PATHOLOGIES = (
    "Atelectasis",
    "Cardiomegaly",
    "Consolidation",
    "Edema",
    "Lung Opacity",
    "Pleural Effusion",
    "Pneumonia",
    "Pneumothorax",
)


def main() -> None:
    """Print the table."""
    print(f"machine: {cpu()}, {os.cpu_count()} cores; Python {platform.python_version()}\n")
    found: dict[int, dict[str, float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for count in METHODS:
            results = Path(folder) / str(count)
            write_results(results, count)
            found[count] = {}
            for part in PARTS:
                command = [sys.executable, __file__, part, str(results)]
                done = subprocess.run(command, check=True, capture_output=True, text=True)
                found[count].update(json.loads(done.stdout))
        (Path(folder) / "pictures").mkdir()
        command = [sys.executable, __file__, "pictures", str(Path(folder) / "pictures")]
        pictures = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        several = Path(folder) / "several"
        for dataset in SETS:
            write_results(several, SEVERAL_METHODS, dataset, SEVERAL_SAMPLES)
        command = [sys.executable, __file__, "overview", str(several)]
        overview = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    print(f"| {SAMPLES:,} samples of {PATIENTS:,} patients | " + " | ".join(f"{n} methods" for n in METHODS) + " |")
    print("|---|" + "---:|" * len(METHODS))
    for what in found[METHODS[0]]:
        unit = "MiB" if what.startswith("peak") else "s"
        numbers = (f"{found[count][what]:,.0f}" if unit == "MiB" else f"{found[count][what]:.3f}" for count in METHODS)
        print(f"| {what} ({unit}) | {' | '.join(numbers)} |")
    print(f"\n| {SEVERAL_METHODS} methods x {len(SETS)} data sets of {SEVERAL_SAMPLES:,} samples | |\n|---|---:|")
    for what, number in overview.items():
        print(f"| {what} | {number:.3f} |")
    print(pictures, end="")


def write_results(out: Path, count: int, of: str = "made-up", n: int = SAMPLES) -> None:
    """Results of `count` methods that differ by a little, as `evaluate` writes them, on `n` samples of a data set."""
    from groundcxr.core.fingerprint import digest
    from groundcxr.evaluation.result import make_result
    from groundcxr.evaluation.schema import DatasetInfo, MethodInfo, RunInfo
    from groundcxr.metrics import get_protocol

    protocol = get_protocol("v1")
    rng = np.random.default_rng(zlib.crc32(of.encode()))
    patients = rng.integers(n // 2, size=n)
    ease = rng.normal(0, 0.15, n)
    described = {
        "sample_id": text(digest("sample", i)[:16] for i in range(n)),
        "patient_key": text(digest("patient", i)[:16] for i in patients.tolist()),
        "image_key": text(digest("image", i)[:16] for i in patients.tolist()),
        "pathology": text(PATHOLOGIES[i] for i in rng.integers(len(PATHOLOGIES), size=n)),
        "box_area": rng.beta(1, 12, n),
        "n_boxes": rng.integers(1, 4, n, dtype=np.int32),
        "side": text(("left", "right", "bilateral")[i] for i in rng.integers(3, size=n)),
        "zone": text(("upper", "mid", "lower")[i] for i in rng.integers(3, size=n)),
        "truncated": np.zeros(n, dtype=bool),
        "seconds": np.full(n, 0.02),
        "error": text([None] * n),
    }
    dataset = DatasetInfo(
        name=of, version="1", split="test", fingerprint=digest(of), n_samples=n, n_skipped=0,
        n_warnings=0, options={}, licence="none", citation="", credentialed=True,
    )  # fmt: skip
    run = RunInfo(
        device="cpu", batch_size=16, seconds=400, peak_memory_mb={}, created="2026-11-24T00:00:00+00:00", packages={},
        git=None,
    )  # fmt: skip
    for number in range(count):
        skill = 0.1 + 0.3 * number / count
        rows = pd.DataFrame(described)
        for metric in protocol.metrics_for({"heatmap"}):
            rows[metric.key] = np.clip(skill + ease + rng.normal(0, 0.1, n), 0, 1)
            rows[f"{metric.key}_status"] = pd.Categorical.from_codes(np.zeros(n, dtype=np.int8), ["ok"])
        name = f"method-{number:02d}"
        method = MethodInfo(
            name=name, label=name, kind="other", emits=["heatmap"], control=False, revision="1", weights=None,
            weights_fingerprint="none", options={}, fingerprint=digest(name), trained_on=[], licence="none",
            citation="", note="",
        )  # fmt: skip
        make_result(
            samples=rows, problems={}, protocol=protocol, pathologies=PATHOLOGIES, dataset=dataset, method=method,
            run=run, complete=True,
        ).save(out)  # fmt: skip


def text(values: Any) -> pd.Series:
    """A column of strings."""
    return pd.Series(list(values), dtype="string")


def measure_tables(results: Path, timed: Timed) -> None:
    """Seconds of each step, in the order in which a reader meets them."""
    from groundcxr.comparison.head_to_head import head_to_head
    from groundcxr.leaderboard.export import export
    from groundcxr.leaderboard.failures import slices, worst_samples
    from groundcxr.leaderboard.formats import Format
    from groundcxr.leaderboard.library import Library
    from groundcxr.leaderboard.tables import board

    runs = timed("results found and checked, first time", lambda: Library.scan([results])).runs
    timed("the same again (refresh)", lambda: Library.scan([results]))
    table = timed("board of one metric, first time", lambda: board(runs, "miou"))
    timed("board of another metric", lambda: board(runs, "auroc"))
    timed("a board seen before", lambda: board(runs, "miou"))
    timed("head to head of two methods", lambda: head_to_head(runs[0], runs[1], "miou"))
    timed("50 worst samples of a method", lambda: worst_samples(runs[0], "miou"))
    timed("slices by area of all methods", lambda: slices(runs, "miou", "box_area"))
    timed("LaTeX of a board", lambda: export([table], Format.LATEX))


def measure_pages(results: Path, timed: Timed) -> None:
    """Seconds of the server's part of each page: at first sight, and when it is loaded again."""
    from streamlit.testing.v1 import AppTest

    import groundcxr.leaderboard
    from groundcxr.leaderboard.views.frame import PAGES

    app = Path(groundcxr.leaderboard.__path__[0]) / "app.py"
    sys.argv = [str(app), f"--results={results}"]
    for path, title in PAGES:
        page = AppTest.from_file(app, default_timeout=120)
        if path != PAGES[0][0]:
            page.switch_page(path)
        timed(f"page {title}, first time", page.run)
        timed(f"page {title}, again", page.run)
        if page.exception:
            raise SystemExit(f"the page {title} failed: {page.exception[0].message}")


def measure_overview(results: Path, timed: Timed) -> None:
    """Seconds of the server's part of Overview: at first sight, again, and with another metric."""
    from streamlit.testing.v1 import AppTest

    import groundcxr.leaderboard

    app = Path(groundcxr.leaderboard.__path__[0]) / "app.py"
    sys.argv = [str(app), f"--results={results}"]
    page = AppTest.from_file(app, default_timeout=600)
    page.switch_page("app_pages/overview.py")
    timed("page Overview, first time (s)", page.run)
    timed("page Overview, again (s)", page.run)
    other = next(box for box in page.selectbox if box.key == "metric")
    other.set_value(1 if other.value != 1 else 0)
    timed("page Overview, another metric (s)", page.run)
    if page.exception:
        raise SystemExit(f"the page Overview failed: {page.exception[0].message}")


def measure_pictures(folder: Path) -> None:
    """A row of Compare: the image, and the answers of some methods on it."""
    from PIL import Image

    from groundcxr import evaluate, load_dataset
    from groundcxr.leaderboard.joining import join
    from groundcxr.leaderboard.library import Library
    from groundcxr.leaderboard.overlays import Style
    from groundcxr.leaderboard.views.pictures import answer, truth

    width, height = IMAGE
    rng = np.random.default_rng(0)
    lines = ["image,phrase,pathology,x,y,w,h"]
    for number in range(ROWS):
        coarse = Image.fromarray(rng.integers(0, 256, (30, 25), dtype=np.uint8))
        coarse.resize(IMAGE, Image.Resampling.BICUBIC).save(folder / f"{number}.jpg", quality=95)
        lines.append(f"{number}.jpg,opacity {number},Edema,{width // 4},{height // 4},{width // 3},{height // 3}")
    manifest = folder / "manifest.csv"
    manifest.write_text("\n".join(lines) + "\n")
    for grid in GRIDS:
        evaluate("random", load_dataset("manifest", manifest), settings={"grid": grid}, out=folder / "results")
    runs = Library.scan([folder / "results"]).runs
    joined = join(runs[0].info.dataset, {"manifest": manifest}, runs[0].info.pathologies)
    samples = joined.samples

    def row(sample_id: str, threshold: float) -> float:
        start = time.perf_counter()
        shown = [truth(samples[sample_id])]
        shown += [answer(run, sample_id, joined, Style(0.5, threshold)) for run in runs]
        if not all(one.image for one in shown):
            raise SystemExit(f"a picture is missing: {[one.remark for one in shown]}")
        return time.perf_counter() - start

    ids = list(samples)
    print(f"\n| a row of Compare, {len(runs)} methods, {width}x{height} JPEG | median (ms) | longest (ms) |")
    print("|---|---:|---:|")
    for what, threshold in (("first time", 0.5), ("threshold moved", 0.6), ("seen before", 0.5)):
        times = sorted(1000 * row(sample_id, threshold) for sample_id in ids)
        print(f"| {what} | {times[len(times) // 2]:.0f} | {times[-1]:.0f} |")


def measure(part: str, results: Path) -> dict[str, float]:
    """Seconds by step, and the process's peak memory."""
    from groundcxr.core.machine import peak_memory_mb

    seconds: dict[str, float] = {}

    def timed(what: str, step: Callable[[], Any]) -> Any:
        start = time.perf_counter()
        done = step()
        seconds[what] = time.perf_counter() - start
        return done

    {**PARTS, **OTHERS}[part](results, timed)
    return {**seconds, f"peak memory, {part}": peak_memory_mb()["host"]}


PARTS = {"tables": measure_tables, "pages": measure_pages}
OTHERS = {"overview": measure_overview}


if __name__ == "__main__":
    if sys.argv[1:2] == ["pictures"]:
        measure_pictures(Path(sys.argv[2]))
    elif len(sys.argv) > 1:
        print(json.dumps(measure(sys.argv[1], Path(sys.argv[2]))))
    else:
        main()
