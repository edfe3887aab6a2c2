"""ChestX-Det and ChestX-Det10: boxes, and of the first polygons too, on 3,578 images of NIH's ChestX-ray14."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, ClassVar, Self

from ..core import Box, DatasetError, unknown_name
from .annotations import Annotation, number, shown, text
from .base import Finding
from .nih_boxes import FRAME
from .phrases import DEFAULT, PhraseTemplate
from .registry import DATASETS
from .release import ImageRecord, Release
from .released import ReleasedDataset
from .segmentations import region_of_points
from .text_files import read_json

REGIONS = ("boxes", "polygons")
"""What of an instance is the target."""

_SPLITS = ("train", "test")
_DET, _DET10 = "ChestX-Det", "ChestX-Det10"
_FILES = {
    (_DET, "train"): r"chestx[_-]?det[_-]train.*\.json",
    (_DET, "test"): r"chestx[_-]?det[_-]test.*\.json",
    (_DET10, "train"): r"(chestx[_-]?det10[_-])?train\.json",
    (_DET10, "test"): r"(chestx[_-]?det10[_-])?test\.json",
}
_ADDED = ("Cardiomegaly", "Diffuse Nodule", "Pleural Thickening")  # by ChestX-Det
_PUBLISHED = {
    (_DET, "train"): {"images of train": 3025, "instances of train": 7905},
    (_DET, "test"): {"images of test": 553, "instances of test": 1734},
    (_DET10, "train"): {"images of train": 3001, "instances of train": 6863},
    (_DET10, "test"): {"images of test": 542, "instances of test": 1476},
}


@DATASETS.register("chestx-det")
class ChestXDet(ReleasedDataset):
    """Deepwise's ChestX-Det (13 classes, boxes and polygons) and ChestX-Det10 (10 classes, boxes).

    Images are renumbered, so whose they are is not known. All classes were looked for on every image.
    """

    name = "chestx-det"
    title = "ChestX-Det"
    credentialed: ClassVar[bool] = False
    licence: ClassVar[str] = "Apache-2.0 (annotations of ChestX-Det); images as NIH ChestX-ray14"
    citation: ClassVar[str] = """@article{lian2021structure,
  title   = {A Structure-Aware Relation Network for Thoracic Diseases Detection and Segmentation},
  author  = {Lian, Jie and Liu, Jingyu and Zhang, Shu and Gao, Kai and Liu, Xiaoqing and Zhang, Dingwen and Yu, Yizhou},
  journal = {IEEE Transactions on Medical Imaging},
  volume  = {40},
  number  = {8},
  pages   = {2042--2052},
  year    = {2021}
}"""
    classes = (
        "Atelectasis",
        "Calcification",
        "Cardiomegaly",
        "Consolidation",
        "Diffuse Nodule",
        "Effusion",
        "Emphysema",
        "Fibrosis",
        "Fracture",
        "Mass",
        "Nodule",
        "Pleural Thickening",
        "Pneumothorax",
    )
    splits = _SPLITS
    training_split = "train"
    named = "file_name"
    get = (
        "download ChestX_Det_train.json and ChestX_Det_test.json from "
        "https://github.com/Deepwise-AILab/ChestX-Det-Dataset and the images that it links to, unpack these, and give "
        "the folder that holds all as --root"
    )

    @classmethod
    def load(  # pyright: ignore[reportIncompatibleMethodOverride]  # `load_dataset` explains other options
        cls, root: Path | None, split: str, *, phrases: str = DEFAULT, regions: str = REGIONS[0]
    ) -> Self:
        """Read the data set; see `ReleasedDataset.load`.

        Args:
            root: The folder of the JSON files and the images. Where both releases are below it, ChestX-Det is read.
            split: "all", "train" or "test".
            phrases: How to make phrases of the classes.
            regions: "boxes", or of ChestX-Det "polygons": what the target is.

        Raises:
            DatasetError: If files are missing or not in the released format.
            UnknownNameError: For another split or other regions.
        """
        return cls._load(root, split, phrases, regions=regions)

    @classmethod
    def check(cls, root: Path | None, *, phrases: str = DEFAULT, regions: str = REGIONS[0]) -> list[Finding]:
        """Everything that is missing or wrong below `root`; decodes every image with an annotation."""
        return cls._check(root, phrases, regions=regions)

    @classmethod
    def read(cls, root: Path | None, template: PhraseTemplate, *, regions: str) -> Release:  # pyright: ignore[reportIncompatibleMethodOverride]
        """The instances; classes that an image has none of are known not to be in it."""
        if regions not in REGIONS:
            raise unknown_name("regions", regions, REGIONS)
        kinds = {f"{release} {split}": pattern for (release, split), pattern in _FILES.items()}
        called = "ChestX_Det_train.json or ChestX_Det_test.json, nor ChestX-Det10's train.json or test.json,"
        root, files = cls.find(root, kinds, kinds, called)
        version = next(release for release in (_DET, _DET10) if any(kind.startswith(f"{release} ") for kind in files))
        places = {split: files[f"{version} {split}"] for split in _SPLITS if f"{version} {split}" in files}
        classes = cls.classes if version == _DET else [name for name in cls.classes if name not in _ADDED]
        annotations: list[Annotation] = []
        images: dict[str, ImageRecord] = {}
        counts: dict[str, int] = {}
        published: dict[str, int] = {}
        for split, place in places.items():
            reader = _Reader(place, split, template, regions)
            before = len(images), len(annotations)
            for index, record in enumerate(_records(place, cls.get)):
                image, rows = reader.image(record, index)
                if image in images:
                    raise DatasetError(f"{place}, record {index}: the image {shown(image)} is there twice")
                present = {row.pathology for row in rows}
                absent = tuple(name for name in classes if name not in present)
                images[image] = ImageRecord(f"{split}_data/{image}.png", split=split, absent=absent)
                annotations.extend(rows)
            counts |= {
                f"images of {split}": len(images) - before[0],
                f"instances of {split}": len(annotations) - before[1],
            }
            published |= _PUBLISHED[version, split]
        return Release(
            root=root,
            place=next(iter(places.values())).parent,
            version=version,
            annotations=annotations,
            images=images,
            counts=counts,
            published=published,
            written="corners",
        )


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads the records of one file.

    Attributes:
        place: The file.
        split: The split that it is.
        template: How phrases are made.
        regions: What of an instance is the target.
    """

    place: Path
    split: str
    template: PhraseTemplate
    regions: str

    def image(self, record: Mapping[str, Any], index: int) -> tuple[str, list[Annotation]]:
        """An image's id and its instances."""
        where, place = f"{self.place.name}, record {index}", f"{self.place}, record {index}"
        name = text(record.get("file_name"), "file_name", place).replace("\\", "/").strip()
        stem = PurePosixPath(name).stem
        syms, regions = record.get("syms"), record.get(self.regions)
        if not stem or not isinstance(syms, list) or not isinstance(record.get("boxes"), list):
            raise DatasetError(f"{place}: a record has file_name, syms and boxes, got {shown(dict(record))}")
        if regions is None:
            raise DatasetError(
                f"{place}: there are no polygons, which ChestX-Det10 does not have; get ChestX-Det, or use "
                "--set dataset.regions=boxes"
            )
        if not isinstance(regions, list) or len(regions) != len(syms):
            raise DatasetError(f"{place}: syms and {self.regions} must be lists of one length; get the file again")
        return stem, [
            self._instance(stem, name, text(sym, "a class", place).strip(), region, where, place)
            for sym, region in zip(syms, regions, strict=True)
        ]

    def _instance(self, image: str, name: str, sym: str, region: object, where: str, place: str) -> Annotation:
        if not sym:
            raise DatasetError(f"{place}: a class in syms is empty")
        return Annotation(
            image_id=image,
            image=name,
            phrase=self.template.fill(sym),
            pathology=sym,
            box=_box(region, place) if self.regions == "boxes" else None,
            frame=FRAME,
            patient=None,
            split=self.split,
            where=where,
            segmentation=None if self.regions == "boxes" else region_of_points([region], place),
        )


def _box(corners: object, place: str) -> Box:
    if not isinstance(corners, list) or len(corners) != 4:
        raise DatasetError(f"{place}: a box must be [x0, y0, x1, y1], got {shown(corners)}")
    return Box(*(number(value, "every corner of a box", place) for value in corners))


def _records(place: Path, step: str) -> list[dict[str, Any]]:
    content = read_json(place)
    if not isinstance(content, list) or not all(isinstance(one, dict) and "syms" in one for one in content):
        held = (
            f"an object with the keys {', '.join(map(shown, list(content)[:5]))}" if isinstance(content, dict) else ""
        )
        raise DatasetError(
            f"{place} is not of ChestX-Det, whose files are lists of records with file_name, syms and boxes"
            f"{held and f'; it is {held}'}; {step}"
        )
    return content
