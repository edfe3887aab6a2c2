"""COCO JSON files whose annotations carry a phrase, or get one."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from ..core import Box, DatasetError, ImageSize
from ..core.doubts import Tally
from .annotations import Annotation, frame_size, number, shown, text
from .frames import aspect_differs
from .phrases import STEP, PhraseTemplate
from .segmentations import read_segmentation
from .text_files import read_json

PHRASE_KEYS = ("label_text", "phrase", "caption")
"""Where a phrase may be, on an annotation or else on its image: MS-CXR's key first."""

UNCLASSIFIED = "unclassified"
"""The class of all annotations of a captions file, which has none."""


def read_coco(path: Path, phrases: PhraseTemplate | None = None) -> list[Annotation]:
    """The annotations of a COCO file, in file order.

    An image's file is its `path`, or else its `file_name`; where it has both, the second is the row's `other_image`.
    Several image records may name one file, as in MS-CXR. Boxes are `[x, y, width, height]` in the image record's
    `width` and `height`, or else the annotation's. `split`, `patient_id` and the phrase may be on annotations or
    images. An annotation without a `bbox` may have a `segmentation`; of one with both, the box counts. A file without
    `categories`, of captions, is of one class.

    Args:
        path: The file.
        phrases: How phrases are made, in place of those of the file.

    Raises:
        DatasetError: If the file is not in this format; names the file and the record.
    """
    content = read_json(path)
    images = _by_id(_records(content, "images", path), "images", path, lambda image: next(iter(_names(image)), None))
    captions = isinstance(content, dict) and not content.get("categories")
    categories = _by_id(
        [] if captions else _records(content, "categories", path), "categories", path, lambda record: record.get("name")
    )
    annotations = _records(content, "annotations", path)
    if not annotations:
        raise DatasetError(f"{path} has no annotations")
    reader = _Reader(path, images, None if captions else categories, phrases)
    return [reader.annotation(record) for record in annotations]


def without_bbox(annotations: Iterable[Annotation]) -> list[str]:
    """One sentence if annotations of a COCO file have neither a box nor a region."""
    tally = Tally()
    for row in annotations:
        if row.box is None and row.segmentation is None:
            tally.add("annotations have no bbox, so their samples lack that box", row.where)
    return tally.sentences()


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads annotations of one file.

    Attributes:
        path: The file, for messages.
        images: Image records by id.
        categories: Category records by id; None for a file of captions.
        phrases: How phrases are made; None where they are read.
    """

    path: Path
    images: dict[str, dict[str, Any]]
    categories: dict[str, dict[str, Any]] | None
    phrases: PhraseTemplate | None

    def annotation(self, record: dict[str, Any]) -> Annotation:
        where = f"annotation {shown(record['id']) if 'id' in record else '(without an id)'}"
        place = f"{self.path}, {where}"
        image = self.images.get(_id(record.get("image_id")))
        if image is None:
            raise DatasetError(f"{place}: there is no image with the id {shown(record.get('image_id'))}")
        names = _names(image)
        if not names:
            raise DatasetError(f"{self.path}: the image with the id {shown(record['image_id'])} has no file_name")
        for name in names:
            text(name, "the file_name of its image", place)
        pathology = self._pathology(record, place)
        frame = _frame(image, place) or _frame(record, place)
        box = _box(record.get("bbox"), place)
        region = None if box is not None else read_segmentation(record.get("segmentation"), place)
        if region is not None and region.frame is not None:
            if frame is not None and aspect_differs(region.frame, frame):
                here, there = ("x".join(map(str, size)) for size in (region.frame, frame))
                raise DatasetError(
                    f"{place}: its segmentation is of {here} (its size is [height, width]) and its image of {there}, "
                    "another shape; correct one of them"
                )
            frame = frame or region.frame
        split, patient = (text(record.get(key, image.get(key)), key, place) or None for key in ("split", "patient_id"))
        return Annotation(
            image_id=names[0],
            image=names[0],
            phrase=self.phrases.fill(pathology) if self.phrases else self._phrase(record, image, place),
            pathology=pathology,
            box=box,
            frame=frame,
            patient=patient,
            split=split,
            where=where,
            segmentation=region,
            other_image=names[1] if len(names) > 1 else None,
        )

    def _pathology(self, record: dict[str, Any], place: str) -> str:
        if self.categories is None and record.get("category_id") is None:
            return UNCLASSIFIED
        category = (self.categories or {}).get(_id(record.get("category_id")))
        name = "" if category is None else text(category.get("name"), "the name of its category", place).strip()
        if not name:
            identity = shown(record.get("category_id"))
            raise DatasetError(f"{place}: there is no category with the id {identity} and a name")
        return name

    def _phrase(self, record: dict[str, Any], image: dict[str, Any], place: str) -> str:
        found = next((holder[key] for holder in (record, image) for key in PHRASE_KEYS if holder.get(key)), None)
        phrase = text(found, "the phrase", place)
        if not isinstance(found, str) or not phrase.strip():
            step = "" if self.categories is None else f"; {STEP}"
            raise DatasetError(f"{place}: there is no phrase; give it as one of {', '.join(PHRASE_KEYS)}{step}")
        return phrase


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
        first = found.setdefault(_id(record.get("id")), record)
        if content(first) != content(record):
            both = f"{shown(content(first))} and {shown(content(record))}"
            raise DatasetError(
                f"{path}: two {kind} have the id {shown(record.get('id'))}: {both}; give each its own id"
            )
    return found


def _id(value: Any) -> str:
    """An id as it is compared: 7, "7" and 7.0 are one, as tools write them."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _names(image: dict[str, Any]) -> tuple[str, ...]:
    """What an image record calls its file, each name once."""
    written = [image.get(key) for key in ("path", "file_name")]
    return tuple(
        dict.fromkeys(str(PurePosixPath(name)) for name in written if isinstance(name, str) and name.strip())
    )  # "./a.png" is "a.png"


def _box(bbox: Any, place: str) -> Box | None:
    if not bbox:
        return None
    if not isinstance(bbox, list) or len(bbox) != 4:
        raise DatasetError(f"{place}: bbox must be [x, y, width, height], got {shown(bbox)}")
    x, y, width, height = (number(value, "every entry of bbox", place) for value in bbox)
    return Box.from_xywh(x, y, width, height)


def _frame(record: dict[str, Any], place: str) -> ImageSize | None:
    missing = [key for key in ("width", "height") if record.get(key) is None]
    if len(missing) == 1:
        raise DatasetError(f"{place}: the image's size lacks its {missing[0]}; give width and height, or neither")
    if missing:
        return None
    width, height = (number(record[key], f"the image's {key}", place) for key in ("width", "height"))
    return frame_size(width, height, place)
