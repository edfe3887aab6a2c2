"""The records of PadChest-GR's reports, and what its table says of the studies."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from ...core import IMAGE_SUFFIXES, Box, DatasetError
from ...core.doubts import Tally
from ..annotations import Annotation, number, shown, text
from ..release import ImageRecord
from ..tables import read_table
from ..text_files import read_json

SPLITS = ("train", "validation", "test")

UNLABELLED = "Unlabelled"
"""The class of sentences that have no label, as most of what is normal."""

NO_SENTENCE = "findings without a sentence in the language are left out"
BOXES_ON_NORMAL = "sentences that are said to be normal have boxes: they are taken as any other with boxes"
NO_SPLIT = "studies are not in master_table.csv, so they have no split and no patient"

_LARGEST = 2.0
"""Of a corner in fractions of the image: whatever is larger is no slip of the pen, but written in pixels."""


@dataclass(frozen=True)
class Studies:
    """What the table says of studies, by their ids.

    Attributes:
        splits: The split of each.
        patients: The patient of each.
    """

    splits: dict[str, str] = field(default_factory=dict)
    patients: dict[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path) -> Studies:
        """Read the table.

        Raises:
            DatasetError: If it is none of PadChest-GR, or puts a study into two splits.
        """
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
        """How many studies each split has; empty without a table."""
        counted = Counter(self.splits.values())
        return {split: counted[split] for split in SPLITS} if self.splits else {}


@dataclass
class Sentences:
    """The sentences of the file, and who marked what for them.

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
    studies: Studies
    images: dict[str, ImageRecord] = field(default_factory=dict)
    negatives: list[Annotation] = field(default_factory=list)
    abnormal: int = 0
    tally: Tally = field(default_factory=Tally)
    _boxes: dict[str, list[Annotation]] = field(default_factory=lambda: {"boxes": [], "extra_boxes": []})

    def marked(self, keys: tuple[str, ...]) -> list[Annotation]:
        """The rows of one or both readers' boxes."""
        return [row for key in keys for row in self._boxes[key]]

    def add(self, report: Mapping[str, Any], where: str) -> None:
        """Read a record.

        Raises:
            DatasetError: If it is not of the released form.
        """
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
        for place_, finding in enumerate(findings):
            at = f"{where}, finding {place_}"
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


def read_reports(place: Path, step: str) -> list[dict[str, Any]]:
    """The records of the file.

    Args:
        place: The file.
        step: How the data set is got, for messages.

    Raises:
        DatasetError: If it is another one's.
    """
    content = read_json(place)
    if not isinstance(content, list) or not all(isinstance(one, dict) and "findings" in one for one in content):
        raise DatasetError(
            f"{place} is not of PadChest-GR, whose file is a list of records with StudyID, ImageID and findings; {step}"
        )
    return content
