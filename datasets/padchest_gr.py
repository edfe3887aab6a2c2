"""PadChest-GR: sentences of Spanish radiology reports, in English too, with the boxes of two readers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, ClassVar, Self

from ..core import IMAGE_SUFFIXES, Box, DatasetError, unknown_name
from ..core.doubts import Tally
from .annotations import Annotation, number, shown, text
from .base import DATASETS, Finding
from .phrases import PhraseTemplate
from .released import ImageRecord, Release, ReleasedDataset
from .tables import read_table
from .text_files import read_json

LANGUAGES = {"en": "English", "es": "Spanish"}
READERS = {"first": ("boxes",), "second": ("extra_boxes",), "both": ("boxes", "extra_boxes")}
"""Whose boxes are the target: keys of the release."""

UNLABELLED = "Unlabelled"
"""The class of sentences that have no label, as most of what is normal."""

NO_BOX = "sentences about something abnormal have no box of this reader and are left out"
NO_SENTENCE = "findings without a sentence in the language are left out"
BOXES_ON_NORMAL = "sentences that are said to be normal have boxes: they are taken as any other with boxes"
NO_SPLIT = "studies are not in master_table.csv, so they have no split and no patient"
NO_TABLE = "master_table.csv is not there, so splits and patients are not known"

_SPLITS = ("train", "validation", "test")
_FILES = {
    "reports": r"grounded_reports.*\.json",
    "table": r"master_table\.csv",
    "packed": r"master_table\.csv\.(zip|gz)",
}
_PUBLISHED = {"studies": 4555, "boxes": 7733}
_PUBLISHED_SPLITS = {"studies of train": 3185, "studies of validation": 455, "studies of test": 915}
_OTHERS = {"first": "second", "second": "first"}
_LARGEST = 2.0
"""Of a corner in fractions of the image: whatever is larger is no slip of the pen, but written in pixels."""


@DATASETS.register("padchest-gr")
class PadChestGR(ReleasedDataset):
    """PadChest-GR's findings: a sentence, its labels, and the boxes of the reader that is asked for.

    A sample is a sentence on an image: where it is there twice, the boxes are put together. Its class is the first of
    its labels.
    """

    name = "padchest-gr"
    title = "PadChest-GR"
    licence: ClassVar[str] = "PadChest-GR Research Use Agreement (BIMCV)"
    citation: ClassVar[str] = """@article{castro2025padchest,
  title   = {{PadChest-GR}: A Bilingual Chest {X}-ray Dataset for Grounded Radiology Report Generation},
  author  = {Castro, Daniel C. and Bustos, Aurelia and Bannur, Shruthi and Hyland, Stephanie L. and Bouzid, Kenza and
             Wetscherek, Maria Teodora and S{\\'a}nchez-Valverde, Maria Dolores and Jaques-P{\\'e}rez, Lara and
             P{\\'e}rez-Rodr{\\'i}guez, Lourdes and Takeda, Kenji and Salinas, Jos{\\'e} Mar{\\'i}a and
             Alvarez-Valle, Javier and Herrero, Joaqu{\\'i}n Galant and Pertusa, Antonio},
  journal = {NEJM AI},
  year    = {2025}
}"""
    splits = _SPLITS
    training_split = "train"
    suffixes = (".png", ".jpg", ".jpeg", ".dcm", ".dicom")
    avoided = "prior"
    named = "ImageID"
    get = (
        "ask for PadChest-GR (https://bimcv.cipf.es/bimcv-projects/padchest-gr/), join the parts of its archive (`cat "
        "PadChest_GR.zip.* > PadChest_GR.zip`) and unpack it, and give the folder that holds the images, "
        "grounded_reports_*.json and master_table.csv as --root"
    )

    @classmethod
    def key(cls, row: Annotation) -> tuple[str, ...]:
        """A sentence is one sample, whatever its labels."""
        return (row.phrase,)

    @classmethod
    def load(  # pyright: ignore[reportIncompatibleMethodOverride]  # `load_dataset` explains other options
        cls,
        root: Path | None,
        split: str,
        *,
        language: str = "en",
        readers: str = "first",
        negatives: str = "0",
    ) -> Self:
        """Read the data set; see `ReleasedDataset.load`.

        Args:
            root: The folder of the JSON file, the table and the images.
            split: "all", "train", "validation" or "test".
            language: Of the sentences, "en" or "es".
            readers: Whose boxes are the target: "first", "second" (the release's `extra_boxes`) or "both".
            negatives: "released" for the sentences about what is normal or not there as well.

        Raises:
            DatasetError: If files are missing or not in the released format.
            UnknownNameError: For another split, language or reader.
        """
        chosen = {"language": language, "readers": readers}
        return cls._load(root, split, None, **chosen, **({"negatives": negatives} if negatives != "0" else {}))

    @classmethod
    def check(  # pyright: ignore[reportIncompatibleMethodOverride]
        cls, root: Path | None, *, language: str = "en", readers: str = "first"
    ) -> list[Finding]:
        """Everything that is missing or wrong below `root`; decodes every image with an annotation."""
        return cls._check(root, None, language=language, readers=readers)

    @classmethod
    def read(  # pyright: ignore[reportIncompatibleMethodOverride]
        cls, root: Path | None, template: PhraseTemplate, *, language: str, readers: str, negatives: str = "0"
    ) -> Release:
        """The sentences with boxes of the reader, and perhaps those about what is not there."""
        if language not in LANGUAGES:
            raise unknown_name("language", language, LANGUAGES)
        if readers not in READERS:
            raise unknown_name("readers", readers, READERS)
        root, files = cls.find(root, _FILES, ["reports"], "grounded_reports_*.json")
        place = files["reports"]
        studies = _Studies.read(files["table"]) if "table" in files else _Studies()
        reader = _Reader(place, language, studies)
        reports = _reports(place, cls.get)
        for index, report in enumerate(reports):
            reader.add(report, f"record {index}")
        rows = reader.marked(READERS[readers])
        others = reader.marked(READERS[_OTHERS[readers]]) if readers in _OTHERS else None
        left_out = reader.abnormal - len({row.where for row in rows})
        said = [*reader.tally.sentences(), *([f"{NO_BOX}: {left_out:,}"] if left_out else [])]
        if "table" not in files:
            said.append(f"{NO_TABLE}; unpack {files['packed']}" if "packed" in files else NO_TABLE)
        there = {(row.image_id, row.phrase) for row in rows}
        absent = [row for row in reader.negatives if (row.image_id, row.phrase) not in there]
        return Release(
            root=root,
            place=place,
            version=_version(place),
            annotations=[*rows, *(absent if negatives != "0" else [])],
            images=reader.images,
            counts={
                "studies": len(reports),
                "boxes": len(reader.marked(READERS["first"])),
                **{f"studies of {split}": count for split, count in studies.counts().items()},
            },
            published=_PUBLISHED | (_PUBLISHED_SPLITS if studies.splits else {}),
            written="corners",
            said=said,
            second=others,
        )


@dataclass(frozen=True)
class _Studies:
    """What the table says of studies, by their ids.

    Attributes:
        splits: The split of each.
        patients: The patient of each.
    """

    splits: dict[str, str] = field(default_factory=dict)
    patients: dict[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path) -> _Studies:
        splits: dict[str, str] = {}
        patients: dict[str, str] = {}
        for index, cells in read_table(path, ("studyid", "split"), ("patientid",)):
            study, split = cells["studyid"].strip(), cells["split"].strip()
            if splits.setdefault(study, split) != split:
                raise DatasetError(f"{path}, row {index}: the study {study} is in two splits; get the file again")
            if patient := cells.get("patientid", "").strip():
                patients[study] = patient
        return cls(splits, patients)

    def counts(self) -> Mapping[str, int]:
        counted = Counter(self.splits.values())
        return {split: counted[split] for split in _SPLITS} if self.splits else {}


@dataclass
class _Reader:
    """Reads the records of the file.

    Attributes:
        place: The file.
        language: Of the sentences.
        studies: What is known of the studies.
        images: The images met.
        negatives: Rows of sentences about what is not there.
        abnormal: How many sentences there are about something that is.
        tally: What is odd.
    """

    place: Path
    language: str
    studies: _Studies
    images: dict[str, ImageRecord] = field(default_factory=dict)
    negatives: list[Annotation] = field(default_factory=list)
    abnormal: int = 0
    tally: Tally = field(default_factory=Tally)
    _boxes: dict[str, list[Annotation]] = field(default_factory=lambda: {"boxes": [], "extra_boxes": []})

    def marked(self, keys: tuple[str, ...]) -> list[Annotation]:
        """The rows of one or both readers' boxes."""
        return [row for key in keys for row in self._boxes[key]]

    def add(self, report: Mapping[str, Any], where: str) -> None:
        place = f"{self.place}, {where}"
        name = text(report.get("ImageID"), "ImageID", place).strip()
        study = text(report.get("StudyID"), "StudyID", place).strip()
        findings = report.get("findings")
        if not name or not isinstance(findings, list):
            raise DatasetError(f"{place}: a record has ImageID and a list of findings, got {shown(dict(report))}")
        suffix = PurePosixPath(name).suffix
        image = name.removesuffix(suffix) if suffix.lower() in IMAGE_SUFFIXES else name
        split, patient = self.studies.splits.get(study), self.studies.patients.get(study)
        if self.studies.splits and split is None:
            self.tally.add(NO_SPLIT, where)
        self.images[image] = ImageRecord(f"PadChest_GR/{image}.png", patient, split)
        for number_, finding in enumerate(findings):
            at = f"{where}, finding {number_}"
            if not isinstance(finding, dict):
                raise DatasetError(f"{self.place}, {at}: a finding is an object, got {shown(finding)}")
            self._add_finding(finding, at, image, patient, split)

    def _add_finding(
        self, finding: Mapping[str, Any], where: str, image: str, patient: str | None, split: str | None
    ) -> None:
        place = f"{self.place}, {where}"
        sentence = text(finding.get(f"sentence_{self.language}"), f"sentence_{self.language}", place)
        if not sentence.strip():
            self.tally.add(NO_SENTENCE, where)
            return
        boxes = {key: list(_boxes(finding.get(key), key, place)) for key in self._boxes}
        is_marked = any(boxes.values())
        is_normal = finding.get("abnormal") is False
        if is_normal and is_marked:
            self.tally.add(BOXES_ON_NORMAL, where)

        def row(box: Box | None) -> Annotation:
            return Annotation(
                image_id=image,
                image=f"{image}.png",
                phrase=sentence,
                pathology=_label(finding.get("labels"), place),
                box=box,
                frame=None,
                patient=patient,
                split=split,
                where=where,
                negative=box is None,
                fractions=True,
            )

        if is_normal and not is_marked:
            self.negatives.append(row(None))
            return
        self.abnormal += 1
        for key, mine in boxes.items():
            self._boxes[key] += map(row, mine)


def _boxes(value: object, key: str, place: str) -> Iterator[Box]:
    if value is None:
        return
    if not isinstance(value, list):
        raise DatasetError(f"{place}: {key} must be a list of boxes, got {shown(value)}")
    for corners in value:
        if not isinstance(corners, list) or len(corners) != 4:
            raise DatasetError(f"{place}: {key} must hold boxes [x0, y0, x1, y1], got {shown(corners)}")
        sides = [number(corner, "every corner of a box", place) for corner in corners]
        if max(map(abs, sides)) > _LARGEST:
            raise DatasetError(
                f"{place}: boxes of PadChest-GR are in fractions of the image's width and height, 0 to 1, got "
                f"{shown(corners)}; get the file as it was released"
            )
        yield Box(*sides)


def _label(labels: object, place: str) -> str:
    if labels is None:
        return UNLABELLED
    if not isinstance(labels, list):
        raise DatasetError(f"{place}: labels must be a list, got {shown(labels)}")
    names = [name for label in labels if (name := text(label, "a label", place).strip())]
    return names[0] if names else UNLABELLED


def _reports(place: Path, step: str) -> list[dict[str, Any]]:
    content = read_json(place)
    if not isinstance(content, list) or not all(isinstance(one, dict) and "findings" in one for one in content):
        raise DatasetError(
            f"{place} is not of PadChest-GR, whose file is a list of records with StudyID, ImageID and findings; {step}"
        )
    return content


def _version(place: Path) -> str:
    return place.stem.rpartition("_")[2]
