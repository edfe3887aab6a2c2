"""Whose image an image of MIMIC-CXR is, and how large: from the lists that come with it and with sets drawn on it."""

from __future__ import annotations

import csv
import gzip
import zlib
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from ..core import DatasetError, ImageSize
from ..core.names import listed
from .annotations import frame_size, number

_REQUIRED = ("dicom_id", "subject_id", "study_id")


@dataclass(frozen=True, slots=True)
class MimicRecord:
    """An image of MIMIC-CXR.

    Attributes:
        subject: The patient's number.
        study: The study's number.
        size: (width, height) of the original, where the list says it.
    """

    subject: str
    study: str
    size: ImageSize | None

    def path(self, image: str) -> str:
        """Where MIMIC-CXR-JPG has an image of this patient and study."""
        return f"files/p{self.subject[:2]}/p{self.subject}/s{self.study}/{image}.jpg"


def read_records(path: Path, images: Collection[str]) -> dict[str, MimicRecord]:
    """The records of some images.

    Args:
        path: A CSV file, as it is or as .gz, of 377,110 rows, with the columns dicom_id, subject_id and study_id, and
            perhaps Rows and Columns.
        images: DICOM ids; others are passed over.

    Raises:
        DatasetError: If it is no such table.
    """
    opened = gzip.open if path.suffix.lower() == ".gz" else open
    records: dict[str, MimicRecord] = {}
    try:
        with opened(path, "rt", encoding="utf-8-sig", newline="") as file:
            rows = csv.reader(file)
            names = [name.strip().lower() for name in next(rows, [])]
            missing = [name for name in _REQUIRED if name not in names]
            if missing:
                raise DatasetError(f"{path} lacks the column {missing[0]!r}; found {listed(names)}; get it again")
            image_at, subject_at, study_at = (names.index(name) for name in _REQUIRED)
            size_at = [names.index(name) for name in ("columns", "rows") if name in names]
            for cells in rows:
                if len(cells) != len(names) or cells[image_at] not in images:
                    continue
                image, place = cells[image_at], f"{path}, line {rows.line_num}"
                sides = [cells[side] for side in size_at]
                size = None
                if len(sides) == 2 and all(sides):
                    size = frame_size(number(sides[0], "Columns", place), number(sides[1], "Rows", place), place)
                records[image] = MimicRecord(_digits(cells[subject_at], "p"), _digits(cells[study_at], "s"), size)
    except (OSError, EOFError, UnicodeDecodeError, csv.Error, zlib.error) as error:
        raise DatasetError(f"cannot read {path}: {error}; get it again") from error
    return records


def _digits(cell: str, letter: str) -> str:
    return cell.strip().lower().removeprefix(letter)
