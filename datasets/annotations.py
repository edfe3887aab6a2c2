"""Rows of an annotation file, and the samples that they make up together with the image files."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..core import Box, DatasetError, ImageError, ImageHeader, ImageSize, Mask, Sample
from ..core.doubts import ORIENTED, Doubt, Placed, Tally, Written, frame_doubts
from ..core.mask import FARTHEST, LARGEST_MASK
from ..core.names import escaped
from ..core.regular import is_regular
from .frames import NEGATIVE, aspect_differs, fit_box, holding_frame, negative_sides
from .image_headers import image_headers
from .masks import Segmentation, union_mask
from .spellings import spellings

MISSING = "image files are missing (`groundcxr doctor` lists them)"
UNREADABLE = "image files cannot be read (`groundcxr doctor` lists them)"
RESIZED = "images are not at the annotated size, so boxes were rescaled"
BESIDE_BOXES = "phrases have boxes, and segmentations alone in other annotations: the boxes alone are the target"
OTHER_ASPECT = "images have another aspect ratio than was annotated, so boxes may be misplaced"

_LONGEST_SHOWN = 80


@dataclass(frozen=True, slots=True)
class Annotation:
    """One row of an annotation file: a phrase on an image and at most one of its boxes.

    Attributes:
        image_id: The data set's own name of the image.
        image: The image file's path, as written.
        phrase: As released, white space included.
        pathology: The class.
        box: In the pixels of `frame`; None for a phrase without a box.
        frame: (width, height) in which the box was drawn; None for the image file's own pixels.
        patient: The data set's own name of the patient.
        split: The split, where the file has one.
        where: The place in the file, for messages: "row 12".
        segmentation: The region, where it is not given as a box.
        other_image: Another path that the file has for the image; tried where the first one is none.
    """

    image_id: str
    image: str
    phrase: str
    pathology: str
    box: Box | None
    frame: ImageSize | None
    patient: str | None
    split: str | None
    where: str
    segmentation: Segmentation | None = None
    other_image: str | None = None


def number(text: object, what: str, where: str) -> float:
    """A number of pixels from a cell, finite and not absurdly large.

    Raises:
        DatasetError: That names the cell.
    """
    try:
        value = float(text)  # pyright: ignore[reportArgumentType]  # what is no number raises
    except (TypeError, ValueError):
        value = math.nan
    except OverflowError:  # a whole number of hundreds of digits
        value = 2.0 * FARTHEST
    if isinstance(text, bool) or not math.isfinite(value):
        raise DatasetError(f"{where}: {what} must be a number, got {shown(text)}")
    if abs(value) > FARTHEST:
        raise DatasetError(f"{where}: {what} must be within {FARTHEST:,} pixels, got {shown(text)}")
    return value


def text(value: object, what: str, place: str) -> str:
    """A text or a number as text; "" for none.

    Raises:
        DatasetError: If it is anything else, or has half a character (a lone surrogate), which no file can hold.
    """
    if isinstance(value, bool | list | dict):
        raise DatasetError(f"{place}: {what} must be a text, got {shown(value)}")
    written = "" if value is None else str(value)
    try:
        written.encode()
    except UnicodeEncodeError:
        raise DatasetError(
            f"{place}: {what} has half a character in it ({shown(written)}); write whole characters"
        ) from None
    return written


def shown(value: object) -> str:
    """A value as a message may show it: on one line, and not endless."""
    try:
        text = ascii(value)
    except RecursionError:
        text = "nested values"
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}..."


def frame_size(width: float, height: float, where: str) -> ImageSize:
    """An annotated image size from its two numbers.

    Raises:
        DatasetError: If one of them is less than 1, or no image is so large.
    """
    size = int(width), int(height)
    if min(size) < 1:
        raise DatasetError(f"{where}: an image's width and height must be at least 1 pixel, got {size[0]}x{size[1]}")
    if size[0] * size[1] > LARGEST_MASK:
        raise DatasetError(f"{where}: an image has at most {LARGEST_MASK:,} pixels, got {size[0]}x{size[1]}")
    return size


def by_image(annotations: Iterable[Annotation]) -> dict[str, list[Annotation]]:
    """The annotations of each image, images in the order in which they first appear."""
    images: dict[str, list[Annotation]] = {}
    for annotation in annotations:
        images.setdefault(annotation.image_id, []).append(annotation)
    return images


def build_samples(
    annotations: Sequence[Annotation],
    paths: Mapping[str, Path],
    *,
    group_by: Callable[[Annotation], Hashable],
    sample_id: Callable[[Annotation], str],
    written: Written = "sizes",
) -> tuple[list[Sample], list[str]]:
    """Samples with boxes in the image files' pixels, those of one image following one another.

    An image that is missing or unreadable keeps its samples, which fail when they are run, at the annotated size.
    Without one, its width and its height are the larger of the readable images' median and what holds its boxes: a
    frame that only just held them would let the failed samples count as hits.

    Args:
        annotations: The rows of the split, in file order.
        paths: The image file of each image id.
        group_by: Rows of one image for which this is equal are one sample; its class is that of the first row.
        sample_id: The opaque id of the sample that begins with a row.
        written: What the four numbers of boxes were read as, for doubts about them.

    Returns:
        The samples and one sentence for each kind of defect.

    Raises:
        ImageError: When not one of the images can be read; the first one's error.
    """
    images = by_image(annotations)
    headers = image_headers({image: paths[image] for image in images})
    errors = [header for header in headers.values() if isinstance(header, ImageError)]
    if images and len(errors) == len(images):
        raise errors[0]
    typical = _median_size([header.size for header in headers.values() if not isinstance(header, ImageError)])
    tally = Tally()
    samples: list[Sample] = []
    for image, rows in images.items():
        size = _settle_size(rows, paths[image], headers[image], typical, tally)
        groups: dict[Hashable, list[Annotation]] = {}
        for row in rows:
            groups.setdefault(group_by(row), []).append(row)
        for group in groups.values():
            first = group[0]
            boxes = tuple(box for row in group if (box := _fit(row, size, tally)) is not None)
            samples.append(
                Sample(
                    sample_id=sample_id(first),
                    image_id=image,
                    patient_id=first.patient,
                    image_path=paths[image],
                    phrase=first.phrase,
                    pathology=first.pathology,
                    boxes=boxes,
                    mask=_mask(group, size, tally),
                    image_size=size,
                )
            )
    sizes = {image: header.size for image, header in headers.items() if not isinstance(header, ImageError)}
    doubts = [*spellings(annotations), *doubts_about_frames(annotations, sizes, written)]
    return samples, [*map(str, doubts), *tally.sentences()]


def doubts_about_frames(
    annotations: Iterable[Annotation], sizes: Mapping[str, ImageSize], written: Written
) -> list[Doubt]:
    """What looks wrong about boxes and polygons as written; those in unknown frames are left out.

    Args:
        annotations: The rows.
        sizes: (width, height) of the image files that can be read, by image id.
        written: What the four numbers of boxes were read as.
    """
    boxes: list[Placed] = []
    polygons: list[Placed] = []
    for row in annotations:
        if (frame := row.frame or sizes.get(row.image_id)) is None:
            continue
        if row.box is not None:
            boxes.append(Placed(row.box, frame, row.where))
        elif row.segmentation is not None and (bounds := row.segmentation.bounds) is not None:
            polygons.append(Placed(bounds, frame, f"{row.where}, around its polygons"))
    return [*frame_doubts(boxes, written), *frame_doubts(polygons, "corners")]


def apart_from(samples: Iterable[Sample], others: Iterable[Sample]) -> list[Sample]:
    """The samples of patients (of images, where patients are unknown) that none of the others is of."""
    taken = {sample.patient_id or sample.image_id for sample in others}
    return [sample for sample in samples if (sample.patient_id or sample.image_id) not in taken]


def _median_size(sizes: Sequence[ImageSize]) -> ImageSize:
    if not sizes:
        return 1, 1
    widths, heights = zip(*sizes, strict=True)
    return statistics.median_high(widths), statistics.median_high(heights)


def _settle_size(
    rows: Sequence[Annotation], path: Path, read: ImageHeader | ImageError, typical: ImageSize, tally: Tally
) -> ImageSize:
    frame = next((row.frame for row in rows if row.frame is not None), None)
    if isinstance(read, ImageError):
        tally.add(UNREADABLE if is_regular(path) else MISSING, escaped(str(path)))
        return frame or holding_frame((row.box for row in rows if row.box is not None), typical)
    if frame is not None and frame != read.size:
        example = f"{path} is {read.size[0]}x{read.size[1]}, annotated {frame[0]}x{frame[1]}"
        tally.add(OTHER_ASPECT if aspect_differs(frame, read.size) else RESIZED, example)
    if read.orientation != 1:
        tally.add(ORIENTED, str(path))
    return read.size


def _mask(group: Sequence[Annotation], size: ImageSize, tally: Tally) -> Mask | None:
    """The union of the regions of a sample's rows; None where there are none."""
    regions = [
        (row.segmentation, row.segmentation.frame or row.frame or size) for row in group if row.segmentation is not None
    ]
    if regions and any(row.box is not None for row in group):
        tally.add(BESIDE_BOXES, next(row.where for row in group if row.segmentation is not None))
    return union_mask(regions, size) if regions else None


def _fit(row: Annotation, size: ImageSize, tally: Tally) -> Box | None:
    if row.box is None:
        return None
    box, defect = fit_box(row.box, row.frame or size, size)
    if defect is not None:
        tally.add(defect, f"{row.where} ({negative_sides(row.box)})" if defect == NEGATIVE else row.where)
    return box
