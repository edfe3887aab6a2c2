"""The table of places from the gold boxes of Chest ImaGenome."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import cast

from ..core import DatasetError, ImageSize
from ..core.doubts import Tally
from ..core.place_table import PlaceTable
from .annotations import Annotation
from .chest_imagenome import ChestImaGenome
from .phrases import CLASS, PhraseTemplate
from .release import Release
from .released import ReleasedDataset

SOURCE = "Chest ImaGenome gold: mean anatomy boxes"

_ZONES = {
    "": "lung",
    "apical": "apical zone",
    "upper": "upper lung zone",
    "middle": "mid lung zone",
    "lower": "lower lung zone",
    "costophrenic": "costophrenic angle",
}
BBOX_NAMES: Mapping[str, str] = {
    **{f"{side} {called}": f"{side} {zone}".strip() for side in ("right", "left") for zone, called in _ZONES.items()},
    "cardiac silhouette": "heart",
}
"""The region (`core.anatomy.REGIONS`) of each name of boxes that has one."""


class _Gold(ChestImaGenome):
    """The gold set as `groundcxr anatomy` is told where it is."""

    get = cast("type[ReleasedDataset]", ChestImaGenome).get.replace("--root", "--chest-imagenome")


def chest_imagenome_places(root: Path) -> tuple[PlaceTable, list[str]]:
    """The table of all gold boxes of the 13 regions, each in shares of its own image.

    Args:
        root: The folder of the gold annotations, with MIMIC-CXR-JPG's metadata, which says the images' sizes, or the
            images below it too.

    Returns:
        The table, and a sentence for each kind of box that was left out.

    Raises:
        DatasetError: If files are missing or not in the released format, or the images' sizes are not known.
        GroundCXRError: If a region has no box.
    """
    release = cast("type[ReleasedDataset]", _Gold).read(root, PhraseTemplate.of(CLASS))
    rows = [row for row in release.annotations if row.pathology.lower() in BBOX_NAMES]
    sizes = _sizes(root, release, rows)
    tally = Tally()
    boxes = []
    for row in rows:
        size = sizes[row.image_id]
        box = row.box and row.box.clipped(size)
        if not box or not box.area:
            tally.add("boxes without an area inside their image were left out of the means", row.where)
            continue
        boxes.append((BBOX_NAMES[row.pathology.lower()], box, size))
    return PlaceTable.of_boxes(boxes, SOURCE, len({row.image_id for row in rows})), tally.sentences()


def _sizes(root: Path, release: Release, rows: list[Annotation]) -> dict[str, ImageSize]:
    """(width, height) of each image: as the metadata has it, or else of the image itself."""
    sizes = {row.image_id: row.frame for row in rows if row.frame is not None}
    unknown = {row.image_id for row in rows} - sizes.keys()
    if not unknown:
        return sizes
    try:
        sizes |= {sample.image_id: sample.image_size for sample in _Gold.load(root, "all")}
    except DatasetError as error:
        raise DatasetError(
            f"the sizes of {len(unknown):,} of the images in {release.place} are not known: put "
            f"mimic-cxr-2.0.0-metadata.csv.gz of MIMIC-CXR-JPG, or its images, below {release.root}"
        ) from error
    return sizes
