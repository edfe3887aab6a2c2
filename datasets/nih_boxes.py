"""NIH ChestX-ray14's boxes: 984, of eight classes, drawn by a radiologist on 880 images."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import ClassVar

from ..core import Box, DatasetError
from ..core.doubts import Tally
from ..core.names import listed
from .annotations import Annotation, number
from .phrases import PhraseTemplate
from .registry import DATASETS
from .release import ImageRecord, Release
from .released import ReleasedDataset
from .tables import read_columns, read_table
from .text_files import read_text

FRAME = (1024, 1024)
"""Of all images as released."""

_FILES = {
    "boxes": r"bbox_list_2017.*\.csv",
    "labels": r"data_entry_2017.*\.csv",
    "test": r"test_list.*\.txt",
    "train_val": r"train_val_list.*\.txt",
}
_IMAGE, _LABEL = "image index", "finding label"
_IN_LABELS = {"Infiltrate": "Infiltration"}  # the boxes' file alone has the short form


@DATASETS.register("nih-boxes")
class NIHBoxes(ReleasedDataset):
    """ChestX-ray14's BBox_List_2017: boxes of eight classes, one for each image and class, on NIH's PNG files."""

    name = "nih-boxes"
    title = "NIH ChestX-ray14"
    credentialed: ClassVar[bool] = False
    licence: ClassVar[str] = "no restrictions; link the NIH's site, cite the paper, acknowledge the NIH Clinical Center"
    citation: ClassVar[str] = """@inproceedings{wang2017chestxray,
  title     = {{ChestX-ray8}: Hospital-Scale Chest X-Ray Database and Benchmarks on Weakly-Supervised Classification and
               Localization of Common Thorax Diseases},
  author    = {Wang, Xiaosong and Peng, Yifan and Lu, Le and Lu, Zhiyong and Bagheri, Mohammadhadi and
               Summers, Ronald M.},
  booktitle = {IEEE Conference on Computer Vision and Pattern Recognition (CVPR)},
  year      = {2017}
}"""
    classes = (
        "Atelectasis",
        "Cardiomegaly",
        "Effusion",
        "Infiltrate",
        "Mass",
        "Nodule",
        "Pneumonia",
        "Pneumothorax",
    )
    splits = ("train_val", "test")
    split_files: ClassVar[Mapping[str, str]] = {split: f"{split}_list.txt" for split in splits}
    training_split = "train_val"
    named = "Image Index"
    get = (
        "download BBox_List_2017.csv and the images from https://nihcc.app.box.com/v/ChestXray-NIHCC, unpack the "
        "archives, and give the folder that holds both as --root"
    )

    @classmethod
    def read(cls, root: Path | None, template: PhraseTemplate) -> Release:  # pyright: ignore[reportIncompatibleMethodOverride]
        """The boxes; splits and the labels of whole images where their files are beside them."""
        root, files = cls.find(root, _FILES, ["boxes"], "BBox_List_2017.csv")
        place = files["boxes"]
        splits = _splits({split: files[split] for split in cls.splits if split in files})
        annotations = [
            _annotation(index, image, label, box, place, template, splits)
            for index, image, label, box in _rows(place, cls.get)
        ]
        boxed: dict[str, list[str]] = {}
        for row in annotations:
            boxed.setdefault(row.image_id, []).append(row.pathology)
        labels = _labels(files["labels"], boxed) if "labels" in files else {}
        images = {
            row.image_id: ImageRecord(row.image, row.patient, row.split, cls._absent(boxed, labels, row.image_id))
            for row in annotations
        }
        return Release(
            root=root,
            place=place,
            version="2017",
            annotations=annotations,
            images=images,
            counts={
                "boxes": len(annotations),
                "images": len(images),
                "patients": len({row.patient for row in annotations}),
            },
            published={"boxes": 984, "images": 880, "patients": 726},
            said=_contradictions(annotations, labels),
        )

    @classmethod
    def _absent(
        cls, boxed: Mapping[str, list[str]], labels: Mapping[str, frozenset[str]], image: str
    ) -> tuple[str, ...]:
        """The classes that neither a box nor the image's labels have; none where there are no labels."""
        if image not in labels:
            return ()
        return tuple(
            name for name in cls.classes if name not in boxed[image] and _IN_LABELS.get(name, name) not in labels[image]
        )


def _rows(path: Path, step: str) -> list[tuple[int, str, str, list[str]]]:
    """(row, image, class, the box's four cells); the header is ``Image Index,Finding Label,Bbox [x,y,w,h],,,``.

    Its comma within the brackets breaks the box's name into four, and three empty names follow.
    """
    names, rows = read_columns(path, ("Image Index", "Finding Label", "Bbox [x", "y", "w", "h]"))
    start = next((index for index, name in enumerate(names) if name == "x" or name.startswith("bbox")), None)
    missing = next((name for name in (_IMAGE, _LABEL) if name not in names), None)
    if start is None or missing is not None or len(names) < start + 4:
        raise DatasetError(f"{path} lacks the column {missing or 'bbox [x,y,w,h]'!r}; found {listed(names)}; {step}")
    image, label = names.index(_IMAGE), names.index(_LABEL)
    return [(row, cells[image].strip(), cells[label].strip(), list(cells[start : start + 4])) for row, cells in rows]


def _annotation(
    index: int,
    image: str,
    label: str,
    box: list[str],
    place: Path,
    template: PhraseTemplate,
    splits: Mapping[str, str],
) -> Annotation:
    where = f"row {index}"
    if not image or not label:
        raise DatasetError(f"{place}, {where}: {'Image Index' if not image else 'Finding Label'} is empty")
    x, y, w, h = (number(cell, name, f"{place}, {where}") for cell, name in zip(box, "xywh", strict=True))
    stem = PurePosixPath(image).stem
    return Annotation(
        image_id=stem,
        image=f"images/{image}",
        phrase=template.fill(label),
        pathology=label,
        box=Box.from_xywh(x, y, w, h),
        frame=FRAME,
        patient=stem.partition("_")[0],
        split=splits.get(stem),
        where=where,
    )


def _splits(lists: Mapping[str, Path]) -> dict[str, str]:
    """The split of each image that a list names."""
    splits: dict[str, str] = {}
    for split, path in lists.items():
        for name in read_text(path, "a list of images").split():
            image = PurePosixPath(name).stem
            if splits.setdefault(image, split) != split:
                raise DatasetError(f"{path}: the image {image} is in {splits[image]} too; get the lists again")
    return splits


def _labels(path: Path, wanted: Mapping[str, object]) -> dict[str, frozenset[str]]:
    """What the labels of whole images name, of the images that have boxes."""
    rows = read_table(path, (_IMAGE, "finding labels"))
    named = ((PurePosixPath(cells[_IMAGE].strip()).stem, cells["finding labels"]) for _, cells in rows)
    return {image: frozenset(map(str.strip, text.split("|"))) for image, text in named if image in wanted}


def _contradictions(annotations: list[Annotation], labels: Mapping[str, frozenset[str]]) -> list[str]:
    tally = Tally()
    for row in annotations:
        if row.image_id in labels and _IN_LABELS.get(row.pathology, row.pathology) not in labels[row.image_id]:
            tally.add("boxes are of a class that the labels of their image do not name", f"{row.where}: {row.image_id}")
    return tally.sentences()
