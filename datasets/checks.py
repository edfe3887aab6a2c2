"""What `groundcxr doctor` looks at in data sets that are annotation rows and image files."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from ..core import ImageError, ImageSize, Radiograph
from ..core.progress import progress
from .annotations import Annotation, by_image
from .base import Finding
from .frames import CLIPPED, DEGENERATE, NEGATIVE, OUTSIDE, aspect_differs, fit_box, negative_sides

_SAID = {
    DEGENERATE: "has no width or height and is dropped",
    OUTSIDE: "lies outside it and is dropped",
    CLIPPED: "sticks out of it and is clipped",
}


def check_files(
    annotations: Sequence[Annotation], paths: Mapping[str, Path], *, place: str, step: str
) -> list[Finding]:
    """Decode every image and look at every row.

    Args:
        annotations: The rows.
        paths: The image file of each image id; empty if it is known already that there are none.
        place: The annotation file, for messages.
        step: What to do about an image that is missing or damaged.

    Returns:
        Missing, empty and damaged images; images of another size than annotated, or under several names; boxes without
        area or not inside their image; repeated rows.
    """
    contents = _decode(paths)
    sizes = {image: content[0] for image, content in contents.items() if not isinstance(content, ImageError)}
    return [
        *[
            Finding("error", _problem(paths[image], content), step)
            for image, content in contents.items()
            if isinstance(content, ImageError)
        ],
        *_sizes(annotations, paths, sizes),
        *_same_images(paths, contents),
        *_boxes(annotations, sizes, place),
        *_repeated(annotations, place),
    ]


def _sizes(
    annotations: Sequence[Annotation], paths: Mapping[str, Path], sizes: Mapping[str, ImageSize]
) -> Iterator[Finding]:
    resized: list[str] = []
    for image, rows in by_image(annotations).items():
        size = sizes.get(image)
        frame = next((row.frame for row in rows if row.frame is not None), None)
        if size is None or frame is None or frame == size:
            continue
        contradiction = f"{paths[image]} is {size[0]}x{size[1]}, annotated {frame[0]}x{frame[1]}"
        if aspect_differs(frame, size):
            yield Finding("warning", f"{contradiction}: another aspect ratio", "check the boxes on it")
        else:
            resized.append(contradiction)
    if resized:
        problem = f"images are resized copies: {len(resized)}, for example {resized[0]}"
        yield Finding("warning", problem, "boxes are rescaled; compare results only with those at this size")


def _same_images(
    paths: Mapping[str, Path], contents: Mapping[str, tuple[ImageSize, str] | ImageError]
) -> Iterator[Finding]:
    names: dict[str, list[str]] = {}
    for image, content in contents.items():
        if not isinstance(content, ImageError):
            names.setdefault(content[1], []).append(str(paths[image]))
    for same in names.values():
        if len(same) > 1:
            step = "keep one of them, or results count it several times"
            yield Finding("warning", f"the same image has several names: {', '.join(same)}", step)


def _boxes(annotations: Sequence[Annotation], sizes: Mapping[str, ImageSize], place: str) -> Iterator[Finding]:
    for row in annotations:
        frame = row.frame or sizes.get(row.image_id)
        if row.box is None or frame is None:
            continue
        _, defect = fit_box(row.box, frame, frame)
        if defect is not None:
            x, y, x1, y1 = row.box.as_tuple()
            said = f"is dropped: {negative_sides(row.box)}" if defect == NEGATIVE else _SAID[defect]
            problem = (
                f"{place}, {row.where}: the box x={x:g}, y={y:g}, w={x1 - x:g}, h={y1 - y:g} "
                f"of an image of {frame[0]}x{frame[1]} {said}"
            )
            yield Finding("warning", problem, "correct the row")


def _repeated(annotations: Sequence[Annotation], place: str) -> Iterator[Finding]:
    seen: dict[tuple[object, ...], str] = {}
    for row in annotations:
        key = (row.image_id, row.phrase, row.pathology, row.box)
        if key in seen:
            yield Finding("warning", f"{place}: {row.where} repeats {seen[key]}", "remove one of them")
        else:
            seen[key] = row.where


def _decode(paths: Mapping[str, Path]) -> dict[str, tuple[ImageSize, str] | ImageError]:
    contents: dict[str, tuple[ImageSize, str] | ImageError] = {}
    with ThreadPoolExecutor(os.cpu_count()) as pool, progress("checking images", len(paths)) as advance:
        for image, content in zip(paths, pool.map(_open, paths.values()), strict=True):
            contents[image] = content
            advance()
    return contents


def _open(path: Path) -> tuple[ImageSize, str] | ImageError:
    try:
        image = Radiograph.open(path)
    except ImageError as error:
        return error
    return image.size, image.sha256


def _problem(path: Path, error: ImageError) -> str:
    if not path.is_file():
        return f"there is no image file {path}"
    return str(error).removesuffix("; get the file again")
