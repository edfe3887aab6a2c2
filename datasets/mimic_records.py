"""Whose image an image of MIMIC-CXR is, and how large: from the lists that come with it and with sets drawn on it."""

from __future__ import annotations

import csv
import gzip
import zlib
from collections.abc import Collection, Iterator, Sequence
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
    records: dict[str, MimicRecord] = {}
    for number_of_line, row in table_rows(path, _REQUIRED):
        image = row["dicom_id"]
        if image not in images:
            continue
        place = f"{path}, line {number_of_line}"
        size = None
        if row.get("columns") and row.get("rows"):
            sides = number(row["columns"], "Columns", place), number(row["rows"], "Rows", place)
            size = frame_size(*sides, place)
        records[image] = MimicRecord(_digits(row["subject_id"], "p"), _digits(row["study_id"], "s"), size)
    return records


def table_rows(path: Path, required: Sequence[str]) -> Iterator[tuple[int, dict[str, str]]]:
    """The rows of a table of MIMIC-CXR, by columns in lower case, each with its line; incomplete rows are passed over.

    Args:
        path: A CSV file, as it is or as .gz.
        required: Columns that it must have, in lower case.

    Raises:
        DatasetError: If it is no such table.
    """
    opened = gzip.open if path.suffix.lower() == ".gz" else open
    try:
        with opened(path, "rt", encoding="utf-8-sig", newline="") as file:
            rows = csv.reader(file)
            names = [name.strip().lower() for name in next(rows, [])]
            missing = [name for name in required if name not in names]
            if missing:
                raise DatasetError(f"{path} lacks the column {missing[0]!r}; found {listed(names)}; get it again")
            for cells in rows:
                if len(cells) == len(names):
                    yield rows.line_num, dict(zip(names, cells, strict=True))
    except (OSError, EOFError, UnicodeDecodeError, csv.Error, zlib.error) as error:
        raise DatasetError(f"cannot read {path}: {error}; get it again") from error


def _digits(cell: str, letter: str) -> str:
    return cell.strip().lower().removeprefix(letter)
