"""What tuned prompts are worth on phantoms, beside the prior that they are trained with: the tables of docs/tuning.md.

`.venv/bin/python benchmarks/ldm_tuning.py --books DIR` trains a book with each recipe (those that are in DIR already
are taken as they are), evaluates `ldm-phantom` with each and without, `location-prior` and `with-prior` on the whole
test split with the right phrase and the wrong one (`shuffled-phrase`), and prints the tables. What is in results/store
is not grounded again. It takes about an hour on two cores.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from groundcxr import evaluate, load_dataset
from groundcxr.core import Sample
from groundcxr.core.place_table import PlaceTable
from groundcxr.core.place_words import named_place
from groundcxr.evaluation.tune import tune
from groundcxr.methods.diffusion.ldm.recipes import RecipeName
from groundcxr.methods.loading import build_method
from groundcxr.metrics.statistics import summarise

READ = {"extraction": "noise-once", "steps": "10"}
"""As cheap as it gets; by inversion all rows rise alike (docs/ldm.md)."""

STEPS = {RecipeName.VILOURAS2026: 1600}
"""As many samples as the other recipes see in 200 steps of 8; the paper's batch is 1."""

KINDS = ("neither", "heart", "side", "zone")
FROZEN = "frozen"


def main() -> None:
    """Train, evaluate, and print both tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--books", type=Path, required=True, help="folder for the books")
    books: Path = parser.parse_args().books
    tuned = {name: {**READ, "embeddings": str(books / name)} for name in RecipeName}
    asked: dict[str, tuple[str, dict[str, str]]] = {
        FROZEN: ("ldm-phantom", READ),
        "words": ("ldm-phantom", tuned[RecipeName.WORDS]),
        "frozen x prior": ("with-prior", product(READ)),
        "location-prior": ("location-prior", {"table": "phantom"}),
        "vectors": ("ldm-phantom", tuned[RecipeName.VECTORS]),
        "words x prior": ("with-prior", product(tuned[RecipeName.WORDS])),
        "vilouras2026": ("ldm-phantom", tuned[RecipeName.VILOURAS2026]),
        "place-words": ("ldm-phantom", tuned[RecipeName.PLACE_WORDS]),
    }
    rows: dict[str, dict[str, float]] = {}
    right: dict[str, NDArray[np.float64]] = {}
    wrong: dict[str, NDArray[np.float64]] = {}
    samples = list(load_dataset("phantom"))
    for label, (method, settings) in asked.items():
        if label in tuple(RecipeName):
            train(RecipeName(label), books / label)
        result = evaluate(method, "phantom", "v2", settings=settings)
        rows[label] = {key: result.info.overall.macro[key].value or np.nan for key in ("auroc", "ap", "miou")}
        right[label] = precision(result.samples, samples)
        other = evaluate("shuffled-phrase", "phantom", "v2", settings=inner(method, settings))
        wrong[label] = precision(other.samples, samples)
        print(f"# {label}: {rows[label]}", flush=True)
    print_table(rows, right, wrong, samples)
    print_differences(right, wrong, samples)


def train(name: RecipeName, folder: Path) -> None:
    """Train a recipe's book, if it is not there yet."""
    data = load_dataset("phantom", split="train")
    table = PlaceTable.load("phantom")
    tune(build_method("ldm-phantom"), data, list(data), name, table, folder, device="cpu", steps=STEPS.get(name))


def product(settings: Mapping[str, str]) -> dict[str, str]:
    """The settings of `with-prior` for `ldm-phantom` with some settings."""
    return {**inner("ldm-phantom", settings), "table": "phantom"}


def inner(method: str, settings: Mapping[str, str]) -> dict[str, str]:
    """The settings of a method that asks another one with some settings."""
    return {"method": method, "settings": " ".join(f"'{key}={value}'" for key, value in settings.items())}


def precision(rows: object, samples: Sequence[Sample]) -> NDArray[np.float64]:
    """Average precision of each sample, in the data set's order."""
    of_sample = dict(zip(rows["sample_id"], rows["ap"], strict=True))  # type: ignore[index]
    return np.array([of_sample[sample.sample_id] for sample in samples], dtype=np.float64)


def kind_of(sample: Sample) -> str:
    """What a sample's phrase says of the place: the heart is one by itself."""
    if sample.pathology == "Cardiomegaly":
        return "heart"
    side, zone = named_place(sample.phrase)
    return "zone" if zone else "side" if side else "neither"


def print_table(
    rows: Mapping[str, Mapping[str, float]],
    right: Mapping[str, NDArray[np.float64]],
    wrong: Mapping[str, NDArray[np.float64]],
    samples: Sequence[Sample],
) -> None:
    """Macro means, and AP by kind of phrase."""
    kinds = np.array([kind_of(sample) for sample in samples])
    counts = " | ".join(f"{kind} ({(kinds == kind).sum()})" for kind in KINDS)
    print(f"\n| | AUROC | AP | mIoU | AP, wrong phrase | {counts} |\n|---|{'---:|' * 8}")
    for label, macro in rows.items():
        of_wrong = interval(wrong[label], samples)[0]
        by_kind = " | ".join(f"{np.nanmean(right[label][kinds == kind]):.3f}" for kind in KINDS)
        numbers = " | ".join(f"{macro[key]:.3f}" for key in ("auroc", "ap", "miou"))
        print(f"| {label} | {numbers} | {of_wrong:.3f} | {by_kind} |")


def print_differences(
    right: Mapping[str, NDArray[np.float64]], wrong: Mapping[str, NDArray[np.float64]], samples: Sequence[Sample]
) -> None:
    """Macro AP minus that of the frozen model, and how much more the wrong phrase takes away; paired intervals."""
    print("\n| | AP minus frozen | gap between right and wrong phrase | gap minus frozen's |\n|---|---:|---:|---:|")
    for label in right:
        gap, of_frozen = right[label] - wrong[label], right[FROZEN] - wrong[FROZEN]
        cells = [right[label] - right[FROZEN], gap, gap - of_frozen]
        print(f"| {label} | " + " | ".join(written(interval(cell, samples)) for cell in cells) + " |")


def interval(values: NDArray[np.float64], samples: Sequence[Sample]) -> tuple[float, float, float]:
    """The macro mean with its 95 % interval over patients."""
    names = [sample.pathology for sample in samples]
    patients = [str(sample.patient_id) for sample in samples]
    (cell,) = summarise(values[:, None], names, patients, pathologies=list(dict.fromkeys(names))).macro
    return float(cell.value or 0), float(cell.low or 0), float(cell.high or 0)


def written(cell: tuple[float, float, float]) -> str:
    """A difference with its interval."""
    return f"{cell[0]:+.3f} [{cell[1]:+.3f}, {cell[2]:+.3f}]"


if __name__ == "__main__":
    main()
