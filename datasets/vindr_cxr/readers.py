"""Whose boxes of VinDr-CXR's training images count, where three radiologists drew on each."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

from ...core import Box, DatasetError, unknown_name
from ..annotations import shown
from ..fusion import fuse, iou
from .rows import Drawn

ANY, FUSED, VILOURAS2024 = "any", "fused", "vilouras2024"
FUSE_IOU = 0.4
"""Above which two readers' boxes are fused; others in the field take .1."""

VILOURAS2024_PHRASES = "The patient has {class}"
VILOURAS2024_CLASSES = (
    "Lung Opacity",
    "Cardiomegaly",
    "Pleural effusion",
    "Pneumothorax",
    "Consolidation",
    "Atelectasis",
    "Edema",
    "Pneumonia",
)

_PNEUMONIA = "Pneumonia"
_TAKEN_FOR_PNEUMONIA = ("ILD", "Infiltration")
_SAME = 0.55
"""Intersection over union from which on the smaller of two boxes is left out."""


@dataclass(frozen=True)
class Readers:
    """The choice.

    Attributes:
        who: "any", "fused" or a reader's id; boxes of a consensus count with each.
        fuse_iou: Above which intersection over union boxes are fused.
    """

    who: str
    fuse_iou: float

    @classmethod
    def of(cls, who: str, fuse_iou: float, drawn: Iterable[Drawn]) -> Readers:
        """The choice that a user wrote.

        Raises:
            UnknownNameError: If there is no such reader.
        """
        known = sorted({one.reader for one in drawn if one.reader}, key=lambda reader: (len(reader), reader))
        if who not in (ANY, FUSED, *known):
            raise unknown_name("reader of vindr-cxr", who, [ANY, FUSED, VILOURAS2024, *known])
        return cls(who, fuse_iou)

    def chosen(self, drawn: Sequence[Drawn]) -> list[Drawn]:
        """The boxes that count, each image's in a place."""
        if self.who == ANY:
            return list(drawn)
        if self.who == FUSED:
            return [
                *self._fused(one for one in drawn if one.reader is not None),
                *(one for one in drawn if not one.reader),
            ]
        return [one for one in drawn if one.reader in (None, self.who)]

    def second(self, drawn: Iterable[Drawn], readers: Mapping[str, Collection[str]]) -> list[Drawn] | None:
        """What the others drew on the images of a single reader, fused; None without one, or where he alone has read.

        Args:
            drawn: All boxes.
            readers: Who has read an image.
        """
        mine = {image for image, who in readers.items() if self.who in who}
        if not mine or any(len(readers[image]) < 2 for image in mine):
            return None
        return self._fused(one for one in drawn if one.reader not in (None, self.who) and one.image in mine)

    def _fused(self, drawn: Iterable[Drawn]) -> list[Drawn]:
        fused: list[Drawn] = []
        for group in _of_one_finding(drawn):
            # In whatever order a file has them, the same comes out.
            names = sorted({str(one.reader) for one in group})
            boxes = [
                sorted((one.box for one in group if one.reader == name), key=lambda box: box.as_tuple())
                for name in names
            ]
            fused += [replace(group[0], reader=FUSED, box=box) for box in fuse(boxes, self.fuse_iou)]
        return fused


def read_fuse_iou(value: Any) -> float:
    """The option `fuse_iou`.

    Raises:
        DatasetError: If it is no number from 0 to 1.
    """
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = -1.0
    if isinstance(value, bool) or not 0 <= number <= 1:
        raise DatasetError(f"the option fuse_iou={shown(value)} must be a number from 0 to 1")
    return number


def as_vilouras2024(drawn: Sequence[Drawn], labelled: Mapping[str, Set[str]], unlabelled: Sequence[str]) -> list[Drawn]:
    """The boxes that the public code of the diffusion paper takes (arXiv:2404.12920, data/vindr_cxr.py).

    Its eight classes, and as Pneumonia the boxes of ILD and Infiltration on images of which a label of the whole image
    has one of the eight. Of two boxes of one class on one training image that overlap by an intersection over union of
    .55 or more, the smaller is left out. Corners are cut to whole pixels.

    Args:
        drawn: All boxes, in file order.
        labelled: The findings that a label of the whole image says are there.
        unlabelled: Splits of which there are no such labels.

    Raises:
        DatasetError: If there are no labels of whole images.
    """
    if unlabelled:
        raise DatasetError(
            f"readers={VILOURAS2024} needs PhysioNet's image_labels_{unlabelled[0]}.csv, which is not there: "
            "the labels say where ILD and Infiltration count as Pneumonia; put it beside the annotations, or choose "
            "other readers"
        )
    of_the_eight = {image for image, names in labelled.items() if not names.isdisjoint(VILOURAS2024_CLASSES)}
    kept: list[Drawn] = []
    for one in drawn:
        if one.finding in VILOURAS2024_CLASSES:
            kept.append(one)
        elif one.finding in _TAKEN_FOR_PNEUMONIA and one.image in of_the_eight:
            kept.append(replace(one, finding=_PNEUMONIA))
    return [replace(one, box=_whole(one.box)) for group in _of_one_finding(kept) for one in _without_repeats(group)]


def absent_for_vilouras2024(names: Collection[str]) -> tuple[str, ...]:
    """The paper's classes that an image lacks, of all that it lacks; Pneumonia with all that is taken for it."""
    return tuple(
        name
        for name in VILOURAS2024_CLASSES
        if name in names and (name != _PNEUMONIA or set(_TAKEN_FOR_PNEUMONIA) <= set(names))
    )


def _of_one_finding(drawn: Iterable[Drawn]) -> Iterable[list[Drawn]]:
    """The boxes of each image and finding, in the order in which they first appear."""
    groups: dict[tuple[str, str], list[Drawn]] = {}
    for one in drawn:
        groups.setdefault((one.image, one.finding), []).append(one)
    return groups.values()


def _without_repeats(group: Sequence[Drawn]) -> list[Drawn]:
    if group[0].split != "train":
        return list(group)
    left_out: set[int] = set()
    for pair in combinations(range(len(group)), 2):
        boxes = [group[place].box for place in pair]
        if iou(*boxes) >= _SAME:
            left_out.add(min(pair, key=lambda place: group[place].box.area))
    return [one for place, one in enumerate(group) if place not in left_out]


def _whole(box: Box) -> Box:
    return Box(*[float(int(side)) for side in box.as_tuple()])
