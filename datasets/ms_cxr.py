"""MS-CXR: 1,160 image-phrase pairs with boxes, drawn by radiologists on MIMIC-CXR-JPG images."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import ClassVar, Self, TypeVar

from ..core import DatasetError, ImageError, Sample, unknown_name
from ..core.doubts import Tally
from .annotations import Annotation, by_image
from .base import Finding, GroundingDataset
from .checks import check_files
from .coco import without_bbox
from .ids import release_key
from .image_search import FoundImages
from .mimic_images import find_images, is_released
from .ms_cxr_rows import read_annotations
from .physionet import STEP, Release, find_release
from .place_phrases import STANDARD, standard_phrase
from .published import like, otherwise_counted
from .registry import DATASETS
from .samples import apart_from, build_samples, none_readable

GROUPINGS = ("path,label_text", "path,category,label_text")
"""What makes rows one sample; with the first, the class is that of the first row, as in the paper's own loader."""

Loaded = TypeVar("Loaded", bound=GroundingDataset)

OWN = "own"
"""The radiologists' phrases."""

NOT_THE_JPGS = (
    "images are not the JPGs of MIMIC-CXR-JPG (another suffix or size): compare results with those on such files only"
)

_SPLITS = ("train", "val", "test")
_CLASSES = (
    "Atelectasis",
    "Cardiomegaly",
    "Consolidation",
    "Edema",
    "Lung Opacity",
    "Pleural Effusion",
    "Pneumonia",
    "Pneumothorax",
)
_RELEASES = {"1.0.0": "0.1"}  # PhysioNet's version of a file, where it is not the file's own
_PUBLISHED: dict[str, dict[str, int]] = {
    "0.1": {"image-phrase pairs": 1160},
    "1.1.0": {
        "rows": 1448,
        "images": 1047,
        "patients": 851,
        "image-phrase pairs": 1160,
        "rows of train": 1020,
        "rows of val": 212,
        "rows of test": 216,
    },
}


@DATASETS.register("ms-cxr")
class MSCXR(GroundingDataset):
    """MS-CXR 0.1 and 1.1.0, CSV or COCO JSON, with MIMIC-CXR's images as JPG, PNG or DICOM of any size."""

    name = "ms-cxr"
    licence: ClassVar[str] = "PhysioNet Credentialed Health Data License 1.5.0"
    citation: ClassVar[str] = """@inproceedings{boecking2022making,
  title     = {Making the Most of Text Semantics to Improve Biomedical Vision--Language Processing},
  author    = {Boecking, Benedikt and Usuyama, Naoto and Bannur, Shruthi and Castro, Daniel C. and
               Schwaighofer, Anton and Hyland, Stephanie and Wetscherek, Maria and Naumann, Tristan and
               Nori, Aditya and Alvarez-Valle, Javier and Poon, Hoifung and Oktay, Ozan},
  booktitle = {European Conference on Computer Vision (ECCV)},
  year      = {2022}
}"""

    @classmethod
    def load(  # pyright: ignore[reportIncompatibleMethodOverride]  # `load_dataset` explains other options
        cls, root: Path | None, split: str, *, group_by: str = GROUPINGS[0], phrases: str = OWN
    ) -> Self:
        """Read MS-CXR.

        Args:
            root: A folder that holds the MS-CXR files, itself or up to five folders deeper, and the images: best as
                MIMIC-CXR-JPG lays them out, else JPG, PNG or DICOM files named by their DICOM id in any folders.
            split: "all", or of version 1.1.0 "train", "val" or "test".
            group_by: "path,label_text" or "path,category,label_text": what makes rows one sample.
            phrases: "own", the radiologists'; or "standard": the place that the phrase names and the class, as in "left
                base pneumonia", without the samples whose phrases name no place.

        Raises:
            DatasetError: If annotations or all images are missing, or a file is not in the released format, or no
                phrase names a place.
            UnknownNameError: For another split, grouping or kind of phrases.
        """
        if split != "all" and split not in _SPLITS:
            raise unknown_name("split", split, ["all", *_SPLITS])
        if group_by not in GROUPINGS:
            raise unknown_name("grouping", group_by, GROUPINGS)
        if phrases not in (OWN, STANDARD):
            raise unknown_name("kind of phrases of ms-cxr", phrases, (OWN, STANDARD))
        release = find_release(root)
        annotations = read_annotations(release.annotation)
        images = by_image(annotations)
        found = _find_images(release, images)
        salt = release_key(annotations)

        def key(row: Annotation) -> tuple[str, ...]:
            return (row.phrase,) if group_by == GROUPINGS[0] else (row.phrase, row.pathology)

        def build(of_split: str) -> tuple[list[Sample], list[str]]:
            rows = _select(annotations, of_split, release)
            try:
                return build_samples(rows, found.paths, group_by=key, salt=salt)
            except ImageError as error:
                what = f"MS-CXR's images of the split {of_split!r}"
                raise none_readable(what, rows, found.paths, error, STEP) from error

        samples, defects = build(split)
        own = cls(
            samples,
            version=_version(release),
            split=split,
            pathologies=sorted({row.pathology for row in annotations}),
            salt=salt,
            options={"group_by": group_by},
            warnings=[
                *_deviations(annotations, release),
                *found.doubts,
                *_other_files(annotations, samples),
                *defects,
            ],
            training=(lambda: apart_from(build("train")[0], samples)) if split in ("val", "test") else None,
        )
        return own if phrases == OWN else _standard(own)

    @classmethod
    def check(cls, root: Path | None) -> list[Finding]:
        """Everything that is missing or wrong below `root`; decodes every image (about a minute)."""
        try:
            release = find_release(root)
            annotations = read_annotations(release.annotation)
        except DatasetError as error:
            return [Finding("error", str(error))]
        findings = [Finding("warning", text, "compare with the release") for text in _deviations(annotations, release)]
        paths: dict[str, Path] = {}
        try:
            found = _find_images(release, by_image(annotations))
        except DatasetError as error:
            findings.append(Finding("error", str(error)))
        else:
            paths, doubts = found.paths, list(found.doubts)
            with suppress(ImageError):  # not one can be read, which is said of each below
                samples, _ = build_samples(annotations, paths, group_by=lambda row: (row.phrase,))
                doubts += _other_files(annotations, samples)
            findings += [Finding("warning", text) for text in doubts]
        step = "download it from MIMIC-CXR-JPG (https://physionet.org/content/mimic-cxr-jpg/)"
        return [*findings, *check_files(annotations, paths, place=str(release.annotation), step=step, released=True)]


def _standard(own: Loaded) -> Loaded:
    """The data set with standard phrases, and a word on how many samples are left out.

    Raises:
        DatasetError: If all are.
    """
    standard = own.reworded(standard_phrase, phrases=STANDARD)
    if not standard:
        raise DatasetError(f"none of the {len(own):,} phrases names a place, which phrases={STANDARD} needs")
    if left_out := len(own) - len(standard):
        said = f"{left_out:,} of {len(own):,} samples are left out by phrases={STANDARD}: their phrases name no place"
        standard.warnings = (*standard.warnings, said)
    return standard


def _select(annotations: Sequence[Annotation], split: str, release: Release) -> list[Annotation]:
    if split == "all":
        return list(annotations)
    chosen = [row for row in annotations if row.split == split]
    if not chosen:
        raise DatasetError(
            f"{release.annotation} has no rows of the split {split!r}: MS-CXR has splits from version 1.1.0 on; "
            "get that version, or use the split 'all'"
        )
    return chosen


def _version(release: Release) -> str:
    return _RELEASES.get(release.version, release.version)


def _deviations(annotations: Sequence[Annotation], release: Release) -> list[str]:
    """What the file has otherwise than published: counts, classes, splits, annotations without a box."""
    version = _version(release)
    splits = Counter(row.split for row in annotations)
    found = {
        "rows": len(annotations),
        "images": len({row.image_id for row in annotations}),
        "patients": len({row.patient for row in annotations}),
        "image-phrase pairs": len({(row.image_id, row.phrase) for row in annotations}),
        **{f"rows of {split}": splits[split] for split in _SPLITS},
    }
    return [
        *otherwise_counted(release.annotation, f"MS-CXR {version}", found, _PUBLISHED.get(version, {})),
        *_unknown_values(annotations),
        *without_bbox(annotations),
    ]


def _unknown_values(annotations: Sequence[Annotation]) -> list[str]:
    tally = Tally()
    for row in annotations:
        if row.pathology not in _CLASSES:
            tally.add(
                f"rows of the class {row.pathology!r}, none of MS-CXR's eight{like(row.pathology, _CLASSES)}",
                row.where,
            )
        if row.split and row.split not in _SPLITS:
            tally.add(
                f"rows of the split {row.split!r}, none of {', '.join(_SPLITS)}{like(row.split, _SPLITS)}", row.where
            )
    return tally.sentences()


def _find_images(release: Release, images: Mapping[str, Sequence[Annotation]]) -> FoundImages:
    return find_images(release.root, release.trees, {image: rows[0].image for image, rows in images.items()})


def _other_files(annotations: Iterable[Annotation], samples: Iterable[Sample]) -> list[str]:
    """One sentence if files are copies of another kind or size than the JPGs that MS-CXR was drawn on."""
    tally = Tally()
    frames = {row.image_id: row.frame for row in annotations}
    for image, (path, size) in {sample.image_id: (sample.image_path, sample.image_size) for sample in samples}.items():
        is_jpg = path.suffix.lower() in (".jpg", ".jpeg")
        # A resized copy in the released folders is told as such already.
        if not is_jpg or (size != frames[image] and not is_released(path)):
            tally.add(NOT_THE_JPGS, f"{path} ({size[0]}x{size[1]})")
    return tally.sentences()
