"""What `groundcxr doctor` looks at in data sets that are annotation rows and image files."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..core import DatasetError, ImageError, ImageSize, Radiograph, read_header
from ..core.doubts import (
    CORNERS,
    FRACTIONS,
    LEAVES,
    ORIENTED,
    SIZES,
    SMALLER_FRAME,
    Tally,
    Written,
)
from ..core.names import escaped
from ..core.progress import progress
from ..core.regular import is_regular
from ..core.threads import mapped
from .annotations import Annotation, by_image
from .base import Finding, refuse_reserved
from .frames import CLIPPED, DEGENERATE, NEGATIVE, OUTSIDE, aspect_differs, fit_box, negative_sides, other_frame
from .samples import doubts_about_frames
from .spellings import spellings

_OF_THIS_SIZE = (
    "correct the row, or, if boxes were drawn on images of another size, give that size: the columns "
    "image_width,image_height of a CSV, width and height of the image records of a COCO JSON"
)
_AS_RELEASED = "compare with the release; where it has the same, nothing is to be done"
_GOT_AGAIN = ("get the file again", "download it again")
_SPELLING = "write one of them throughout, if one is meant"
_FRAME_STEPS = {
    FRACTIONS: "multiply x and width by the image's width, y and height by its height",
    CORNERS: "write width = x1 - x0 and height = y1 - y0, or in a CSV name the columns x_min,y_min,x_max,y_max",
    SIZES: "write x1 = x + width and y1 = y + height, or name the columns x,y,w,h",
    LEAVES: _OF_THIS_SIZE,
    SMALLER_FRAME: _OF_THIS_SIZE,
}
_SAID = {
    DEGENERATE: "has no width or height and is dropped",
    OUTSIDE: "lies outside it and is dropped",
    CLIPPED: "sticks out of it and is clipped",
}


def check_files(
    annotations: Sequence[Annotation],
    paths: Mapping[str, Path],
    *,
    place: str,
    step: str,
    written: Written = "sizes",
    released: bool = False,
) -> list[Finding]:
    """Decode every image and look at every row.

    Args:
        annotations: The rows.
        paths: The image file of each image id; empty if it is known already that there are none.
        place: The annotation file, for messages.
        step: What to do about an image that is missing or damaged.
        written: What the four numbers of boxes were read as.
        released: Whether the annotation file is a release's, which its user does not mend.

    Returns:
        Missing, empty and damaged images; images that are blank, turned, oddly described by their own file, of another
        size than annotated, or under several names; boxes that look like those of another frame, without area or not
        inside their image; names that differ in white space alone; repeated rows; classes with a name that tables need.
    """
    contents = _decode(paths)
    seen = {image: content for image, content in contents.items() if not isinstance(content, ImageError)}
    sizes = {image: content.size for image, content in seen.items()}
    return [
        *[
            _unusable(paths[image], content, step)
            for image, content in contents.items()
            if isinstance(content, ImageError)
        ],
        *_reserved(annotations, place),
        *[Finding("warning", f"{place}: {doubt}", _SPELLING) for doubt in spellings(annotations)],
        *_frames(annotations, sizes, place, written, released),
        *_sizes(annotations, paths, sizes),
        *_pictures(paths, seen),
        *_same_images(paths, seen),
        *_boxes(annotations, sizes, place, written, released),
        *_repeated(annotations, place, released),
    ]


def _reserved(annotations: Sequence[Annotation], place: str) -> Iterator[Finding]:
    try:
        refuse_reserved({row.pathology: None for row in annotations})
    except DatasetError as error:
        yield Finding("error", f"{place}: {error}")


def _frames(
    annotations: Sequence[Annotation], sizes: Mapping[str, ImageSize], place: str, written: Written, released: bool
) -> Iterator[Finding]:
    for doubt in doubts_about_frames(annotations, sizes, written):
        yield Finding("warning", f"{place}: {doubt}", _AS_RELEASED if released else _FRAME_STEPS[doubt.kind])


def _pictures(paths: Mapping[str, Path], seen: Mapping[str, _Content]) -> Iterator[Finding]:
    for image, content in seen.items():
        if content.blank:
            problem = f"{paths[image]} has one grey value only, as after a failed export or conversion"
            yield Finding("warning", problem, "look at it, and export it again")
    tally = Tally()
    for image, content in seen.items():
        if content.orientation != 1:
            tally.add(ORIENTED, str(paths[image]))
    for doubt in tally.doubts():
        step = "check the boxes on them, or save them without the orientation and draw the boxes there"
        yield Finding("warning", str(doubt), step)
    odd = Tally()
    for image, content in seen.items():
        for note in content.notes:
            odd.add(note, str(paths[image]))
    for doubt in odd.doubts():
        yield Finding("warning", str(doubt), "look at one of them with `groundcxr ground`")


def _sizes(
    annotations: Sequence[Annotation], paths: Mapping[str, Path], sizes: Mapping[str, ImageSize]
) -> Iterator[Finding]:
    resized: list[str] = []
    for image, rows in by_image(annotations).items():
        size = sizes.get(image)
        if size is None or (frame := other_frame([row.frame for row in rows if row.frame is not None], size)) is None:
            continue
        contradiction = f"{paths[image]} is {size[0]}x{size[1]}, annotated {frame[0]}x{frame[1]}"
        if aspect_differs(frame, size):
            yield Finding("warning", f"{contradiction}: another aspect ratio", "check the boxes on it")
        else:
            resized.append(contradiction)
    if resized:
        problem = f"images are resized copies: {len(resized)}, for example {resized[0]}"
        yield Finding("warning", problem, "boxes are rescaled; compare results only with those at this size")


def _same_images(paths: Mapping[str, Path], seen: Mapping[str, _Content]) -> Iterator[Finding]:
    names: dict[str, list[str]] = {}
    for image, content in seen.items():
        names.setdefault(content.sha256, []).append(str(paths[image]))
    for same in names.values():
        if len(same) > 1:
            step = "keep one of them, or results count it several times"
            yield Finding("warning", f"the same image has several names: {', '.join(same)}", step)


def _boxes(
    annotations: Sequence[Annotation], sizes: Mapping[str, ImageSize], place: str, written: Written, released: bool
) -> Iterator[Finding]:
    for row in annotations:
        size = row.frame or sizes.get(row.image_id)
        if row.box is None or size is None:
            continue
        frame = row.frame_in(size)
        _, defect = fit_box(row.box, frame, frame)
        if defect is not None:
            x0, y0, x1, y1 = row.box.as_tuple()
            box = f"x={x0:g}, y={y0:g}, w={x1 - x0:g}, h={y1 - y0:g}"
            if written == "corners":
                box = f"({x0:g}, {y0:g}) to ({x1:g}, {y1:g})"
            said = f"is dropped: {negative_sides(row.box)}" if defect == NEGATIVE else _SAID[defect]
            problem = f"{place}, {row.where}: the box {box} of an image of {frame[0]}x{frame[1]} {said}"
            step = "correct the row" if defect in (NEGATIVE, DEGENERATE) else _OF_THIS_SIZE
            yield Finding("warning", problem, _AS_RELEASED if released else step)


def _repeated(annotations: Sequence[Annotation], place: str, released: bool) -> Iterator[Finding]:
    seen: dict[tuple[object, ...], str] = {}
    for row in annotations:
        region = row.segmentation.key if row.segmentation else None
        key = (row.image_id, row.phrase, row.pathology, row.box, region)
        if key in seen:
            step = _AS_RELEASED if released else "remove one of them"
            yield Finding("warning", f"{place}: {row.where} repeats {seen[key]}", step)
        else:
            seen[key] = row.where


@dataclass(frozen=True, slots=True)
class _Content:
    """What is kept of a decoded image."""

    size: ImageSize
    sha256: str
    blank: bool
    orientation: int
    notes: tuple[str, ...]


def _decode(paths: Mapping[str, Path]) -> dict[str, _Content | ImageError]:
    with progress("checking images", len(paths)) as advance:
        contents = mapped(_open, paths.values(), os.cpu_count() or 1, advance)
    return dict(zip(paths, contents, strict=True))


def _open(path: Path) -> _Content | ImageError:
    if not is_regular(path):
        return ImageError(f"there is no image file {escaped(str(path))}")
    try:
        image = Radiograph.open(path)
        return _Content(image.size, image.sha256, image.is_blank, read_header(path).orientation, image.notes)
    except ImageError as error:
        return error


def _unusable(path: Path, error: ImageError, step: str) -> Finding:
    if not is_regular(path):
        return Finding("error", f"there is no image file {escaped(str(path))}", step)
    problem, _, own = str(error).rpartition("; ")
    # What the reader of images advises is for this file; where a whole one is to be got is the data set's to say.
    return Finding("error", problem or own, step if not problem or own.endswith(_GOT_AGAIN) else own)
