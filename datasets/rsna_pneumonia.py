"""RSNA Pneumonia Detection Challenge, stage 2: boxes around lung opacities on 6,012 of 26,684 images."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from ..core import Box, DatasetError
from ..core.doubts import Tally
from .annotations import Annotation, number, shown
from .nih_boxes import FRAME
from .phrases import PhraseTemplate
from .registry import DATASETS
from .release import ImageRecord, Release
from .released import ReleasedDataset
from .tables import read_table

OPACITY = "Lung Opacity"

_SIDES = ("x", "y", "width", "height")
_TARGETS = {"0": False, "1": True, "0.0": False, "1.0": True}


@DATASETS.register("rsna-pneumonia")
class RSNAPneumonia(ReleasedDataset):
    """RSNA's Kaggle challenge of 2018, stage 2: opacities suspicious for pneumonia; images without any are negatives.

    Its images are a part of NIH's ChestX-ray14. Whose they are is not released: `patientId` names an image.
    """

    name = "rsna-pneumonia"
    title = "RSNA Pneumonia"
    credentialed: ClassVar[bool] = False
    licence: ClassVar[str] = "academic and other use with attribution, as the challenge's rules say"
    citation: ClassVar[str] = """@article{shih2019augmenting,
  title   = {Augmenting the {National Institutes of Health} Chest Radiograph Dataset with Expert Annotations of Possible
             Pneumonia},
  author  = {Shih, George and Wu, Carol C. and Halabi, Safwan S. and Kohli, Marc D. and Prevedello, Luciano M. and
             Cook, Tessa S. and Sharma, Arjun and Amorosa, Judith K. and Arteaga, Veronica and Galperin-Aizenberg, Maya
             and Gill, Ritu R. and Godoy, Myrna C. B. and Hobbs, Stephen and Jeudy, Jean and Laroia, Archana and
             Shah, Palmi N. and Vummidi, Dharshan and Yaddanapudi, Kavitha and Stein, Anouk},
  journal = {Radiology: Artificial Intelligence},
  volume  = {1},
  number  = {1},
  pages   = {e180041},
  year    = {2019}
}"""
    classes = (OPACITY,)
    suffixes = (".dcm", ".dicom", ".png", ".jpg", ".jpeg")
    named = "patientId"
    get = (
        "download stage 2 of the challenge (`kaggle competitions download -c rsna-pneumonia-detection-challenge`), "
        "unpack it, and give its folder as --root"
    )

    @classmethod
    def read(cls, root: Path | None, template: PhraseTemplate) -> Release:  # pyright: ignore[reportIncompatibleMethodOverride]
        """The boxes; images without one are known not to have the class."""
        name = "stage_2_train_labels.csv"
        root, files = cls.find(root, {name: r"stage_2_train_labels.*\.csv"}, [name], name)
        place = files[name]
        annotations: list[Annotation] = []
        targets: dict[str, set[bool]] = {}
        for index, cells in read_table(place, ("patientid", *_SIDES, "target"), step=cls.get):
            row = _annotation(index, cells, place, template)
            if row.box is not None:
                annotations.append(row)
            targets.setdefault(row.image_id, set()).add(row.box is not None)
        tally = Tally()
        for image, said in targets.items():
            if len(said) > 1:
                tally.add("images have rows of Target 0 and of Target 1: the boxes count", image)
        return Release(
            root=root,
            place=place,
            version="stage 2",
            annotations=annotations,
            images={
                image: ImageRecord(f"stage_2_train_images/{image}.dcm", absent=() if True in said else (OPACITY,))
                for image, said in targets.items()
            },
            counts={
                "images": len(targets),
                "images with a box": len({row.image_id for row in annotations}),
                "boxes": len(annotations),
            },
            published={"images": 26_684, "images with a box": 6012, "boxes": 9555},
            said=tally.sentences(),
        )


def _annotation(index: int, cells: dict[str, str], path: Path, template: PhraseTemplate) -> Annotation:
    where = f"row {index}"
    place = f"{path}, {where}"
    image = cells["patientid"].strip()
    target = _TARGETS.get(cells["target"].strip())
    if not image:
        raise DatasetError(f"{place}: patientId is empty")
    if target is None:
        raise DatasetError(f"{place}: Target must be 0 or 1, got {shown(cells['target'])}")
    box = None
    if target:
        box = Box.from_xywh(*(number(cells[side], side, place) for side in _SIDES))
    elif any(cells[side].strip() for side in _SIDES):
        raise DatasetError(f"{place}: there is a box, but Target is 0; get {path.name} as it was released")
    return Annotation(
        image_id=image,
        image=image,
        phrase=template.fill(OPACITY),
        pathology=OPACITY,
        box=box,
        frame=FRAME,
        patient=None,
        split=None,
        where=where,
    )
