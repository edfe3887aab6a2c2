"""How long the leaderboard takes: finding and checking results, its tables, its pages.

    python benchmarks/leaderboard.py           # all of it
    python benchmarks/leaderboard.py first     # what a reader waits for first, and what a browser loads for it

First, 34 made-up methods on the phantom's 871 samples under the default protocol. Then results of 5 and of 50 made-up
methods on 20,000 made-up samples of 10,000 patients. All are written to a temporary folder, and measured in processes
of their own, so that nothing is in memory before the first load. A page's time is the server's; the pictures of
Compare are not part of it, since the made-up samples have no images. They are measured on images of MIMIC-CXR's usual
size. Overview is measured on results of 10 methods on 9 data sets.
"""

from __future__ import annotations

import importlib
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from made_up_results import write_alike, write_results
from processor import cpu

if TYPE_CHECKING:
    from streamlit.testing.v1 import AppTest

ALIKE = 34
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


def main() -> None:
    """Print the tables."""
    print(f"machine: {cpu()}, {os.cpu_count()} cores; Python {platform.python_version()}\n")
    first()
    if sys.argv[1:] != ["first"]:
        large()


def first() -> None:
    """The board as it is first seen, and with other metrics: on the server, and what a browser is sent."""
    with tempfile.TemporaryDirectory() as folder:
        samples = write_alike(Path(folder), ALIKE)
        results = Path(folder) / "results"
        found = json.loads(measured("board", results))
        print(
            f"| {ALIKE} methods, {samples:,} samples, default protocol | seconds | of the processor |\n|---|---:|---:|"
        )
        for what, (seconds, processor) in found.items():
            print(f"| {what} | {seconds:.3f} | {processor:.3f} |")
        print(f"\n{measured('cold_load', results)}")


def measured(part: str, folder: Path) -> str:
    """What a part prints, in a process of its own."""
    place = Path(__file__).with_name(f"{part}.py")
    words = [str(place)] if place.exists() else [__file__, part]
    alone = {"OPENBLAS_NUM_THREADS": "1", **os.environ}  # as the commands have it
    command = [sys.executable, *words, str(folder)]
    return subprocess.run(command, env=alone, check=True, stdout=subprocess.PIPE, text=True).stdout


def large() -> None:
    """Tables and pages of many samples."""
    found: dict[int, dict[str, float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for count in METHODS:
            results = Path(folder) / str(count)
            write_results(results, count, SAMPLES)
            found[count] = {}
            for part in PARTS:
                found[count].update(json.loads(measured(part, results)))
        (Path(folder) / "pictures").mkdir()
        pictures = measured("pictures", Path(folder) / "pictures")
        several = Path(folder) / "several"
        for dataset in SETS:
            write_results(several, SEVERAL_METHODS, SEVERAL_SAMPLES, dataset)
        overview = json.loads(measured("overview", several))
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


def measure_tables(results: Path, timed: Timed) -> None:
    """Seconds of each step, in the order in which a reader meets them."""
    from groundcxr.comparison.head_to_head import head_to_head
    from groundcxr.leaderboard.board import board
    from groundcxr.leaderboard.export import export
    from groundcxr.leaderboard.failures import slices, worst_samples
    from groundcxr.leaderboard.formats import Format
    from groundcxr.leaderboard.library import Library

    runs = timed("results found and checked, first time", lambda: Library.scan([results])).runs
    timed("the same again (refresh)", lambda: Library.scan([results]))
    table = timed("board of one metric, first time", lambda: board(runs, "miou"))
    timed("board of another metric", lambda: board(runs, "auroc"))
    timed("a board seen before", lambda: board(runs, "miou"))
    timed("head to head of two methods", lambda: head_to_head(runs[0], runs[1], "miou"))
    timed("50 worst samples of a method", lambda: worst_samples(runs[0], "miou"))
    timed("slices by area of all methods", lambda: slices(runs, "miou", "box_area"))
    timed("LaTeX of a board", lambda: export([table], Format.LATEX))


def opened(results: Path, longest: float = 120) -> AppTest:
    """The leaderboard of a folder without a browser; a step that takes longer than so many seconds has failed."""
    from streamlit.testing.v1 import AppTest

    import groundcxr.leaderboard

    app = Path(groundcxr.leaderboard.__path__[0]) / "app.py"
    sys.argv = [str(app), f"--results={results}"]
    return AppTest.from_file(app, default_timeout=longest)


def measure_pages(results: Path, timed: Timed) -> None:
    """Seconds of the server's part of each page: at first sight, and when it is loaded again."""
    from groundcxr.leaderboard.views.frame import PAGES

    for path, title in PAGES:
        page = opened(results)
        if path != PAGES[0][0]:
            page.switch_page(path)
        timed(f"page {title}, first time", page.run)
        timed(f"page {title}, again", page.run)
        if page.exception:
            raise SystemExit(f"the page {title} failed: {page.exception[0].message}")


def measure_board(results: Path) -> dict[str, tuple[float, float]]:
    """Seconds, and those of the processor, of the server's part of the board: at first, again, and of other metrics."""
    # The server imports it before anybody waits.
    importlib.import_module("groundcxr.leaderboard.views.board")
    page = opened(results)

    def run() -> tuple[float, float]:
        start = time.perf_counter(), time.process_time()
        page.run()
        if page.exception:
            raise SystemExit(f"the page failed: {page.exception[0].message}")
        return time.perf_counter() - start[0], time.process_time() - start[1]

    found = {"first load": run(), "the same again": run()}
    metric = next(box for box in page.selectbox if box.key == "metric")
    others: dict[str, tuple[float, float]] = {}
    for name in metric.options:
        if name != metric.value:
            next(box for box in page.selectbox if box.key == "metric").set_value(name)
            others[name] = run()
    ordered = sorted(others, key=lambda name: others[name][1])
    found["another metric, median"] = others[ordered[len(ordered) // 2]]
    found[f"another metric, longest ({ordered[-1]})"] = others[ordered[-1]]
    return found


def measure_overview(results: Path, timed: Timed) -> None:
    """Seconds of the server's part of Overview: at first sight, again, and with another metric."""
    page = opened(results, longest=600)
    page.switch_page("app_pages/overview.py")
    timed("page Overview, first time (s)", page.run)
    timed("page Overview, again (s)", page.run)
    other = next(box for box in page.selectbox if box.key == "metric")
    other.set_value(next(name for name in other.options if name != other.value))
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
    if sys.argv[1:] in ([], ["first"]):
        main()
    elif sys.argv[1] == "board":
        print(json.dumps(measure_board(Path(sys.argv[2]))))
    elif sys.argv[1] == "pictures":
        measure_pictures(Path(sys.argv[2]))
    else:
        print(json.dumps(measure(sys.argv[1], Path(sys.argv[2]))))
