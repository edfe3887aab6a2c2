"""Rows of one annotation file that do not agree with one another."""

from __future__ import annotations

from collections.abc import Sequence

from ..core.doubts import Tally
from ..core.names import listed
from .annotations import Annotation, by_image
from .spellings import tell_alike


def contradictions(annotations: Sequence[Annotation]) -> list[str]:
    """One sentence for each kind: images of two patients or sizes, images in train and out of it, splits by upper case.

    Args:
        annotations: All rows of the file, whatever their split.
    """
    tally = Tally()
    for image, rows in by_image(annotations).items():
        patients = list(dict.fromkeys(row.patient for row in rows if row.patient))
        if len(patients) > 1:
            tally.add("images have more than one patient_id", f"{image}: {listed(patients)}")
        frames = list(dict.fromkeys(row.frame for row in rows if row.frame))
        if len(frames) > 1:
            sizes = " and ".join(f"{width}x{height}" for width, height in frames)
            tally.add("images are annotated at more than one size", f"{image}: {sizes}")
        splits = list(dict.fromkeys(row.split for row in rows if row.split))
        if "train" in splits and len(splits) > 1:
            tally.add("images are in the split train and in another one", f"{image}: {listed(splits)}")
    tell_alike("splits", (row.split for row in annotations if row.split), tally, case=True)
    return tally.sentences()
