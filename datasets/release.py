"""The annotations of a data set as it was released: what a reader of its files hands on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ..core.doubts import Written
from .annotations import Annotation


@dataclass(frozen=True)
class ImageRecord:
    """An image of a release, whether or not anything is annotated on it.

    Attributes:
        path: Where the release has it, relative to some folder.
        patient: The data set's own name of the patient; None where it is not released.
        split: The split, where there are any.
        absent: Classes that the labels say are not in it, from labels that are exhaustive.
    """

    path: str
    patient: str | None = None
    split: str | None = None
    absent: tuple[str, ...] = ()


@dataclass(frozen=True)
class Release:
    """The annotations of a release as read.

    Attributes:
        root: The folder below which its files and images are.
        place: The annotation file, for messages.
        version: Of the release.
        annotations: A row for each box or region, of all splits.
        images: All images that the files name, by id.
        counts: How many of what there are.
        published: How many of what there should be.
        written: What the four numbers of boxes were written as.
        said: What else the user should know, a sentence each.
        second: What another reader marked, in rows of the same images, phrases and classes; None where there is none.
            A split of which no row is among them was not read again.
    """

    root: Path
    place: Path
    version: str
    annotations: Sequence[Annotation]
    images: Mapping[str, ImageRecord]
    counts: Mapping[str, int] = field(default_factory=dict)
    published: Mapping[str, int] = field(default_factory=dict)
    written: Written = "sizes"
    said: Sequence[str] = ()
    second: Sequence[Annotation] | None = None
