"""Negatives: phrases about findings that an image is known not to show, for data sets whose labels are complete."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace
from heapq import nsmallest
from typing import Any, Literal

from ..core import DatasetError
from ..core.fingerprint import digest
from ..core.pathologies import NAMELESS, common_name, implied
from .annotations import Annotation
from .base import GroundingDataset
from .phrases import PhraseTemplate

RELEASED = "released"


def read_negatives(dataset: type[GroundingDataset], value: Any) -> int | Literal["released"]:
    """The option `negatives` of a data set: how many are drawn for each image, or "released".

    Args:
        dataset: The data set, which says what it can give.
        value: As the user wrote it.

    Raises:
        DatasetError: If it is neither, or the data set cannot give it.
    """
    name = dataset.name
    own = f"; its own are loaded with negatives={RELEASED}" if dataset.releases_negatives else ""
    if value == RELEASED:
        if dataset.releases_negatives:
            return RELEASED
        draw = "write a number such as negatives=1 to draw some" if dataset.exhaustive else "leave the option out"
        raise DatasetError(f"the data set {name!r} releases no negative phrases; {draw}")
    text = str(value).strip()
    if not (text.isascii() and text.isdigit()):
        raise DatasetError(
            f"the option negatives={value!a} of the data set {name!r} must be a whole number, of phrases for each "
            f"image about what it does not show{own}"
        )
    count = int(text)
    if count and not dataset.exhaustive:
        raise DatasetError(
            f"the data set {name!r} does not label all that an image shows, so no phrase about what was not annotated "
            f"is known to be wrong and negatives={count} cannot be drawn{own or '; leave the option out'}"
        )
    return count


def negative_rows(
    images: Iterable[tuple[Annotation, Collection[str]]],
    classes: Collection[str],
    count: int,
    phrases: PhraseTemplate,
) -> list[Annotation]:
    """Rows of negatives, to be built into samples with the rows of the annotation file.

    Args:
        images: Of each image once: any row that names its file, and the classes that it has. Images without any class
            are among them.
        classes: All that every image was labelled for.
        count: How many for each image; fewer where it does not lack so many.
        phrases: How a phrase is made.
    """
    return [
        replace(row, phrase=phrases.fill(pathology), pathology=pathology, box=None, segmentation=None, negative=True)
        for row, present in images
        for pathology in draw_absent(row.image_id, present, classes, count)
    ]


def draw_absent(image_id: str, present: Iterable[str], classes: Iterable[str], count: int) -> list[str]:
    """The classes that negatives of an image are about.

    A class is not drawn that goes by another spelling of one that the image has, or that one of these is a kind of:
    where there is pneumonia, a phrase about a lung opacity is right.

    Args:
        image_id: The data set's own name of the image: a draw depends on it and on the class, so that it is the same
            with any order of rows, secret and template, and that of a larger count begins with that of a smaller one.
        present: The classes that the image has.
        classes: All that it was labelled for.
        count: How many at most.
    """
    here = set(present)
    shown = implied(here) | NAMELESS
    absent = [name for name in dict.fromkeys(classes) if name not in here and common_name(name) not in shown]
    return nsmallest(count, absent, key=lambda name: digest("negative", image_id, name))
