"""What tuned prompts are worth on phantoms, beside the prior that they are trained with: the tables of docs/tuning.md.

`.venv/bin/python benchmarks/ldm_tuning.py --books DIR` trains a book with each recipe (those that are whole in DIR are
taken as they are), asks `ldm-phantom` with each and without about the whole test split, with the right phrase and with
the wrong one that `shuffled-phrase` asks about, weights its maps as `with-prior` does, and prints the tables. All maps
of an image share one encoding and one inversion, which `evaluate` would do again for each, and phrases that no book
changes are asked about once. `--check N` evaluates the first N samples with `evaluate` too, and prints by how much the
values differ: other batches round otherwise.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from groundcxr import Query, Radiograph, evaluate, load_dataset
from groundcxr.core import Grounding, Sample
from groundcxr.core.fingerprint import seed_from
from groundcxr.core.place_table import PlaceTable
from groundcxr.core.place_words import named_place
from groundcxr.evaluation.tune import tune
from groundcxr.methods.diffusion.ldm.codebook import Codebook, read_book
from groundcxr.methods.diffusion.ldm.embedding import change_by
from groundcxr.methods.diffusion.ldm.frame import input_size, network_input
from groundcxr.methods.diffusion.ldm.method import groundings
from groundcxr.methods.diffusion.ldm.phrases import token_mask, token_tensors, tokenize_empty
from groundcxr.methods.diffusion.ldm.recipes import RecipeName
from groundcxr.methods.loading import build_method
from groundcxr.metrics import get_protocol
from groundcxr.metrics.statistics import summarise

STEPS = {RecipeName.VILOURAS2026: 800}
"""Of one sample each: half of what the other recipes see in 200 steps of 8."""

KINDS = ("neither", "heart", "side", "zone")
KEYS = ("auroc", "ap", "miou")
FROZEN = "frozen"
PRIOR_ALONE, PRIOR, TABLE = "location-prior", " x prior", {"table": "phantom"}
WITH_PRIOR = (FROZEN, RecipeName.WORDS)
"""Whose maps are also weighted by the prior."""

Settings = dict[str, str]

Values = dict[str, NDArray[np.float64]]
"""AUROC, AP and mIoU of each sample, `[n, 3]`, by row of the table."""


def main() -> None:
    """Train, ask, and print both tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--books", type=Path, required=True, help="folder for the books")
    parser.add_argument(
        "--recipe", action="append", choices=list(RecipeName), help="only this one; several may be given"
    )
    parser.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="an option of ldm-phantom, such as steps=5"
    )
    parser.add_argument("--check", type=int, metavar="N", help="compare the first N samples with evaluate instead")
    parser.add_argument("--threads", type=int, default=2, help="processor cores to use")
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    read = dict(one.split("=", 1) for one in given.set)
    books: dict[str, Codebook | None] = {FROZEN: None}
    for name in map(RecipeName, given.recipe or RecipeName):
        train(name, given.books / name)
        books[name] = read_book(str(given.books / name))
    samples = list(load_dataset("phantom"))
    if given.check:
        check(given.books, books, samples[: given.check], read)
        return
    right, wrong = values_of(books, samples, read)
    print_table(right, wrong, samples)
    print_differences(right, wrong, samples)


def train(name: RecipeName, folder: Path) -> None:
    """Train a recipe's book, if it is not there yet."""
    data = load_dataset("phantom", split="train")
    table = PlaceTable.load("phantom")
    tune(build_method("ldm-phantom"), data, list(data), name, table, folder, device="cpu", steps=STEPS.get(name))


def check(folder: Path, books: Mapping[str, Codebook | None], samples: Sequence[Sample], read: Settings) -> None:
    """Print how far the values of the first samples are from those of `evaluate`."""
    right, wrong = values_of(books, samples, read)
    for name, values in {**right, "wrong phrase": wrong[FROZEN]}.items():
        book = name.removesuffix(PRIOR)
        settings = read | ({"embeddings": str(folder / book)} if (folder / book).exists() else {})
        method, options = "ldm-phantom", settings
        words = {"method": method, "settings": " ".join(f"{key}={value}" for key, value in settings.items())}
        if name == PRIOR_ALONE:
            method, options = PRIOR_ALONE, TABLE
        elif book != name:
            method, options = "with-prior", words | TABLE
        elif name not in books:
            method, options = "shuffled-phrase", words
        with TemporaryDirectory() as out:
            found = evaluate(method, "phantom", "v1", settings=options, limit=len(samples), out=out, jobs=1)
        print(f"{name}: {np.abs(values - found.samples[list(KEYS)].to_numpy()).max():.1e} at most", flush=True)


def values_of(books: Mapping[str, Codebook | None], samples: Sequence[Sample], read: Settings) -> tuple[Values, Values]:
    """The values of all rows, with the right phrase and with the wrong one."""
    control: Any = build_method("shuffled-phrase", {"method": "ldm-phantom"})
    control.fit(list(load_dataset("phantom", split="train")), held_out=True)
    control.survey(samples)
    method: Any = build_method("ldm-phantom", read)
    method.setup("cpu")
    prior = build_method(PRIOR_ALONE, TABLE)
    weighting: Any = build_method("with-prior", {"method": "ldm-phantom", **TABLE})
    found: tuple[dict[str, list[list[float]]], ...] = ({}, {})
    done = 0
    for _, group in groupby(samples, key=lambda sample: sample.image_path):
        mine = list(group)
        image = Radiograph.open(mine[0].image_path)
        asked = [*mine, *map(control.question, mine)]
        queries = [Query(image, one.phrase, one.pathology) for one in asked]
        rows = dict(answers(method, books, queries))
        rows[PRIOR_ALONE] = prior.ground_batch(queries)
        for name in WITH_PRIOR:
            if name in rows:
                weighted = zip(rows[name], queries, strict=True)
                rows[name + PRIOR] = [weighting._weighted(one, query.phrase) for one, query in weighted]
        for name, given in rows.items():
            for place, values in enumerate(found):
                part = given[place * len(mine) : (place + 1) * len(mine)]
                values.setdefault(name, []).extend(map(scored, part, mine))
        done += len(mine)
        if done % 100 < len(mine):
            print(f"# {done} of {len(samples)}", flush=True)
    right, wrong = ({name: np.array(values) for name, values in one.items()} for one in found)
    return right, wrong


def answers(
    method: Any, books: Mapping[str, Codebook | None], queries: Sequence[Query]
) -> Iterator[tuple[str, list[Grounding]]]:
    """The answers of `ldm-phantom` with each book to queries about one image."""
    model, image = method._model, queries[0].image
    texts = method._tokenized(queries)
    phrases = [query.phrase for query in queries]
    empty = model.token_states(*token_tensors([tokenize_empty(model.tokenizer, model.max_tokens)]))
    states = [
        model.token_states(*token_tensors(texts), None if book is None else change_by(book, texts, phrases))
        for book in books.values()
    ]
    asked, place = torch.unique(torch.cat(states), dim=0, return_inverse=True)
    # Phrases of one state are of the same tokens.
    mask = torch.empty(len(asked), asked.shape[1], dtype=torch.bool)
    mask[place] = token_mask(texts).repeat(len(books), 1)
    maps = method._grounder.heatmaps(
        network_input([image], input_size(model.unet, model.vae)),
        empty,
        asked,
        image_index=[0] * len(asked),
        token_mask=mask,
        seeds=[seed_from(image.sha256)] * len(asked),
    )[place]
    for name, mine in zip(books, maps.split(len(texts)), strict=True):
        yield name, groundings(queries, texts, mine)


def scored(answer: Grounding, sample: Sample) -> list[float]:
    """AUROC, AP and mIoU of an answer."""
    protocol = get_protocol("v1")
    target = protocol.target(sample, answer)
    if target is None:
        return [np.nan] * len(KEYS)
    values = protocol.score(answer, target)
    return [np.nan if (value := values[key].value) is None else float(value) for key in KEYS]


def kind_of(sample: Sample) -> str:
    """What a sample's phrase says of the place: the heart is one by itself."""
    if sample.pathology == "Cardiomegaly":
        return "heart"
    side, zone = named_place(sample.phrase)
    return "zone" if zone else "side" if side else "neither"


def print_table(right: Values, wrong: Values, samples: Sequence[Sample]) -> None:
    """Macro means, and AP by kind of phrase."""
    ap = KEYS.index("ap")
    kinds = np.array([kind_of(sample) for sample in samples])
    counts = " | ".join(f"{kind} ({(kinds == kind).sum()})" for kind in KINDS)
    print(f"\n| | AUROC | AP | mIoU | AP, wrong phrase | {counts} |\n|---|{'---:|' * 8}")
    for label, values in right.items():
        means = [macro(values[:, column], samples)[0] for column in range(len(KEYS))]
        means += [macro(wrong[label][:, ap], samples)[0]]
        means += [float(np.nanmean(values[kinds == kind, ap])) for kind in KINDS]
        print(f"| {label} | " + " | ".join(f"{value:.3f}".lstrip("0") for value in means) + " |")


def print_differences(right: Values, wrong: Values, samples: Sequence[Sample]) -> None:
    """Macro AP minus that of the frozen model, and how much more the wrong phrase takes away; paired intervals."""
    ap = KEYS.index("ap")
    print("\n| | AP minus frozen's | AP, right minus wrong phrase | that minus frozen's |\n|---|---:|---:|---:|")
    of_frozen = right[FROZEN][:, ap] - wrong[FROZEN][:, ap]
    for label, values in right.items():
        gap = values[:, ap] - wrong[label][:, ap]
        cells = [values[:, ap] - right[FROZEN][:, ap], gap, gap - of_frozen]
        print(f"| {label} | " + " | ".join(map(written, (macro(cell, samples) for cell in cells))) + " |")


def macro(values: NDArray[np.float64], samples: Sequence[Sample]) -> tuple[float, float, float]:
    """The mean of the pathologies' means, with its 95 % interval over patients."""
    names = [sample.pathology for sample in samples]
    patients = [str(sample.patient_id) for sample in samples]
    cell = summarise(values[:, None], names, patients, pathologies=list(dict.fromkeys(names))).macro[0]
    return float(cell.value or 0), float(cell.low or 0), float(cell.high or 0)


def written(cell: tuple[float, float, float]) -> str:
    """A difference with its interval."""
    return f"{cell[0]:+.3f} [{cell[1]:+.3f}, {cell[2]:+.3f}]"


if __name__ == "__main__":
    main()
