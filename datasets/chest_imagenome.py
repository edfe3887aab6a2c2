"""Chest ImaGenome, gold: boxes of anatomical regions on 1,000 images of MIMIC-CXR. Anatomy, not findings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar, Literal, Self

from ..core import Box, DatasetError, Sample
from .annotations import Annotation, number
from .base import Finding
from .mimic_records import MimicRecord, read_records
from .own_pixels import refuse_copies
from .phrases import CLASS, PhraseTemplate
from .registry import DATASETS
from .release import ImageRecord, Release
from .released import ReleasedDataset
from .tables import read_table

UNKNOWN_PATIENTS = (
    "whose images they are is not known: put images_to_avoid.csv of Chest ImaGenome, or "
    "mimic-cxr-2.0.0-metadata.csv.gz of MIMIC-CXR-JPG, below the root"
)

_NAME = "gold_bbox_coordinate_annotations_1000images.csv"
_FILES = {
    "boxes": r"gold_bbox_coordinate_annotations.*\.csv",
    # Those of MIMIC say the images' sizes, and the others are of the release itself.
    "metadata": r"mimic-cxr-2\.0\.0-metadata\.csv(\.gz)?",
    "avoided": r"images_to_avoid\.csv",
    "records": r"cxr-record-list(_view)?\.csv(\.gz)?",
}
_SIDES = ("original_x1", "original_y1", "original_x2", "original_y2")


@DATASETS.register("chest-imagenome")
class ChestImaGenome(ReleasedDataset):
    """The manual boxes of Chest ImaGenome 1.0.0; phrases are the regions' names ("right lower lung zone").

    There are no splits: those of the automatic annotations are not MIMIC-CXR's.
    """

    name = "chest-imagenome"
    title = "Chest ImaGenome"
    task: ClassVar[Literal["findings", "anatomy"]] = "anatomy"
    licence: ClassVar[str] = "PhysioNet Credentialed Health Data License 1.5.0"
    citation: ClassVar[str] = """@inproceedings{wu2021chest,
  title     = {Chest {ImaGenome} Dataset for Clinical Reasoning},
  author    = {Wu, Joy T. and Agu, Nkechinyere N. and Lourentzou, Ismini and Sharma, Arjun and Paguio, Joseph A. and
               Yao, Jasper S. and Dee, Edward C. and Mitchell, William and Kashyap, Satyananda and
               Giovannini, Andrea and Celi, Leo A. and Moradi, Mehdi},
  booktitle = {NeurIPS Datasets and Benchmarks Track},
  year      = {2021}
}"""
    suffixes = (".jpg", ".jpeg", ".dcm", ".dicom", ".png")
    named = "DICOM id"
    get = (
        "download Chest ImaGenome (https://physionet.org/content/chest-imagenome/) and its images from MIMIC-CXR-JPG "
        "(https://physionet.org/content/mimic-cxr-jpg/) with a credentialed PhysioNet account, and give the folder "
        "that holds both as --root"
    )

    @classmethod
    def load(  # pyright: ignore[reportIncompatibleMethodOverride]  # `load_dataset` explains other options
        cls, root: Path | None, split: str, *, phrases: str = CLASS
    ) -> Self:
        """Read the data set; see `ReleasedDataset.load`.

        Args:
            root: The folder of the gold annotations and the images.
            split: "all".
            phrases: How to make phrases of the regions' names; they are phrases already.

        Raises:
            DatasetError: If files are missing or not in the released format.
            UnknownNameError: For a split.
        """
        return cls._load(root, split, phrases)

    @classmethod
    def check(cls, root: Path | None, *, phrases: str = CLASS) -> list[Finding]:
        """Everything that is missing or wrong below `root`; decodes every image with an annotation."""
        return cls._check(root, phrases)

    @classmethod
    def read(cls, root: Path | None, template: PhraseTemplate) -> Release:  # pyright: ignore[reportIncompatibleMethodOverride]
        """The boxes, and the patients from a list of MIMIC-CXR's images where one is there."""
        root, files = cls.find(root, _FILES, ["boxes"], _NAME)
        place = files["boxes"]
        drawn = list(_drawn(place, cls.get))
        images = dict.fromkeys(image for image, _, _, _ in drawn)
        lists = [files[kind] for kind in _FILES if kind != "boxes" and kind in files]
        records: dict[str, MimicRecord] = {}
        for path in lists:
            if len(records) < len(images):
                records |= read_records(path, images.keys() - records.keys())
        annotations = [_annotation(one, records, template) for one in drawn]
        return Release(
            root=root,
            place=place,
            version="1.0.0",
            annotations=annotations,
            images={
                image: ImageRecord(records[image].path(image), f"p{records[image].subject}")
                if image in records
                else ImageRecord(f"{image}.jpg")
                for image in images
            },
            counts={"boxes": len(annotations), "images": len(images)},
            published={"boxes": 25_989, "images": 1000},
            written="corners",
            said=[] if len(records) == len(images) else [UNKNOWN_PATIENTS],
        )

    @classmethod
    def inspect(cls, annotations: Sequence[Annotation], samples: Sequence[Sample]) -> list[str]:
        """Whether the images may be of another size than was annotated."""
        # MIMIC-CXR-JPG has them at this size: that no list says so is no cause for doubt.
        refuse_copies(
            annotations,
            samples,
            "put mimic-cxr-2.0.0-metadata.csv.gz below the root, which says their sizes, or the JPGs of MIMIC-CXR-JPG",
        )
        return []


def _drawn(path: Path, step: str) -> list[tuple[str, str, Box, str]]:
    """(image, region, box in the original's pixels, place) of each row."""
    rows: list[tuple[str, str, Box, str]] = []
    for index, cells in read_table(path, ("image_id", "bbox_name", *_SIDES), step=step):
        where, place = f"row {index}", f"{path}, row {index}"
        image, region = cells["image_id"].strip(), cells["bbox_name"].strip()
        image = image[:-4] if image.lower().endswith((".dcm", ".jpg")) else image
        if not image or not region:
            raise DatasetError(f"{place}: {'image_id' if not image else 'bbox_name'} is empty; get the file again")
        rows.append((image, region, Box(*[number(cells[side], side, place) for side in _SIDES]), where))
    return rows


def _annotation(
    drawn: tuple[str, str, Box, str], records: Mapping[str, MimicRecord], template: PhraseTemplate
) -> Annotation:
    image, region, box, where = drawn
    record = records.get(image)
    return Annotation(
        image_id=image,
        image=image if record is None else record.path(image),
        phrase=template.fill(region),
        pathology=region,
        box=box,
        frame=None if record is None else record.size,
        patient=None if record is None else f"p{record.subject}",
        split=None,
        where=where,
    )
