"""VinDr-CXR: boxes of 22 findings, by three radiologists on each training image and by consensus on the test images."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, Self

from ...core import Sample
from ...core.fingerprint import SHORT
from ..annotations import Annotation
from ..base import Finding
from ..own_pixels import refuse_copies
from ..phrases import CLASS, DEFAULT, PhraseTemplate
from ..place_phrases import LOCATION, location_phrase, table_for
from ..registry import DATASETS
from ..release import ImageRecord, Release
from ..released import ReleasedDataset
from .readers import (
    ANY,
    FUSE_IOU,
    VILOURAS2024,
    VILOURAS2024_PHRASES,
    Readers,
    absent_for_vilouras2024,
    as_vilouras2024,
    read_fuse_iou,
)
from .rows import Content, Drawn, read_sizes

_SPLITS = ("train", "test")
_FILES = {
    **{split: rf"annotations_{split}\.csv" for split in _SPLITS},
    **{f"labels {split}": rf"image_labels_{split}\.csv" for split in _SPLITS},
    "kaggle": r"train\.csv",
    "sizes train": r"(train_)?meta\.csv",
    "sizes test": r"test_meta\.csv",
}
_GLOBAL = ("COPD", "Lung tumor", "Tuberculosis")
"""What labels of whole images name beside the findings with boxes; no phrase could name "Other disease(s)"."""

_WITHOUT_BOXES = ("Pneumonia",)
_NOT_OF_KAGGLE = (
    "Clavicle fracture",
    "Edema",
    "Emphysema",
    "Enlarged PA",
    "Lung cavity",
    "Lung cyst",
    "Mediastinal shift",
    "Rib fracture",
)
"""Findings whose boxes Kaggle's part lacks; an image that shows nothing else is "No finding" there."""

_PUBLISHED = {
    "rows of train": 69_052,
    "boxes of train": 37_367,
    "images of train": 15_000,
    "rows of test": 4748,
    "boxes of test": 2697,
    "images of test": 3000,
}
_PUBLISHED_BY_KAGGLE = {"rows of train": 67_914, "boxes of train": 36_096, "images of train": 15_000}


@DATASETS.register("vindr-cxr")
class VinDrCXR(ReleasedDataset):
    """VinDr-CXR 1.0.0 of PhysioNet (DICOM), or its training part as Kaggle's VinBigData challenge has it.

    Whose images they are is not released.
    """

    name = "vindr-cxr"
    title = "VinDr-CXR"
    licence: ClassVar[str] = "PhysioNet Credentialed Health Data License 1.5.0"
    citation: ClassVar[str] = """@article{nguyen2022vindr,
  title   = {{VinDr-CXR}: An open dataset of chest {X}-rays with radiologist's annotations},
  author  = {Nguyen, Ha Q. and Lam, Khanh and Le, Linh T. and Pham, Hieu H. and Tran, Dat Q. and Nguyen, Dung B. and
             Le, Dung D. and Pham, Chi M. and Tong, Hang T. T. and Dinh, Diep H. and Do, Cuong D. and Doan, Luu T. and
             Nguyen, Cuong N. and Nguyen, Binh T. and Nguyen, Que V. and Hoang, Au D. and Phan, Hien N. and
             Nguyen, Anh T. and Ho, Phuong H. and Ngo, Dat T. and Nguyen, Nghia T. and Nguyen, Nhan T. and Dao, Minh and
             Vu, Van},
  journal = {Scientific Data},
  volume  = {9},
  number  = {429},
  year    = {2022}
}"""
    classes = (
        "Aortic enlargement",
        "Atelectasis",
        "Calcification",
        "Cardiomegaly",
        "Clavicle fracture",
        "Consolidation",
        "Edema",
        "Emphysema",
        "Enlarged PA",
        "ILD",
        "Infiltration",
        "Lung Opacity",
        "Lung cavity",
        "Lung cyst",
        "Mediastinal shift",
        "Nodule/Mass",
        "Pleural effusion",
        "Pleural thickening",
        "Pneumonia",  # has boxes with `readers=vilouras2024` alone
        "Pneumothorax",
        "Pulmonary fibrosis",
        "Rib fracture",
        "Other lesion",
    )
    splits = _SPLITS
    training_split = "train"
    suffixes = (".dicom", ".dcm", ".png", ".jpg", ".jpeg")
    named = "image_id"
    get = (
        "download VinDr-CXR (https://physionet.org/content/vindr-cxr/) with a credentialed PhysioNet account, or "
        "Kaggle's training part (`kaggle competitions download -c vinbigdata-chest-xray-abnormalities-detection`), "
        "unpack it, and give its folder as --root"
    )

    @classmethod
    def load(  # pyright: ignore[reportIncompatibleMethodOverride]  # `load_dataset` explains other options
        cls,
        root: Path | None,
        split: str,
        *,
        phrases: str | None = None,
        readers: str = ANY,
        fuse_iou: float | str = FUSE_IOU,
        table: str | Path | None = None,
    ) -> Self:
        """Read the data set; see `ReleasedDataset.load`.

        Args:
            root: The folder of the annotation files and the images.
            split: "all", "train" or "test".
            phrases: How to make phrases of the classes; None for the common way, or that of `readers`. "location" puts
                the regions before the class that are the closest to the true boxes, as in "left lower and heart
                pneumonia": such phrases give the place away, so that only a method that beats `location-prior` with
                them has seen anything.
            readers: Whose boxes of the training images count: "any", "fused" (weighted boxes fusion), a reader's id
                such as "R9", or "vilouras2024" (which changes classes and phrases too, and is about both splits). The
                test images have one set of boxes, by consensus.
            fuse_iou: Above which intersection over union two readers' boxes are of one thing, 0 to 1.
            table: Of `phrases="location"`: where the regions are, a file of `groundcxr anatomy`.

        Raises:
            DatasetError: If files are missing or not in the released format, or a table is lacking.
            UnknownNameError: For another split or reader.
        """
        places = table_for(phrases, table)
        loaded = cls._load(root, split, _phrases(phrases, readers), **_options(readers, fuse_iou))
        if places is None:
            return loaded
        digest = places.digest[:SHORT]
        return loaded.reworded(lambda sample: location_phrase(sample, places), phrases=LOCATION, table=digest)

    def phrase_of_absent(self, image_id: str, pathology: str) -> str:
        """As of any data set; of phrases with locations the class alone, which is nowhere."""
        if self.options.get("phrases") == LOCATION:
            return pathology.lower()
        return super().phrase_of_absent(image_id, pathology)

    @classmethod
    def check(
        cls,
        root: Path | None,
        *,
        phrases: str | None = None,
        readers: str = ANY,
        fuse_iou: float | str = FUSE_IOU,
        table: str | Path | None = None,
    ) -> list[Finding]:
        """Everything that is missing or wrong below `root`; decodes every image with an annotation."""
        table_for(phrases, table)
        return cls._check(root, _phrases(phrases, readers), **_options(readers, fuse_iou))

    @classmethod
    def read(  # pyright: ignore[reportIncompatibleMethodOverride]
        cls, root: Path | None, template: PhraseTemplate, *, readers: str, fuse_iou: float = FUSE_IOU
    ) -> Release:
        """The boxes; findings that no row and no label of an image has are known not to be in it."""
        called = "annotations_train.csv or annotations_test.csv, nor Kaggle's train.csv,"
        root, files = cls.find(root, _FILES, (*_SPLITS, "kaggle"), called)
        of_physionet = any(split in files for split in _SPLITS)
        places = {split: files[split] for split in _SPLITS if split in files} or {"train": files["kaggle"]}
        content = Content()
        unlabelled: list[str] = []
        for split, place in places.items():
            sizes = read_sizes(files[f"sizes {split}"]) if f"sizes {split}" in files else {}
            content.read(place, split, sizes, cls.get)
            if of_physionet and f"labels {split}" in files:
                content.read_labels(files[f"labels {split}"], [*cls.classes, *_GLOBAL])
            else:
                unlabelled.append(split)
        without = _WITHOUT_BOXES if of_physionet else (*_WITHOUT_BOXES, *_NOT_OF_KAGGLE)
        absent = content.absent(cls.classes, [name for name in cls.classes if name not in without])
        second = None
        if readers == VILOURAS2024:
            drawn = as_vilouras2024(content.drawn, content.labelled, unlabelled)
            absent = {image: absent_for_vilouras2024(names) for image, names in absent.items()}
        else:
            choice = Readers.of(readers, fuse_iou, content.drawn)
            drawn, second = choice.chosen(content.drawn), choice.second(content.drawn, content.readers)
        return Release(
            root=root,
            place=next(iter(places.values())).parent,
            version="1.0.0" if of_physionet else "Kaggle",
            annotations=_annotations(drawn, template),
            images={
                image: ImageRecord(f"{split}/{image}.dicom", split=split, absent=absent.get(image, ()))
                for image, split in content.images.items()
            },
            counts=content.counts,
            published={
                what: count
                for what, count in (_PUBLISHED if of_physionet else _PUBLISHED_BY_KAGGLE).items()
                if what in content.counts
            },
            written="corners",
            said=content.tally.sentences(),
            second=None if second is None else _annotations(second, template),
        )

    @classmethod
    def inspect(cls, annotations: Sequence[Annotation], samples: Sequence[Sample]) -> list[str]:
        """Whether the images may be of another size than was annotated."""
        return refuse_copies(
            annotations,
            samples,
            "put the table of their sizes beside the annotations (train_meta.csv: image_id,dim0,dim1, which are height "
            "and width), or the DICOM files",
        )


def _phrases(phrases: str | None, readers: str) -> str:
    if phrases == LOCATION:  # of the boxes, once they are read
        return CLASS
    if phrases is None:
        return VILOURAS2024_PHRASES if readers == VILOURAS2024 else DEFAULT
    return phrases


def _options(readers: str, fuse_iou: float | str) -> dict[str, Any]:
    fuses = readers not in (ANY, VILOURAS2024)
    return {"readers": readers, **({"fuse_iou": read_fuse_iou(fuse_iou)} if fuses else {})}


def _annotations(drawn: Sequence[Drawn], template: PhraseTemplate) -> list[Annotation]:
    phrases = {finding: template.fill(finding) for finding in {one.finding for one in drawn}}
    return [
        Annotation(
            image_id=one.image,
            image=one.image,
            phrase=phrases[one.finding],
            pathology=one.finding,
            box=one.box,
            frame=one.frame,
            patient=None,
            split=one.split,
            where=one.where,
        )
        for one in drawn
    ]
