"""COCO JSON files whose annotations carry a phrase."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path, PurePosixPath
from typing import Any

from ..core import Box, DatasetError, ImageSize
from ..core.doubts import Tally
from .annotations import Annotation, frame_size, number

PHRASE_KEYS = ("label_text", "phrase", "caption")
"""Where an annotation's phrase may be: MS-CXR's key first."""


def read_coco(path: Path) -> list[Annotation]:
    """The annotations of a COCO file, in file order.

    An image's file is its `path`, or else its `file_name`; several image records may name one file, as in MS-CXR.
    Boxes are `[x, y, width, height]` in the image record's `width` and `height`, or else the annotation's. `split` and
    `patient_id` may be on annotations or images. An annotation may have no `bbox`.

    Raises:
        DatasetError: If the file is not in this format; names the file and the record.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise DatasetError(f"cannot read {path}: {error.strerror or error}") from error
    except ValueError as error:  # neither UTF-8 nor JSON
        raise DatasetError(f"{path} is not a JSON file: {error}") from error
    images = _by_id(_records(content, "images", path), "images", path, _file)
    categories = _by_id(_records(content, "categories", path), "categories", path, lambda record: record.get("name"))
    annotations = _records(content, "annotations", path)
    if not annotations:
        raise DatasetError(f"{path} has no annotations")
    return [_annotation(record, images, categories, path) for record in annotations]


def without_bbox(annotations: Iterable[Annotation]) -> list[str]:
    """One sentence if annotations of a COCO file have no box."""
    tally = Tally()
    for row in annotations:
        if row.box is None:
            tally.add("annotations have no bbox, so their samples lack that box", row.where)
    return tally.sentences()


def _records(content: Any, key: str, path: Path) -> list[dict[str, Any]]:
    records = content.get(key) if isinstance(content, dict) else None
    if not isinstance(records, list) or not all(isinstance(record, dict) for record in records):
        raise DatasetError(f"{path} is not a COCO file: it needs a list of objects under {key!r}")
    return records


def _by_id(
    records: list[dict[str, Any]], kind: str, path: Path, content: Callable[[dict[str, Any]], object]
) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for record in records:
        first = found.setdefault(str(record.get("id")), record)
        if content(first) != content(record):
            both = f"{content(first)!r} and {content(record)!r}"
            raise DatasetError(f"{path}: two {kind} have the id {record.get('id')!r}: {both}; give each its own id")
    return found


def _file(image: dict[str, Any]) -> object:
    return image.get("path") or image.get("file_name")


def _annotation(
    record: dict[str, Any], images: dict[str, dict[str, Any]], categories: dict[str, dict[str, Any]], path: Path
) -> Annotation:
    where = f"annotation {record.get('id', '(without an id)')}"
    place = f"{path}, {where}"
    image = images.get(str(record.get("image_id")))
    if image is None:
        raise DatasetError(f"{place}: there is no image with the id {record.get('image_id')!r}")
    category = categories.get(str(record.get("category_id")))
    if category is None or not str(category.get("name") or "").strip():
        raise DatasetError(f"{place}: there is no category with the id {record.get('category_id')!r} and a name")
    file = _file(image)
    if not isinstance(file, str) or not file.strip():
        raise DatasetError(f"{path}: the image with the id {record['image_id']!r} has no file_name")
    file = str(PurePosixPath(file))  # "./a.png" is "a.png"
    phrase = next((record[key] for key in PHRASE_KEYS if record.get(key)), None)
    if not isinstance(phrase, str) or not phrase.strip():
        raise DatasetError(f"{place}: there is no phrase; give it as one of {', '.join(PHRASE_KEYS)}")
    split, patient = (_text(record.get(key, image.get(key))) for key in ("split", "patient_id"))
    return Annotation(
        image_id=file,
        image=file,
        phrase=phrase,
        pathology=str(category["name"]).strip(),
        box=_box(record.get("bbox"), place),
        frame=_frame(image, place) or _frame(record, place),
        patient=patient,
        split=split,
        where=where,
    )


def _box(bbox: Any, place: str) -> Box | None:
    if not bbox:
        return None
    if not isinstance(bbox, list) or len(bbox) != 4:
        raise DatasetError(f"{place}: bbox must be [x, y, width, height], got {bbox!r}")
    x, y, width, height = (number(value, "every entry of bbox", place) for value in bbox)
    return Box.from_xywh(x, y, width, height)


def _frame(record: dict[str, Any], place: str) -> ImageSize | None:
    if record.get("width") is None or record.get("height") is None:
        return None
    width, height = (number(record[key], f"the image's {key}", place) for key in ("width", "height"))
    return frame_size(width, height, place)


def _text(value: Any) -> str | None:
    return None if value is None or value == "" else str(value)
