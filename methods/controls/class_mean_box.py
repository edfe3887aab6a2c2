"""The control that knows where each pathology usually is, and looks at nothing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...core import BOX, HEATMAP, Box, Grounding, Heatmap, Sample, bounding_box
from ..base import ControlMethod
from ..registry import register_method

GRID = 64
"""Cells of the map along each side; finer than any box of the field's data sets needs."""

ENOUGH = 5
"""Samples that a group needs before it answers in place of a wider one."""

Group = tuple[str, ...]
"""What samples share: the pathology, or the pathology and more."""


@register_method("class-mean-box")
class ClassMeanBox(ControlMethod):
    """For each pathology, how often each place lies in a box (map) and the mean box (box).

    Both are in fractions of the image. Where a sample has a mask and no box, the mask and the box around it count. A
    pathology that was never seen in training gets an empty answer.
    """

    emits = frozenset({HEATMAP, BOX})
    licence = "Apache-2.0"

    def fit(self, reference: Sequence[Sample], *, held_out: bool) -> None:
        """Average the reference samples' boxes by group; patients are left out later if they are not held out."""
        self._held_out = held_out
        self._total: dict[Group, _Mean] = defaultdict(_Mean)
        self._of_patient: dict[tuple[Group, str], _Mean] = defaultdict(_Mean)
        for sample in reference:
            place = _Place.of(sample)
            if place is None:
                continue
            for group in self.groups(sample):
                self._total[group].add(place)
                if not held_out:
                    self._of_patient[group, _patient(sample)].add(place)
        self.note = (
            f"fitted on the train split ({len(reference)} samples)"
            if held_out
            else f"fitted on the evaluated samples, leaving each sample's patient out ({len(reference)} samples)"
        )

    def groups(self, sample: Sample) -> Sequence[Group]:
        """The groups of samples whose mean may answer for this one, the closest first."""
        return [(sample.pathology,)]

    def ground_samples(self, samples: Sequence[Sample]) -> list[Grounding]:
        """The group's mean map and box, without the sample's own patient where the fit saw it."""
        return [self._answer(sample) for sample in samples]

    def _answer(self, sample: Sample) -> Grounding:
        groups = self.groups(sample)
        for group in groups:
            mean = self._total.get(group, _Mean())
            own = None if self._held_out else self._of_patient.get((group, _patient(sample)))
            count = mean.count - (own.count if own else 0)
            if count < (1 if group == groups[-1] else ENOUGH):
                continue
            occupancy = (mean.occupancy - (own.occupancy if own else 0)) / count
            corners = (mean.corners - (own.corners if own else 0)) / count
            width, height = sample.image_size
            box = Box(*np.asarray(corners).tolist()).scaled(width, height)
            return Grounding(Heatmap.whole(occupancy, sample.image_size), (box,))
        return Grounding()


def _patient(sample: Sample) -> str:
    return sample.patient_id if sample.patient_id is not None else f"image {sample.image_id}"


@dataclass(frozen=True)
class _Place:
    """Where a sample's ground truth is: the cells of the grid that it covers, and the corners of the box around it."""

    cells: NDArray[np.float64]
    corners: NDArray[np.float64]

    @classmethod
    def of(cls, sample: Sample) -> _Place | None:
        """The place of the boxes, or of the mask where there are none; None where there is neither."""
        width, height = sample.image_size
        if sample.boxes:
            unit = [box.scaled(1 / width, 1 / height) for box in sample.boxes]
            return cls(_coverage(unit), np.array(bounding_box(unit).as_tuple()))
        inside = np.zeros((1, 1), dtype=bool) if sample.mask is None else sample.mask.load()
        rows, columns = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
        if not rows.size:
            return None
        corners = np.array([columns[0] / width, rows[0] / height, (columns[-1] + 1) / width, (rows[-1] + 1) / height])
        centres = [((np.arange(GRID) + 0.5) * side / GRID).astype(np.int64) for side in inside.shape]
        return cls(inside[np.ix_(*centres)].astype(np.float64), corners)


@dataclass
class _Mean:
    """Sums over samples of coverage on the grid and of the enclosing box's corners."""

    count: int = 0
    occupancy: NDArray[np.float64] | float = 0.0
    corners: NDArray[np.float64] | float = 0.0

    def add(self, place: _Place) -> None:
        self.count += 1
        self.occupancy = self.occupancy + place.cells
        self.corners = self.corners + place.corners


def _coverage(boxes: Iterable[Box]) -> NDArray[np.float64]:
    """Which cells have their centre in a box given in fractions, `[GRID, GRID]` of 0 and 1."""
    cells = np.zeros((GRID, GRID))
    for box in boxes:
        grid_box = box.scaled(GRID, GRID)
        (x0, x1), (y0, y1) = grid_box.columns(GRID), grid_box.rows(GRID)
        cells[y0:y1, x0:x1] = 1
    return cells
