"""Part 1 of `benchmarks/gpu.sh`: what every method answers on a GPU, beside what it answered on a CPU before.

    python benchmarks/gpu_agree.py make FOLDER [--smoke]                    on a CPU: models and answers to carry along
    python benchmarks/gpu_agree.py compare FOLDER [--smoke] [--device cuda]

Both run `groundcxr.evaluate` on the first samples of the phantom's test split. Maps are compared min-max normalised,
boxes as parts of the image's side, texts by how many are others, numbers as the table has them. What rests on a choice
(boxes read off a map, a tuned threshold, the highest place) jumps where a value lies on the edge, and is not judged.
Another version of a library is another difference: `made.txt` says with which the CPU's answers were made. For a
machine with other versions than yours, make them with its: `pip install --no-deps --target OTHERS transformers==...
timm==... huggingface_hub==... tokenizers==...` (what `pip freeze` says there), and then
`PYTHONPATH=OTHERS python benchmarks/gpu_agree.py make FOLDER`.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from importlib.metadata import version
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import torch
from gpu_models import CASES, SMOKE, save_models
from ldm_common import machine
from numpy.typing import NDArray

from groundcxr import GroundingMethod, evaluate
from groundcxr.core.machine import cpu_count
from groundcxr.methods.batch_size import BatchSize

SAMPLES, SMOKE_SAMPLES = 60, 3
BATCH = 16
CELLS = 64
"""Of a map's side at the most; larger ones are blurred, and every so manieth cell of theirs says enough."""
LEVELS = 65535
ALLOWED = 1e-3
PROCESSES = 14
"""Of 16 processors, one GPU and its 80 GB: each holds about one."""
ALONE = 8
"""How many samples are asked about with one image a batch."""
CHOSEN = ("iou_tuned", "pointing")
"""Metrics that choose: a threshold by other samples, the one highest place of many that are all but as high."""
CAPPED = ("ldm-phantom", "clip ViT-B/16")
SHORT = "memory capped"
Answers = dict[str, NDArray[Any]]


def main() -> None:
    """Do what was asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("make", "compare"))
    parser.add_argument("folder", type=Path)
    parser.add_argument("--smoke", action="store_true", help="few methods and samples")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    given = parser.parse_args()
    names = SMOKE if given.smoke else tuple(CASES)
    samples = SMOKE_SAMPLES if given.smoke else SAMPLES
    if given.what == "make":
        make(given.folder, names, samples)
    else:
        raise SystemExit(compare(given.folder, names, samples, given.device))


def make(folder: Path, names: tuple[str, ...], samples: int) -> None:
    """Write the models and the CPU's answers."""
    if folder.exists():
        raise SystemExit(f"{folder} is there already; name a new folder")
    save_models(folder / "models", names)
    (folder / "made.txt").write_text(libraries())
    for name in names:
        start = time.perf_counter()
        found = answers(CASES[name].build(folder / "models"), min(samples, CASES[name].samples), "cpu", BATCH)
        np.savez_compressed(_file(folder, name), **found)
        print(f"{name}: {time.perf_counter() - start:.1f} s", flush=True)


def libraries() -> str:
    """The versions of what computes answers."""
    names = ("torch", "torchvision", "transformers", "tokenizers", "timm", "diffusers", "open_clip_torch", "numpy")
    return ", ".join(f"{name} {version(name)}" for name in names)


def compare(folder: Path, names: tuple[str, ...], samples: int, device: str) -> int:
    """Print each method's largest differences; returns how many are too large."""
    print(f"the first {samples} samples of the phantom on {machine(device)}; allowed: {ALLOWED}")
    print(f"here: {libraries()}\nthere: {(folder / 'made.txt').read_text()}\n")
    # Most of a method's time is its network's drawing and loading, which one processor does.
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, cpu_count() // (1 if device == "cpu" else PROCESSES))))
    print("| method | maps to the CPU's | boxes | texts | table | derived or tuned | batch 1 to 16 | s | |")
    print("|---|---:|---:|---:|---:|---:|---:|---:|---|", flush=True)
    wrong = 0
    with ThreadPoolExecutor(1) if device == "cpu" else ProcessPoolExecutor(PROCESSES, get_context("spawn")) as pool:
        capped = () if device == "cpu" else CAPPED
        asked = (folder, samples, device)
        lines = {pool.submit(_line, memory_runs_out, name, *asked): f"{name}, {SHORT}" for name in capped}
        lines |= {pool.submit(_line, _compared, name, *asked): name for name in names}
        for one in as_completed(lines):
            try:
                line, agrees = one.result()
            except Exception as error:  # another method is still worth its line
                line, agrees = f"| {lines[one]} |{' |' * 7} {_in_a_line(error)} |", False
            wrong += not agrees
            print(line, flush=True)
    print(f"\n{wrong or 'no'} of these {len(lines)} lines differ by more than {ALLOWED}, or failed")
    return int(wrong > 0)


def _line(
    work: Callable[[Path, str, int, str], tuple[str, bool]], name: str, folder: Path, samples: int, device: str
) -> tuple[str, bool]:
    try:
        return work(folder, name, samples, device)
    except Exception as error:
        # Not as it is: an error that cannot be made anew in another process breaks the pool, and all other lines.
        raise RuntimeError(f"{type(error).__name__}: {_in_a_line(error)}") from None


def _in_a_line(error: Exception) -> str:
    return " ".join(str(error).replace("|", "/").split())[:400]


def answers(method: GroundingMethod, samples: int, device: str, batch: int) -> Answers:
    """What a method answers, and the numbers that come of it.

    Returns:
        `maps` `[n, h, w]`, min-max normalised in steps of 1/65535; `boxes` `[n, k, 4]` in parts of the image's sides,
        NaN beyond a sample's own; `texts`; `table`, the means of native metrics; `chosen`, of those that choose.
    """
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what it says of answers of random networks
        result = evaluate(
            method, limit=samples, device=device, batch_size=batch, out=folder, store=Path(folder, "store"), jobs=1
        )
        ids = list(result.samples["sample_id"])
        found = [result.prediction(one) for one in ids]
    maps = [one.heatmap for one in found if one.heatmap is not None]
    assert result.selection is not None
    sizes = [sample.image_size for sample in result.selection.samples]
    most = max((len(one.boxes) for one in found), default=0)
    boxes = np.full((len(found), most, 4), np.nan)
    for row, one, size in zip(boxes, found, sizes, strict=True):
        for place, box in enumerate(one.boxes):
            row[place] = np.array(box.as_tuple()) / (*size, *size)
    table = result.table()
    chosen = table["derived"] | table["metric"].isin(CHOSEN)
    return {
        "maps": np.stack([_normalised(one.values) for one in maps]) if maps else np.zeros((0, 1, 1), np.uint16),
        "boxes": boxes,
        "texts": np.array([one.text or "" for one in found]),
        "table": table["value"][~chosen].to_numpy(float),
        "chosen": table["value"][chosen].to_numpy(float),
    }


def _normalised(values: NDArray[np.float32]) -> NDArray[np.uint16]:
    stride = -(-max(values.shape) // CELLS)
    low, high = float(values.min()), float(values.max())
    unit = (values - low) / (high - low) if high > low else np.zeros_like(values)
    return np.rint(unit[::stride, ::stride] * LEVELS).astype(np.uint16)


def _compared(folder: Path, name: str, samples: int, device: str) -> tuple[str, bool]:
    case = CASES[name]
    method = case.build(folder / "models")
    few = min(samples, case.samples)
    with np.load(_file(folder, name)) as stored:
        expected = dict(stored)
    start = time.perf_counter()
    found = answers(method, few, device, BATCH)
    alone = answers(method, min(few, ALONE), device, 1)
    seconds = time.perf_counter() - start
    kinds = ("maps", "boxes", "texts", "table")
    differences = {kind: difference(found[kind], expected[kind], kind) for kind in (*kinds, "chosen")}
    batch = max(difference(alone[kind], found[kind][: len(alone[kind])], kind) for kind in kinds[:-1])
    agrees = max(batch, *(differences[kind] for kind in kinds)) <= ALLOWED
    shown = " | ".join(f"{one:.1e}" for one in (*differences.values(), batch))
    return f"| {name} | {shown} | {seconds:.1f} | {'' if agrees else 'differs'} |", agrees


def difference(one: NDArray[Any], other: NDArray[Any], kind: str) -> float:
    """The largest; infinite where one has what the other has not."""
    if kind == "texts":
        return float(np.mean(one != other))
    if kind == "boxes":
        most = max(one.shape[1], other.shape[1])
        one, other = (np.pad(a, ((0, 0), (0, most - a.shape[1]), (0, 0)), constant_values=np.nan) for a in (one, other))
    if one.shape != other.shape or (np.isnan(one.astype(float)) != np.isnan(other.astype(float))).any():
        return float("inf")
    if not one.size:
        return 0.0
    found = np.abs(one.astype(float) - other.astype(float))
    return float(np.nan_to_num(found).max()) / (LEVELS if kind == "maps" else 1)


def memory_runs_out(folder: Path, name: str, samples: int, device: str) -> tuple[str, bool]:
    """A line about a method whose memory is capped where all samples in one batch do not fit in; whether all is well.

    What `BatchSize` finds free is not what it gets then, as where another process takes it meanwhile. All samples,
    since memory is given in pieces that a small batch takes few of.
    """
    method = CASES[name].build(folder / "models")
    method.setup(device)
    torch.cuda.reset_peak_memory_stats()
    answers(method, samples, device, samples)
    peak = torch.cuda.max_memory_allocated()
    held = torch.cuda.memory_allocated()  # weights, and what libraries keep to work in
    cap = held + (peak - held) // 2
    torch.cuda.empty_cache()
    torch.cuda.set_per_process_memory_fraction(cap / torch.cuda.mem_get_info()[1])
    try:
        with _noted(method) as halved:
            found = answers(method, samples, device, samples)
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)  # the process compares other methods after this
    with np.load(_file(folder, name)) as stored:
        differs = difference(found["maps"], stored["maps"], "maps")
    fine = differs <= ALLOWED and bool(halved)
    sizes = f"halved to {', '.join(map(str, sorted(halved, reverse=True)))}" if halved else "nothing halved"
    what = f"{name}, {SHORT} to {cap / 2**20:.0f} of {peak / 2**20:.0f} MiB, {sizes}"
    return f"| {what} | {differs:.1e} |{' |' * 6} {'' if fine else 'wrong'} |", fine


@contextmanager
def _noted(method: GroundingMethod) -> Iterator[set[int]]:
    """What batches are halved to in the block: rows of a network, or images that the method is asked about again."""
    halved: set[int] = set()
    failed: set[str] = set()
    run, ground = BatchSize.run, method.ground_batch

    def noting_run(self: BatchSize, *work: Any) -> Any:
        before = self.rows
        found = run(self, *work)
        halved.update([self.rows] if self.rows < before else [])
        return found

    def noting_ground(queries: Any) -> Any:
        images = {query.image.sha256 for query in queries}
        halved.update([len(images)] if images <= failed else [])
        try:
            return ground(queries)
        except BaseException:
            failed.update(images)
            raise

    BatchSize.run, method.ground_batch = noting_run, noting_ground
    try:
        yield halved
    finally:
        BatchSize.run, method.ground_batch = run, ground


def _file(folder: Path, name: str) -> Path:
    return folder / f"{name.replace(' ', '_').replace('/', '-').replace(',', '')}.npz"


if __name__ == "__main__":
    main()
