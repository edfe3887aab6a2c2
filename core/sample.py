"""One image, one phrase, and where the phrase is."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from .box import Box, ImageSize
from .mask import Mask


@dataclass(frozen=True, slots=True)
class Sample:
    """One image, one phrase and its ground truth, as a data set gives it.

    Attributes:
        sample_id: Stable and opaque (a hash), safe to publish.
        image_id: The data set's own name of the image.
        patient_id: The data set's own name of the patient, None where it has none.
        image_path: The image file.
        phrase: The text to ground, as released.
        pathology: The class that the sample is averaged into.
        boxes: Ground-truth boxes in original-image pixels, clipped to the image; may be empty.
        mask: Ground-truth region, where the data set has one.
        image_size: (width, height) of the image file.
        side: "left", "right" or "bilateral" (the patient's), where the data set knows it.
        zone: "upper", "mid" or "lower", where the data set knows it.
        negative: Whether the image is known not to show what the phrase says: there is nothing to mark, by right and
            not for lack of an annotation. No method is told.
    """

    sample_id: str
    image_id: str
    patient_id: str | None
    image_path: Path
    phrase: str
    pathology: str
    boxes: tuple[Box, ...]
    mask: Mask | None
    image_size: ImageSize
    side: str | None = None
    zone: str | None = None
    negative: bool = False
