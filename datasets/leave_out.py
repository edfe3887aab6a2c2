"""Whose images must not be trained on: the patients and images of data sets that a method is to be tested on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..core import DatasetError, Sample
from ..core.paths import user_path
from .loading import load_dataset
from .ms_cxr_rows import read_annotations
from .physionet import find_release


@dataclass(frozen=True)
class LeftOut:
    """Patients and images of data sets.

    Attributes:
        patients: Their patients' names.
        images: Their images' names, without folder and suffix.
    """

    patients: frozenset[str] = frozenset()
    images: frozenset[str] = frozenset()

    def holds(self, patient: str | None, image: str) -> bool:
        """Whether a patient or an image is among them.

        Args:
            patient: As a data set names it, "p10000032" and "10000032" alike; None where it is not known.
            image: The name of the image file, with or without folder and suffix.
        """
        return (patient is not None and _patient(patient) in self.patients) or Path(image).stem in self.images

    def without(self, samples: Iterable[Sample]) -> list[Sample]:
        """The samples of other patients and images."""
        return [one for one in samples if not self.holds(one.patient_id, one.image_path.name)]


def left_out(specs: Sequence[str]) -> LeftOut:
    """What `--leave-out NAME:ROOT` names.

    Of MS-CXR the annotation file is enough; of other data sets the images must be there too.

    Args:
        specs: Each a data set's name and its folder or file, as "ms-cxr:ROOT".

    Raises:
        DatasetError: If one names no data set with its place, or cannot be loaded.
    """
    patients: set[str] = set()
    images: set[str] = set()
    for spec in specs:
        name, colon, place = spec.partition(":")
        if not colon or not place:
            raise DatasetError(f"--leave-out {spec} does not fit: write NAME:ROOT, such as ms-cxr:/data/ms-cxr")
        root = user_path(place).absolute()
        if name == "ms-cxr":
            rows = read_annotations(find_release(root).annotation)
            named = [(row.patient, row.image_id) for row in rows]
        else:
            named = [(one.patient_id, one.image_path.name) for one in load_dataset(name, root, "all")]
        patients.update(_patient(patient) for patient, _ in named if patient)
        images.update(Path(image).stem for _, image in named)
    return LeftOut(frozenset(patients), frozenset(images))


def _patient(name: str) -> str:
    """A patient's name; of MIMIC-CXR's the number, which files write with and without a "p"."""
    text = name.strip()
    return text[1:] if text[:1] in "pP" and text[1:].isdecimal() else text
