"""Rows of one annotation file that do not agree with one another."""

from __future__ import annotations

from collections.abc import Sequence

from ..core.doubts import Tally
from .annotations import Annotation, by_image


def contradictions(annotations: Sequence[Annotation]) -> list[str]:
    """One sentence for each kind: images of two patients, images in train and out of it, classes by upper case.

    Args:
        annotations: All rows of the file, whatever their split.
    """
    tally = Tally()
    for image, rows in by_image(annotations).items():
        patients = list(dict.fromkeys(row.patient for row in rows if row.patient))
        if len(patients) > 1:
            tally.add("images have more than one patient_id", f"{image}: {', '.join(patients)}")
        splits = list(dict.fromkeys(row.split for row in rows if row.split))
        if "train" in splits and len(splits) > 1:
            tally.add("images are in the split train and in another one", f"{image}: {', '.join(splits)}")
    spellings: dict[str, list[str]] = {}
    for pathology in dict.fromkeys(row.pathology for row in annotations):
        spellings.setdefault(pathology.casefold(), []).append(pathology)
    for same in spellings.values():
        if len(same) > 1:
            tally.add("pathologies differ in upper and lower case alone and count as different", ", ".join(same))
    return tally.sentences()
