"""MS-CXR's annotation file, CSV or COCO JSON: the same rows from either."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path, PurePosixPath

from ..core import Box, DatasetError
from ..core.paths import shown
from .annotations import Annotation, frame_size, number
from .coco import read_coco
from .tables import read_table

_COLUMNS = ("dicom_id", "category_name", "label_text", "path", "x", "y", "w", "h", "image_width", "image_height")
_PATIENT = re.compile(r"(?:^|/)(p\d{8})/")


def read_annotations(path: Path) -> list[Annotation]:
    """The rows of the CSV, or the same from the JSON: images by DICOM id, boxes in the declared image size.

    Raises:
        DatasetError: If the file is not in the released format.
    """
    if path.suffix.lower() == ".csv":
        rows = [_csv_row(cells, index, path) for index, cells in read_table(path, _COLUMNS, ["split"])]
    else:
        # The JSON has several image records for one file; MIMIC names each file by its DICOM id.
        rows = [
            replace(row, image=image, image_id=PurePosixPath(image).stem)
            for row in read_coco(path)
            for image in [_with_slashes(row.image)]
        ]
    return [_with_patient(row, path) for row in rows]


def _with_slashes(image: str) -> str:
    """A path in an annotation file that was rewritten on Windows; MIMIC-CXR's names hold no backslash."""
    return image.replace("\\", "/")


def _with_patient(row: Annotation, path: Path) -> Annotation:
    if row.frame is None:
        raise DatasetError(f"{path}, {row.where}: the image's width and height are missing")
    name = PurePosixPath(row.image).name
    if not name.strip(".") or not name.isprintable() or len(name) > 255:
        raise DatasetError(f"{path}, {row.where}: path does not end with a file's name: {shown(row.image)}")
    patient = _PATIENT.search(row.image)
    return replace(row, patient=patient[1] if patient else None)


def _csv_row(cells: dict[str, str], index: int, path: Path) -> Annotation:
    where = f"row {index}"
    place = f"{path}, {where}"
    x, y, w, h = (number(cells[name], name, place) for name in ("x", "y", "w", "h"))
    width, height = (number(cells[name], name, place) for name in ("image_width", "image_height"))
    for name in ("dicom_id", "category_name", "label_text", "path"):
        if not cells[name].strip():
            raise DatasetError(f"{place}: {name} is empty")
    return Annotation(
        image_id=cells["dicom_id"].strip(),
        image=_with_slashes(cells["path"].strip()),
        phrase=cells["label_text"],
        pathology=cells["category_name"].strip(),
        box=Box.from_xywh(x, y, w, h),
        frame=frame_size(width, height, place),
        patient=None,
        split=cells.get("split", "").strip() or None,
        where=where,
    )
