"""`groundcxr tune-data`: what `groundcxr tune` learns from, of MIMIC-CXR's images and reports."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .output import check_output, csv_content, write_output
from .tune import LeaveOut

if TYPE_CHECKING:
    from ..datasets.tune_data import Row


def tune_data(
    mimic_cxr_jpg: Annotated[
        Path, typer.Option("--mimic-cxr-jpg", metavar="ROOT", help="Folder of MIMIC-CXR-JPG: its tables and files/.")
    ],
    reports: Annotated[Path, typer.Option("--reports", metavar="DIR", help="Folder of MIMIC-CXR's reports.")],
    out: Annotated[Path, typer.Option("--out", help="The CSV file to write, a manifest; best in ROOT.")],
    leave_out: LeaveOut = [],  # noqa: B006  (typer reads it as the default, nobody changes it)
) -> None:
    """Write images of one finding with the sentences of their reports that say where it is, as a manifest.

    Of the train split, frontal images whose study has exactly one of MS-CXR's eight labels; sentences that name the
    finding and a place, and deny nothing. The file holds sentences of reports: keep it where the data is.
    """
    from ..datasets.leave_out import left_out
    from ..datasets.tune_data import tune_rows

    check_output(out)
    rows, counted = tune_rows(mimic_cxr_jpg, reports, left_out(leave_out))
    inside = mimic_cxr_jpg.resolve().is_relative_to(out.parent.resolve())
    write_output(out, _table(rows, out.parent, relative=inside))
    images = len({row.image for row in rows})
    typer.echo(f"{len(rows):,} sentences on {images:,} images are in {out}")
    for pathology, count in Counter(row.pathology for row in rows).most_common():
        typer.echo(f"{count:>8,}  {pathology}")
    typer.echo(
        f"Of {counted.images:,} images with one finding: {counted.left_out:,} left out, {counted.no_report:,} without "
        f"a report, {counted.no_sentence:,} whose report does not say where, {counted.no_file:,} without a file"
    )
    allowed = "" if inside else " --set dataset.outside=true"
    typer.echo(f"Train with groundcxr tune ldm --dataset manifest --root {out} --images-of MIMIC-CXR{allowed}")


def _table(rows: Sequence[Row], folder: Path, *, relative: bool) -> bytes:
    written: list[Sequence[object]] = [("image", "phrase", "pathology", "x", "y", "w", "h", "patient_id")]
    for row in rows:
        image = Path(os.path.relpath(row.image, folder)) if relative else row.image.resolve()
        written.append((image.as_posix(), row.phrase, row.pathology, *[""] * 4, row.patient))
    return csv_content(written)
