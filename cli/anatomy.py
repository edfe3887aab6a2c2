"""`groundcxr anatomy`: the table of where places of the chest usually are."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .output import check_output, write_output
from .streams import tell


def anatomy(
    chest_imagenome: Annotated[
        Path,
        typer.Option(
            "--chest-imagenome",
            metavar="ROOT",
            help="Folder of Chest ImaGenome's gold annotations, and of MIMIC-CXR-JPG's metadata or images.",
        ),
    ],
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="The table to write, such as anatomy.json.")],
) -> None:
    """Make the table of places from radiologists' boxes of anatomy, for location-prior, with-prior and tune.

    For each of 13 regions (lungs, apices, thirds, costophrenic angles, heart) the mean centre and a sixth of the mean
    sides of its boxes. The table is made of a credentialed data set: share it as its licence allows. That of the
    phantom comes with the package, as table=phantom.
    """
    from ..core.paths import user_path
    from ..datasets.chest_imagenome_places import chest_imagenome_places

    check_output(out)
    table, left_out = chest_imagenome_places(user_path(str(chest_imagenome)).absolute())
    for sentence in left_out:
        tell(f"warning: {sentence}")
    write_output(out, table.to_json().encode())
    tell(f"{out}: {len(table.gaussians)} places, from {table.images:,} images; digest {table.digest[:8]}")
