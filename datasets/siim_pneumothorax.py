"""SIIM-ACR Pneumothorax Segmentation: masks on 2,669 of 12,047 images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from ..core import DatasetError
from ..core.doubts import Tally
from .annotations import Annotation, shown
from .nih_boxes import FRAME
from .phrases import PhraseTemplate
from .registry import DATASETS
from .release import ImageRecord, Release
from .released import ReleasedDataset
from .segmentations import region_of_runs
from .tables import read_table

PNEUMOTHORAX = "Pneumothorax"
ABSOLUTE = (
    "the run-length codes are of absolute starts, counted from 1, and not of distances to the run before, as released"
)

_NONE = "-1"
_PIXELS = FRAME[0] * FRAME[1]
_FILES = {"stage 2": r"stage_2_train(?!_).*\.csv", "masks": r"train-rle(?!-sample).*\.csv"}


@DATASETS.register("siim-pneumothorax")
class SIIMPneumothorax(ReleasedDataset):
    """SIIM and ACR's Kaggle challenge of 2019: masks of pneumothoraces; images of the code -1 are negatives.

    Its images are a part of NIH's ChestX-ray14. Whose they are is not released.
    """

    name = "siim-pneumothorax"
    title = "SIIM-ACR Pneumothorax"
    credentialed: ClassVar[bool] = False
    licence: ClassVar[str] = "the challenge's rules (non-commercial use)"
    citation: ClassVar[str] = """@misc{siim2019pneumothorax,
  title        = {{SIIM-ACR} Pneumothorax Segmentation},
  author       = {{Society for Imaging Informatics in Medicine} and {American College of Radiology}},
  howpublished = {Kaggle},
  year         = {2019},
  note         = {https://www.kaggle.com/c/siim-acr-pneumothorax-segmentation}
}"""
    classes = (PNEUMOTHORAX,)
    suffixes = (".dcm", ".dicom", ".png", ".jpg", ".jpeg")
    named = "ImageId"
    get = (
        "download SIIM-ACR Pneumothorax Segmentation (train-rle.csv or stage_2_train.csv, and the DICOM files of its "
        "training images) from Kaggle, unpack it, and give its folder as --root"
    )

    @classmethod
    def read(cls, root: Path | None, template: PhraseTemplate) -> Release:  # pyright: ignore[reportIncompatibleMethodOverride]
        """The masks, several rows of an image together; images of the code -1 are known not to have the class."""
        root, files = cls.find(root, _FILES, _FILES, "train-rle.csv or stage_2_train.csv")
        place = files.get("stage 2") or files["masks"]
        codes: dict[int, tuple[str, NDArray[np.int64]]] = {}
        empty: dict[str, str] = {}
        images: dict[str, None] = {}
        n_rows = 0
        for index, cells in read_table(place, ("imageid", "encodedpixels"), step=cls.get):
            n_rows += 1
            image, code = cells["imageid"].strip(), cells["encodedpixels"].strip()
            if not image:
                raise DatasetError(f"{place}, row {index}: ImageId is empty")
            images[image] = None
            if code == _NONE:
                empty[image] = f"row {index}"
            else:
                codes[index] = image, _numbers(code, f"{place}, row {index}")
        runs, said = _runs(codes, place)
        annotations = [_annotation(index, image, runs[index], template) for index, (image, _) in codes.items()]
        positive = {row.image_id for row in annotations}
        return Release(
            root=root,
            place=place,
            version="2019",
            annotations=annotations,
            images={
                image: ImageRecord(
                    f"dicom-images-train/{image}.dcm", absent=() if image in positive else (PNEUMOTHORAX,)
                )
                for image in images
            },
            counts={
                "rows": n_rows,
                "images": len(images),
                "images with a mask": len(positive),
                "masks": len(annotations),
            },
            published={"rows": 12_954, "images": 12_047, "images with a mask": 2669, "masks": 3576},
            said=[*said, *_both(empty, positive)],
        )


def _numbers(code: str, place: str) -> NDArray[np.int64]:
    try:
        numbers = np.array([int(part) for part in code.split()], dtype=np.int64)
    except (ValueError, OverflowError):
        numbers = np.zeros(0, dtype=np.int64)
    if not numbers.size or numbers.size % 2 or not _are_pairs(numbers):
        raise DatasetError(
            f"{place}: EncodedPixels must be {_NONE} or pairs of a start and a length within {FRAME[0]}x{FRAME[1]} "
            f"pixels, got {shown(code)}"
        )
    return numbers


def _are_pairs(numbers: NDArray[np.int64]) -> bool:
    return bool((numbers >= 0).all() and (numbers <= _PIXELS).all() and (numbers[1::2] > 0).all())


def _runs(
    codes: Mapping[int, tuple[str, NDArray[np.int64]]], place: Path
) -> tuple[dict[int, NDArray[np.int64]], Sequence[str]]:
    """The runs of each row, outside and inside in turn, column by column; and what was taken for what.

    As released, a start is the distance from the end of the run before. Kaggle's other challenges count starts from the
    image's first pixel, which is 1: that a file does so is seen where the numbers of a row, added up, are more than the
    image's pixels.
    """
    too_many = next((index for index, (_, numbers) in codes.items() if numbers.sum() > _PIXELS), None)
    if too_many is None:
        relative, said = {index: numbers for index, (_, numbers) in codes.items()}, []
    else:
        relative, said = {index: _from_absolute(numbers) for index, (_, numbers) in codes.items()}, [ABSOLUTE]
    for index, numbers in relative.items():
        if (numbers < 0).any() or numbers.sum() > _PIXELS:
            raise DatasetError(
                f"{place}, row {index if too_many is None else too_many}: EncodedPixels covers more than the "
                f"{FRAME[0]}x{FRAME[1]} pixels of an image; get {place.name} as it was released"
            )
    return {index: np.append(numbers, _PIXELS - numbers.sum()) for index, numbers in relative.items()}, said


def _from_absolute(numbers: NDArray[np.int64]) -> NDArray[np.int64]:
    """Runs of absolute starts, counted from 1, as distances; negative where they overlap or are in no order."""
    starts, lengths = numbers[::2] - 1, numbers[1::2]
    ends = np.concatenate([[0], (starts + lengths)[:-1]])
    return np.stack([starts - ends, lengths], axis=1).reshape(-1)


def _annotation(index: int, image: str, runs: NDArray[np.int64], template: PhraseTemplate) -> Annotation:
    return Annotation(
        image_id=image,
        image=image,
        phrase=template.fill(PNEUMOTHORAX),
        pathology=PNEUMOTHORAX,
        box=None,
        frame=FRAME,
        patient=None,
        split=None,
        where=f"row {index}",
        segmentation=region_of_runs(runs, FRAME),
    )


def _both(empty: Mapping[str, str], positive: set[str]) -> list[str]:
    tally = Tally()
    for image, where in empty.items():
        if image in positive:
            tally.add(f"images have a mask and the code {_NONE}: the mask counts", f"{where}: {image}")
    return tally.sentences()
