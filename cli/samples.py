"""`groundcxr samples`: the tasks of a data set as a CSV, for methods that run elsewhere."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Annotated

import typer

from ..core import StoreError
from .arguments import Dataset, Limit, Pathology, Root, Settings, Split, open_dataset


def samples(
    out: Annotated[Path, typer.Option("--out", help="The CSV file to write.")],
    dataset: Dataset = "phantom",
    root: Root = None,
    split: Split = None,
    limit: Limit = None,
    pathology: Pathology = None,
    settings: Settings = [],  # noqa: B006  (typer reads it as the default, nobody changes it)
) -> None:
    """Write sample ids, image paths, sizes and phrases as a CSV.

    The file holds the data set's phrases: of a credentialed data set, keep it where the data is.
    """
    from ..evaluation import select

    selection = select(open_dataset(dataset, root, split, settings), pathology=pathology, limit=limit)
    try:
        with out.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["sample_id", "image", "width", "height", "phrase", "pathology"])
            for sample in selection.samples:
                row = (sample.sample_id, sample.image_path, *sample.image_size, sample.phrase, sample.pathology)
                writer.writerow(row)
    except OSError as error:
        raise StoreError(f"cannot write {out}: {error.strerror or error}; choose another file with --out") from error
    typer.echo(f"{len(selection.samples)} samples are in {out}")
