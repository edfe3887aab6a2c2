"""`groundcxr samples`: the tasks of a data set as a CSV, for methods that run elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..core.spreadsheet import cell
from .arguments import Limit, Pathology, Settings
from .data_sets import PHANTOM, Dataset, Root, Secret, Split
from .output import check_output, csv_content, write_output

if TYPE_CHECKING:
    from ..core import Sample


def samples(
    out: Annotated[Path, typer.Option("--out", help="The CSV file to write.")],
    dataset: Dataset = PHANTOM,
    root: Root = None,
    secret: Secret = None,
    split: Split = None,
    limit: Limit = None,
    pathology: Pathology = None,
    settings: Settings = [],  # noqa: B006  (typer reads it as the default, nobody changes it)
) -> None:
    """Write sample ids, image paths, sizes and phrases as a CSV.

    The file holds the data set's phrases: of a credentialed data set, keep it where the data is. A cell that a
    spreadsheet would run as a formula begins with an apostrophe.
    """
    from ..evaluation import select
    from .loading_sets import open_dataset

    check_output(out)
    selection = select(open_dataset(dataset, root, split, settings, secret), pathology=pathology, limit=limit)
    write_output(out, _table(selection.samples))
    typer.echo(f"{len(selection.samples)} samples are in {out}")


def _table(samples: Sequence[Sample]) -> bytes:
    rows: list[Sequence[object]] = [("sample_id", "image", "width", "height", "phrase", "pathology")]
    for sample in samples:
        words = (cell(str(sample.image_path)), *sample.image_size, cell(sample.phrase), cell(sample.pathology))
        rows.append((sample.sample_id, *words))
    return csv_content(rows)
