"""Boxes on images of which no file says the annotated size: the image file's own pixels must be meant."""

from __future__ import annotations

from collections.abc import Sequence

from ..core import DICOM_SUFFIXES, DatasetError, Sample
from ..core.doubts import Tally
from .annotations import Annotation

OWN = "images are not DICOM files and no file says their annotated size, so boxes are taken as in their own pixels"

_FEW = 0.01
"""Share of boxes that stick out of the images that they were drawn on; of VinDr-CXR's it is a thousandth."""
_ROUNDING = 1.0
"""Pixels by which a box may stick out of an image all the same."""


def refuse_copies(annotations: Sequence[Annotation], samples: Sequence[Sample], step: str) -> list[str]:
    """Refuse copies of another size than was annotated, where boxes tell.

    Args:
        annotations: The rows of some samples; those with a frame, and those on DICOM files, are passed over.
        samples: The samples.
        step: What says the annotated size, for the message.

    Returns:
        One sentence if there are images whose pixels cannot be compared with an annotated size.

    Raises:
        DatasetError: If more than a few boxes stick out of such images.
    """
    seen = {sample.image_id: (sample.image_path, sample.image_size) for sample in samples}
    tally = Tally()
    told: set[str] = set()
    outside: list[str] = []
    n_boxes = 0
    for row in annotations:
        path, (width, height) = seen[row.image_id]
        if row.box is None or row.frame is not None or path.suffix.lower() in DICOM_SUFFIXES:
            continue
        n_boxes += 1
        if row.box.x1 > width + _ROUNDING or row.box.y1 > height + _ROUNDING:
            outside.append(f"{row.where} reaches to ({row.box.x1:g}, {row.box.y1:g}), and {path} is {width}x{height}")
        if row.image_id not in told:
            told.add(row.image_id)
            tally.add(OWN, f"{path} ({width}x{height})")
    if len(outside) > _FEW * n_boxes:
        raise DatasetError(
            f"the images are copies of another size than was annotated: {len(outside):,} of {n_boxes:,} boxes stick "
            f"out of them, for example {outside[0]}; {step}"
        )
    return tally.sentences()
