"""The samples that the rows of an annotation file make up together with the image files."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from ..core import Box, DatasetError, ImageError, ImageHeader, ImageSize, Mask, Sample
from ..core.doubts import ORIENTED, Doubt, Placed, Tally, Written, frame_doubts
from ..core.names import escaped
from ..core.regular import is_regular
from .annotations import Annotation, by_image
from .frames import NEGATIVE, aspect_differs, fit_box, holding_frame, negative_sides, other_frame
from .ids import opaque_id
from .image_headers import image_headers
from .masks import union_mask
from .spellings import spellings

MISSING = "image files are missing (`groundcxr doctor` lists them)"
UNREADABLE = "image files cannot be read (`groundcxr doctor` lists them)"
RESIZED = "images are not at the annotated size, so boxes were rescaled"
BESIDE_BOXES = "phrases have boxes, and segmentations alone in other annotations: the boxes alone are the target"
TWICE = "phrases have the same box more than once, and each counts where boxes are paired one to one"
OTHER_ASPECT = "images have another aspect ratio than was annotated, so boxes may be misplaced"


def build_samples(
    annotations: Sequence[Annotation],
    paths: Mapping[str, Path],
    *,
    group_by: Callable[[Annotation], tuple[str, ...]],
    salt: str = "",
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
        salt: What keys the ids of samples, which are of the image and of what is grouped by.
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
        groups: dict[tuple[str, ...], list[Annotation]] = {}
        for row in rows:
            groups.setdefault(group_by(row), []).append(row)
        for key, group in groups.items():
            first = group[0]
            boxes = tuple(box for row in group if (box := _fit(row, size, tally)) is not None)
            if len(set(boxes)) < len(boxes):
                tally.add(TWICE, f"the phrase of {first.where}")
            samples.append(
                Sample(
                    sample_id=opaque_id(salt, image, *key),
                    image_id=image,
                    patient_id=first.patient,
                    image_path=paths[image],
                    phrase=first.phrase,
                    pathology=first.pathology,
                    boxes=boxes,
                    mask=_mask(group, size, tally),
                    image_size=size,
                    negative=first.negative,
                )
            )
    sizes = {image: header.size for image, header in headers.items() if not isinstance(header, ImageError)}
    doubts = [*spellings(annotations), *doubts_about_frames(annotations, sizes, written)]
    return samples, [*map(str, doubts), *tally.sentences()]


def none_readable(
    what: str, rows: Iterable[Annotation], paths: Mapping[str, Path], error: ImageError, step: str
) -> DatasetError:
    """The error for images of a release of which not one can be read.

    Args:
        what: The images, for the message.
        rows: Their rows.
        paths: The image file of each image id.
        error: The first one's.
        step: How the data set is got, which helps where no file is there.
    """
    is_there = any(is_regular(paths[row.image_id]) for row in rows)
    return DatasetError(f"none of {what} can be read: {error}{'' if is_there else f'; {step}'}")


def doubts_about_frames(
    annotations: Iterable[Annotation], sizes: Mapping[str, ImageSize], written: Written
) -> list[Doubt]:
    """What looks wrong about boxes and polygons as written; those in unknown frames or in fractions are left out.

    Args:
        annotations: The rows.
        sizes: (width, height) of the image files that can be read, by image id.
        written: What the four numbers of boxes were read as.
    """
    boxes: list[Placed] = []
    polygons: list[Placed] = []
    for row in annotations:
        frame = row.frame or sizes.get(row.image_id)
        if frame is None or row.fractions:
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
    frames = [row.frame for row in rows if row.frame is not None]
    if isinstance(read, ImageError):
        tally.add(UNREADABLE if is_regular(path) else MISSING, escaped(str(path)))
        return frames[0] if frames else holding_frame((row.box for row in rows if row.box is not None), typical)
    frame = other_frame(frames, read.size)
    if frame is not None:
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
    box, defect = fit_box(row.box, row.frame_in(size), size)
    if defect is not None:
        tally.add(defect, f"{row.where} ({negative_sides(row.box)})" if defect == NEGATIVE else row.where)
    return box
