"""The CSV form of a manifest: one row a box, columns as their authors name them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from ..core import Box, DatasetError, ImageSize
from ..core.doubts import Written
from ..core.names import listed, printable
from .annotations import Annotation, frame_size, number
from .box_columns import HOW, PLAIN, BoxColumns, find_box_columns, is_box_column, plain_name
from .phrases import STEP, PhraseTemplate
from .tables import closest, read_columns, refuse_twice

HEADER = ("image", "phrase", "pathology", *PLAIN)
_NAMES = ("image", "phrase", "pathology")
_OPTIONAL = ("patient_id", "split", "image_width", "image_height")

_FRAME = {f"{image}{side}": f"image_{side}" for image in ("image", "img") for side in ("width", "height")}

# What public tables carry beside boxes and classes, compared as `plain_name` does: it decides nothing here.
_PASSED_OVER = {
    *("", "unnamed0", "index", "id", "row", "annotationid", "annid", "objectid", "uid"),
    *("classid", "categoryid", "labelid", "area", "iscrowd", "score", "confidence", "target"),
    *("radid", "readerid", "reader", "annotator", "annotatorid", "radiologist"),
    *("dicomid", "studyid", "seriesid", "studyuid", "seriesuid", "sopinstanceuid", "studyinstanceuid", "source"),
    *("age", "patientage", "sex", "patientsex", "gender", "patientgender", "view", "viewposition", "position"),
    *("date", "studydate", "studydatedicom", "year", "comment", "comments", "note", "notes", "dataset"),
}

# What other tables call the columns of a manifest, compared in the same way: for hints only.
_MEANT = {
    **dict.fromkeys(("imagepath", "imgpath", "path", "filepath", "file", "filename", "imagefile"), "image"),
    **dict.fromkeys(("imageid", "imagename", "imgname", "imgid"), "image"),
    **dict.fromkeys(("labeltext", "text", "caption", "sentence", "report", "description", "prompt"), "phrase"),
    **dict.fromkeys(("label", "labels", "labelname", "class", "classname", "category", "categoryname"), "pathology"),
    **dict.fromkeys(("finding", "findings", "findinglabel", "disease"), "pathology"),
    **dict.fromkeys(("patient", "subject", "subjectid"), "patient_id"),
    **dict.fromkeys(("fold", "set", "partition", "subset"), "split"),
}


def read_csv(path: Path, phrases: PhraseTemplate | None) -> tuple[list[Annotation], Written, list[str]]:
    """The rows of a CSV manifest.

    Args:
        path: The file.
        phrases: How phrases are made, in place of a column `phrase`.

    Returns:
        The rows; what boxes were written as; what was taken for what and what was passed over, a sentence each.

    Raises:
        DatasetError: That names the file and the column or row which is not in the format.
    """
    header, rows = read_columns(path, HEADER)
    names = [_FRAME.get(plain_name(name), name) for name in header]
    boxes = find_box_columns(names, path) if any(map(is_box_column, names)) else None
    passed_over = _passed_over(names, path)
    refuse_twice(names, [*_NAMES, *_OPTIONAL], path)
    missing = [name for name in _NAMES if name not in names and not (name == "phrase" and phrases)]
    if missing == ["phrase"]:
        raise DatasetError(f"{path} lacks the column 'phrase'; found {listed(names)}; {STEP}")
    if missing:
        raise DatasetError(f"{path} lacks the column {missing[0]!r}; found {listed(names)}")
    if boxes is None:
        raise DatasetError(f"{path} lacks the column 'x'; found {listed(names)}; boxes are written as {HOW}")
    if ("image_width" in names) != ("image_height" in names):
        raise DatasetError(f"{path} has one of the columns image_width, image_height; give both or neither")
    index = {name: place for place, name in enumerate(names)}
    annotations = [
        _row({name: cells[place] for name, place in index.items()}, number, path, boxes, phrases)
        for number, cells in rows
    ]
    ignored = [f"columns that decide nothing are passed over: {listed(passed_over)}"] if passed_over else []
    return annotations, boxes.written, [*([boxes.said] if boxes.said else []), *ignored]


def _passed_over(names: Sequence[str], path: Path) -> list[str]:
    """The columns that are no part of a manifest and harmless.

    Raises:
        DatasetError: If a column is neither: it may be a known one, spelt otherwise.
    """
    passed_over: list[str] = []
    for name in names:
        if name in (*_NAMES, *_OPTIONAL) or is_box_column(name):
            continue
        if plain_name(name) not in _PASSED_OVER:
            known = (*_NAMES, *_OPTIONAL)
            guess = _MEANT.get(plain_name(name)) or closest(name, known)
            hint = f"did you mean {guess!r}?" if guess else f"take it out; boxes are written as {HOW}"
            raise DatasetError(
                f"{path} has the column '{printable(name)}', which is none of {', '.join(known)}; {hint}"
            )
        if name:
            passed_over.append(name)
    return passed_over


def _row(
    cells: Mapping[str, str], index: int, path: Path, columns: BoxColumns, phrases: PhraseTemplate | None
) -> Annotation:
    where = f"row {index}"
    place = f"{path}, {where}"
    for name in _NAMES:
        if not (name == "phrase" and phrases) and not cells[name].strip():
            raise DatasetError(f"{place}: {name} is empty")
    pathology = cells["pathology"].strip()
    image = cells["image"].strip()
    return Annotation(
        image_id=image,
        image=image,
        phrase=phrases.fill(pathology) if phrases else cells["phrase"],
        pathology=pathology,
        box=_box(cells, columns, place),
        frame=_frame(cells, place),
        patient=cells.get("patient_id", "").strip() or None,
        split=cells.get("split", "").strip() or None,
        where=where,
    )


def _box(cells: Mapping[str, str], columns: BoxColumns, place: str) -> Box | None:
    written = [cells[name].strip() for name in columns.names]
    if not any(written):  # all empty: a phrase without a box
        return None
    a, b, c, d = (number(text, name, place) for text, name in zip(written, columns.names, strict=True))
    return Box(a, b, c, d) if columns.written == "corners" else Box.from_xywh(a, b, c, d)


def _frame(cells: Mapping[str, str], place: str) -> ImageSize | None:
    sides = {name: cells.get(name, "").strip() for name in ("image_width", "image_height")}
    if not any(sides.values()):
        return None
    width, height = (number(text, name, place) for name, text in sides.items())
    return frame_size(width, height, place)
