"""CheXlocalize: radiologists' segmentations of ten classes on the validation and test images of CheXpert."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from ..core import DatasetError, ImageSize, Sample, unknown_name
from ..core.doubts import Tally
from .annotations import Annotation, frame_size, number, shown
from .base import Finding
from .phrases import DEFAULT, PhraseTemplate
from .registry import DATASETS
from .release import ImageRecord, Release
from .released import ReleasedDataset
from .segmentations import read_segmentation, region_of_points
from .tables import read_table
from .text_files import read_json

VIEWS = ("frontal", "all")
"""Which images are samples."""

SMALL = "images are of CheXpert-v1.0-small, an eighth as wide as those annotated: masks are scaled down to them"
DRAWN = "masks are drawn from the polygons of gt_annotations, since gt_segmentations is not there"

_SPLITS = ("val", "test")
_FILES = {
    f"{kind} {split}": rf"gt_{kind}_{split}\.json" for kind in ("segmentations", "annotations") for split in _SPLITS
}
_HUMANS = {f"humans' {kind}": rf"hb_{kind}_test\.json" for kind in ("segmentations", "annotations")}
_LABELS = {"labels val": r"(val_labels|valid)\.csv", "labels test": r"test_labels\.csv"}
_IN_LABELS = {"lung opacity": "Airspace Opacity"}  # CheXpert's name for it
_KEY = re.compile(r"patient\d+_study\d+_view\d+_(frontal|lateral)")
_SIZE = "img_size"


@DATASETS.register("chexlocalize")
class CheXlocalize(ReleasedDataset):
    """CheXlocalize's ground-truth segmentations, polygons or run-length codes, on CheXpert's full-size images."""

    name = "chexlocalize"
    title = "CheXlocalize"
    licence: ClassVar[str] = "Stanford University Dataset Research Use Agreement"
    citation: ClassVar[str] = """@article{saporta2022benchmarking,
  title   = {Benchmarking saliency methods for chest {X}-ray interpretation},
  author  = {Saporta, Adriel and Gui, Xiaotong and Agrawal, Ashwin and Pareek, Anuj and Truong, Steven Q. H. and
             Nguyen, Chanh D. T. and Ngo, Van-Doan and Seekins, Jayne and Blankenberg, Francis G. and Ng, Andrew Y. and
             Lungren, Matthew P. and Rajpurkar, Pranav},
  journal = {Nature Machine Intelligence},
  volume  = {4},
  pages   = {867--878},
  year    = {2022}
}"""
    classes = (
        "Enlarged Cardiomediastinum",
        "Cardiomegaly",
        "Lung Lesion",
        "Airspace Opacity",
        "Edema",
        "Consolidation",
        "Atelectasis",
        "Pneumothorax",
        "Pleural Effusion",
        "Support Devices",
    )
    splits = _SPLITS
    suffixes = (".jpg", ".jpeg", ".png", ".dcm", ".dicom")
    avoided = "small"
    named = "path in CheXpert (patient, study and view)"
    get = (
        "download CheXlocalize, which holds CheXpert's validation and test images in full size, from Stanford AIMI "
        "(https://stanfordaimi.azurewebsites.net/datasets/23c56a0d-15de-405b-87c8-99c30138950c) and give its folder as "
        "--root"
    )

    @classmethod
    def load(  # pyright: ignore[reportIncompatibleMethodOverride]  # `load_dataset` explains other options
        cls, root: Path | None, split: str, *, phrases: str = DEFAULT, views: str = VIEWS[0]
    ) -> Self:
        """Read the data set; see `ReleasedDataset.load`.

        Args:
            root: The folder of the JSON files and the images.
            split: "all", "val" or "test".
            phrases: How to make phrases of the classes.
            views: "frontal", or "all" for lateral images as well.

        Raises:
            DatasetError: If files are missing or not in the released format.
            UnknownNameError: For another split or other views.
        """
        return cls._load(root, split, phrases, views=views)

    @classmethod
    def check(cls, root: Path | None, *, phrases: str = DEFAULT, views: str = VIEWS[0]) -> list[Finding]:
        """Everything that is missing or wrong below `root`; decodes every image with an annotation."""
        return cls._check(root, phrases, views=views)

    @classmethod
    def read(cls, root: Path | None, template: PhraseTemplate, *, views: str) -> Release:  # pyright: ignore[reportIncompatibleMethodOverride]
        """The masks; classes that CheXpert's labels say an image has not are known not to be in it."""
        if views not in VIEWS:
            raise unknown_name("views", views, VIEWS)
        called = "gt_segmentations_val.json or gt_segmentations_test.json"
        root, files = cls.find(root, _FILES | _HUMANS | _LABELS, _FILES, called)
        annotations: list[Annotation] = []
        images: dict[str, ImageRecord] = {}
        counts: dict[str, int] = {}
        said: list[str] = []
        places: list[Path] = []
        for split in _SPLITS:
            place = files.get(f"segmentations {split}") or files.get(f"annotations {split}")
            if place is None:
                continue
            places.append(place)
            if f"segmentations {split}" not in files:
                said.append(f"{DRAWN} ({split})")
            rows = list(_annotations(place, split, template, cls.get))
            counts[f"annotated images of {split}"] = len({row.image_id for row in rows})
            annotations += rows
            present = {(row.image_id, row.pathology) for row in rows}
            labels = _labels(files[f"labels {split}"], cls.classes) if f"labels {split}" in files else {}
            for image in dict.fromkeys([*(row.image_id for row in rows), *labels]):
                absent = tuple(name for name in labels.get(image, ()) if (image, name) not in present)
                images[image] = ImageRecord(f"{split}/{_path(image)}", _patient(image), split, absent)
        humans = next((files[kind] for kind in _HUMANS if kind in files), None)
        second = [] if humans is None else _annotations(humans, "test", template, cls.get)
        return Release(
            root=root,
            place=places[0].parent,
            version="2022",
            annotations=[row for row in annotations if _is_of(row.image_id, views)],
            images={image: record for image, record in images.items() if _is_of(image, views)},
            counts=counts,
            published={
                what: count
                for what, count in {"annotated images of val": 187, "annotated images of test": 499}.items()
                if what in counts
            },
            said=said,
            second=list(second),
        )

    @classmethod
    def inspect(cls, annotations: Sequence[Annotation], samples: Sequence[Sample]) -> list[str]:
        """Whether the images are CheXpert's full-size ones, or copies whose frame is known."""
        seen = {sample.image_id: (sample.image_path, sample.image_size) for sample in samples}
        for row in annotations:
            path, (width, height) = seen[row.image_id]
            bounds = None if row.segmentation is None else row.segmentation.bounds
            if row.frame is None and bounds is not None and (bounds.x1 > width + 1 or bounds.y1 > height + 1):
                raise DatasetError(
                    f"{row.where} reaches to ({bounds.x1:g}, {bounds.y1:g}), its {_SIZE} is not there, and {path} is "
                    f"{width}x{height}, as in CheXpert-v1.0-small; put the full-size images there, or "
                    "gt_segmentations_test.json, which says their sizes"
                )
        tally = Tally()
        frames = {row.image_id: row.frame for row in annotations}
        for image, (path, size) in seen.items():
            if size != frames[image] and any(part.lower().endswith(cls.avoided) for part in path.parts[:-1]):
                tally.add(SMALL, f"{path} ({size[0]}x{size[1]})")
        return tally.sentences()


def read_regions(place: Path, step: str) -> Iterator[tuple[str, str, Any, ImageSize | None]]:
    """(image, class, what was written of its region, the size that was annotated) of a file of CheXlocalize.

    Args:
        place: Segmentations (an object of each class with `size` and `counts`) or annotations (polygons of each class
            that is present, and `img_size`), of the ground truth or the human benchmark.
        step: How the data set is got, for messages.

    Raises:
        DatasetError: If it is neither.
    """
    content = read_json(place)
    if not isinstance(content, dict):
        raise DatasetError(f"{place} is not of CheXlocalize, whose files are objects of images, by their keys; {step}")
    for image, classes in content.items():
        if not _KEY.fullmatch(image) or not isinstance(classes, dict):
            raise DatasetError(
                f"{place} is not of CheXlocalize: images have keys such as patient00001_study1_view1_frontal and hold "
                f"an object of classes, got {shown(image)}; {step}"
            )
        size = _frame(classes.get(_SIZE), f"{place}, {image}")
        yield from ((image, name, region, size) for name, region in classes.items() if name != _SIZE)


def draw_polygons(polygons: Sequence[Sequence[float]], image_size: ImageSize) -> NDArray[np.bool_]:
    """The union of polygons, pixel for pixel as CheXlocalize's own code draws them (annotation_to_segmentation.py)."""
    from PIL import Image, ImageDraw

    drawn = Image.new("1", image_size)
    pen = ImageDraw.Draw(drawn)
    for polygon in polygons:
        pen.polygon(list(zip(polygon[::2], polygon[1::2], strict=True)), outline=1, fill=1)
    return np.array(drawn, dtype=np.bool_)


def _annotations(place: Path, split: str, template: PhraseTemplate, step: str) -> Iterator[Annotation]:
    for image, name, written, size in read_regions(place, step):
        where = f"{place.name}, {image}, {name}"
        at = f"{place}, {image}, {name}"
        is_code = isinstance(written, dict)
        region = read_segmentation(written, at) if is_code else region_of_points(written, at, draw_polygons)
        if region is not None:
            yield Annotation(
                image_id=image,
                image=_path(image),
                phrase=template.fill(name),
                pathology=name,
                box=None,
                frame=region.frame or size,
                patient=_patient(image),
                split=split,
                where=where,
                segmentation=region,
            )


def _labels(path: Path, classes: Sequence[str]) -> Mapping[str, list[str]]:
    """The classes that CheXpert's labels say each image has not."""
    by_name = {name.lower(): name for name in classes} | _IN_LABELS
    absent: dict[str, list[str]] = {}
    for _, cells in read_table(path, ("path",), by_name, step="get CheXpert's labels, or move it away"):
        image = "_".join(PurePosixPath(cells["path"].strip()).with_suffix("").parts[-3:])
        if _KEY.fullmatch(image):
            absent[image] = [by_name[name] for name in cells if name in by_name and cells[name].strip() in ("0", "0.0")]
    return absent


def _frame(size: object, place: str) -> ImageSize | None:
    if size is None:
        return None
    if not isinstance(size, list) or len(size) != 2:
        raise DatasetError(f"{place}: {_SIZE} must be [height, width], got {shown(size)}")
    height, width = (number(side, _SIZE, place) for side in size)
    return frame_size(width, height, place)


def _path(image: str) -> str:
    patient, study, *view = image.split("_")
    return f"{patient}/{study}/{'_'.join(view)}.jpg"


def _patient(image: str) -> str:
    return image.partition("_")[0]


def _is_of(image: str, views: str) -> bool:
    return views == "all" or image.endswith(f"_{views}")
