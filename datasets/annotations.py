"""Rows of an annotation file, whatever its format."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from ..core import Box, DatasetError, ImageSize
from ..core.mask import FARTHEST, LARGEST_MASK
from .masks import Segmentation

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
        negative: Whether the image is known not to show what the phrase says.
        fractions: Whether the box is in fractions of the image's width and height, whatever its size; without `frame`.
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
    negative: bool = False
    fractions: bool = False

    def frame_in(self, size: ImageSize) -> ImageSize:
        """The size of which the box's numbers are, on an image file of a size."""
        return (1, 1) if self.fractions else self.frame or size


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
