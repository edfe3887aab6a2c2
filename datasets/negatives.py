"""Negatives: phrases about findings that an image is known not to show, for data sets whose labels are complete."""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from heapq import nsmallest
from typing import Any, Literal, TypeVar

from ..core import DatasetError, ImageError, Sample
from ..core.doubts import Tally
from ..core.fingerprint import digest
from ..core.names import escaped
from ..core.pathologies import NAMELESS, common_name, implied
from .annotations import shown
from .base import Absence, GroundingDataset
from .image_headers import image_headers

NEGATIVES = "negatives"
RELEASED = "released"

UNREADABLE = "images that negatives are about cannot be read, so these are left out"

_DIGITS = 9
"""Of a number of negatives; no data set has so many classes."""

D = TypeVar("D", bound=GroundingDataset)


def read_negatives(dataset: type[GroundingDataset], value: Any) -> int | Literal["released"]:
    """The option `negatives` of any data set: how many are drawn for each image, or "released".

    Args:
        dataset: The data set; one that has negatives of its own takes the option in its `load`.
        value: As the user wrote it.

    Raises:
        DatasetError: If it is neither, or the data set has no negatives of its own.
    """
    has_own = _has_own(dataset)
    text = str(value).strip()
    if text == RELEASED:
        if has_own:
            return RELEASED
        raise DatasetError(
            f"the data set {dataset.name!r} releases no negative phrases; leave the option out, or write a number such "
            "as negatives=1, which draws them where labels say what an image does not show"
        )
    if not (text.isascii() and text.isdigit() and len(text) <= _DIGITS):
        own = f", or {RELEASED!r}" if has_own else ""
        raise DatasetError(
            f"the option negatives={shown(value)} of the data set {dataset.name!r} must be a whole number{own}: how "
            "many phrases to add for each image about what it does not show"
        )
    return int(text)


def add_negatives(dataset: D, count: int) -> D:
    """The data set with negatives added, each after its image's own samples, those of other images at the end.

    Args:
        dataset: A loaded split.
        count: How many for each image; fewer where its labels do not exclude so many classes.

    Raises:
        DatasetError: If the data set knows of no image what it does not show.
    """
    if not dataset.absent:
        step = f"take its own with negatives={RELEASED}" if _has_own(type(dataset)) else "leave the option out"
        raise DatasetError(
            f"the labels of the data set {dataset.name!r} (split {dataset.split!r}) do not say what an image does not "
            f"show, and what was not annotated may be there, so negatives={count} cannot be drawn; {step}"
        )
    of_image: dict[str, list[Sample]] = {}
    for sample in dataset:
        of_image.setdefault(sample.image_id, []).append(sample)
    labelled = list(dict.fromkeys([*dataset.pathologies, *(name for one in dataset.absent for name in one.classes)]))
    present = {image_id: [sample.pathology for sample in mine] for image_id, mine in of_image.items()}
    drawn = {
        one: names
        for one in dataset.absent
        if (names := draw_absent(one, present.get(one.image_id, ()), labelled, count))
    }
    unseen = {one.image_id: one.image_path for one in drawn if one.image_id not in of_image}
    headers, tally = image_headers(unseen), Tally()
    for one, names in drawn.items():
        header = headers.get(one.image_id)
        if isinstance(header, ImageError):
            tally.add(UNREADABLE, escaped(str(one.image_path)))
            continue
        size = of_image[one.image_id][0].image_size if header is None else header.size
        own = of_image.setdefault(one.image_id, [])
        own += [
            Sample(
                sample_id=dataset.opaque("negative", one.image_id, phrase, name),
                image_id=one.image_id,
                patient_id=one.patient_id,
                image_path=one.image_path,
                phrase=phrase,
                pathology=name,
                boxes=(),
                mask=None,
                image_size=size,
                negative=True,
            )
            for name in names
            for phrase in [dataset.phrase_of_absent(one.image_id, name)]
        ]
    found = dataset.with_samples((sample for mine in of_image.values() for sample in mine), **{NEGATIVES: count})
    found.warnings = (*dataset.warnings, *tally.sentences())
    return found


def draw_absent(absence: Absence, present: Iterable[str], labelled: Iterable[str], count: int) -> list[str]:
    """The classes that negatives of an image are about.

    A class is not drawn that is another spelling of one that the image may have, or that one of these is a kind of:
    where there is pneumonia, a phrase about a lung opacity is right.

    Args:
        absence: The image. A draw depends on its name and the class alone, so that it is the same with any order of
            rows, secret and template, and that of a larger count begins with that of a smaller one.
        present: The classes of the image's own samples.
        labelled: All classes of the data set; those that the image is not known to lack it may have.
        count: How many at most.
    """
    lacking = {common_name(name) for name in absence.classes}
    shown = NAMELESS | implied([*present, *(name for name in labelled if common_name(name) not in lacking)])
    absent = [name for name in dict.fromkeys(absence.classes) if common_name(name) not in shown]
    return nsmallest(count, absent, key=lambda name: digest("negative", absence.image_id, name))


def _has_own(dataset: type[GroundingDataset]) -> bool:
    return NEGATIVES in inspect.signature(dataset.load).parameters
