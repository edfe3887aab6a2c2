"""Bring your own images: a CSV or a COCO JSON that names images, phrases and boxes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import ClassVar, Self

from ..core import Box, DatasetError, ImageError, Sample, unknown_name
from ..core.fingerprint import file_digest
from .annotations import Annotation, apart_from, build_samples, by_image, number
from .base import DATASETS, Finding, GroundingDataset
from .checks import check_files
from .coco import read_coco, without_bbox
from .contradictions import contradictions
from .ids import find_secret, opaque_id, owners_secret
from .tables import read_table

STEP = "write a CSV with the columns image,phrase,pathology,x,y,w,h or a COCO JSON, and give its path as --root"

_COLUMNS = ("image", "phrase", "pathology", "x", "y", "w", "h")
_OPTIONAL = ("patient_id", "split")
_SUFFIXES = (".csv", ".json")


@DATASETS.register("manifest")
class Manifest(GroundingDataset):
    """Samples from one annotation file; images lie relative to its folder.

    Boxes are in the image files' own pixels. In a COCO JSON, an image record's width and height say otherwise: boxes
    are rescaled where the file has another size.
    """

    name = "manifest"
    licence: ClassVar[str] = "as the owner of the images says"
    private_ids: ClassVar[bool] = True

    @classmethod
    def load(  # pyright: ignore[reportIncompatibleMethodOverride]  # `load_dataset` explains other options
        cls, root: Path | None, split: str, *, secret: str | Path | None = None
    ) -> Self:
        """Read a manifest.

        Args:
            root: The CSV or JSON file, or a folder that holds exactly one.
            split: "all", or a value of the file's `split`.
            secret: File with the secret that keys published ids; None for ``groundcxr-secret`` beside the manifest, or
                else in the user's data folder, which is made where there is none.

        Raises:
            DatasetError: If the file or all images are missing, or a row is not in the format.
            UnknownNameError: If the file has no such split.
        """
        path = find_manifest(root)
        annotations = read_annotations(path)
        splits = list(dict.fromkeys(row.split for row in annotations if row.split))
        if split != "all" and split not in splits:
            raise unknown_name("split", split, ["all", *splits], see=f"({path})")
        paths = _paths(path, annotations)
        salt = owners_secret(path, None if secret is None else Path(secret).expanduser())

        def key(row: Annotation) -> tuple[str, str]:
            return row.phrase, row.pathology

        def sample_id(row: Annotation) -> str:
            return opaque_id(salt, row.image_id, *key(row))

        def build(of_split: str) -> tuple[list[Sample], list[str]]:
            rows = [row for row in annotations if of_split in ("all", row.split)]
            try:
                return build_samples(rows, paths, group_by=key, sample_id=sample_id)
            except ImageError as error:
                step = f"paths are relative to {path.parent}"
                raise DatasetError(f"none of the images of {path} can be read: {error}; {step}") from error

        samples, defects = build(split)
        has_training = "train" in splits and split not in ("all", "train")
        return cls(
            samples,
            version=opaque_id(salt, "version", file_digest(path))[:8],
            split=split,
            pathologies=list(dict.fromkeys(sample.pathology for sample in samples)),
            salt=salt,
            warnings=[*_doubts(path, annotations), *defects],
            training=(lambda: apart_from(build("train")[0], samples)) if has_training else None,
        )

    @classmethod
    def secret_file(cls, root: Path | None) -> Path | None:
        """The file that keeps the secret of a manifest's ids; None where there is none yet."""
        return find_secret(find_manifest(root))

    @classmethod
    def check(cls, root: Path | None) -> list[Finding]:
        """Everything that is missing or wrong in the manifest and its images; decodes every image."""
        try:
            path = find_manifest(root)
            annotations = read_annotations(path)
        except DatasetError as error:
            return [Finding("error", str(error))]
        step = f"put the whole file there, or correct its path (relative to {path.parent.resolve()})"
        return [
            *[Finding("warning", f"{path}: {text}", "correct the rows") for text in _doubts(path, annotations)],
            *check_files(annotations, _paths(path, annotations), place=str(path), step=step),
        ]


def find_manifest(root: Path | None) -> Path:
    """The manifest itself, or the only CSV or JSON file in a folder.

    Raises:
        DatasetError: If there is none, or if there are several.
    """
    if root is None:
        raise DatasetError(f"manifest needs --root, the manifest's path; {STEP}")
    if root.is_dir():
        found = sorted(file for file in root.iterdir() if file.suffix.lower() in _SUFFIXES and file.name[0] != ".")
        if not found:
            raise DatasetError(f"there is no .csv or .json file in {root}; {STEP}")
        if len(found) > 1:
            names = ", ".join(file.name for file in found)
            raise DatasetError(f"{root} holds several manifests ({names}); give the path of one of them as --root")
        return found[0]
    if not root.exists():
        raise DatasetError(f"manifest: there is no file or folder {root}; {STEP}")
    if root.suffix.lower() not in _SUFFIXES:
        raise DatasetError(f"{root} is neither a .csv nor a .json file; {STEP}")
    return root


def read_annotations(path: Path) -> list[Annotation]:
    """The rows of a manifest.

    Raises:
        DatasetError: That names the file and the row which is not in the format.
    """
    if path.suffix.lower() == ".json":
        return read_coco(path)
    return [_csv_row(cells, index, path) for index, cells in read_table(path, _COLUMNS, _OPTIONAL, only_known=True)]


def _csv_row(cells: dict[str, str], index: int, path: Path) -> Annotation:
    where = f"row {index}"
    place = f"{path}, {where}"
    for name in ("image", "phrase", "pathology"):
        if not cells[name].strip():
            raise DatasetError(f"{place}: {name} is empty")
    corners = [cells[name].strip() for name in ("x", "y", "w", "h")]
    image = str(PurePosixPath(cells["image"].strip()))  # "./a.png" is "a.png"
    box = None
    if any(corners):  # all empty: a phrase without a box
        x, y, w, h = (number(text, name, place) for text, name in zip(corners, ("x", "y", "w", "h"), strict=True))
        box = Box.from_xywh(x, y, w, h)
    return Annotation(
        image_id=image,
        image=image,
        phrase=cells["phrase"],
        pathology=cells["pathology"].strip(),
        box=box,
        frame=None,
        patient=cells.get("patient_id", "").strip() or None,
        split=cells.get("split", "").strip() or None,
        where=where,
    )


def _doubts(path: Path, annotations: Sequence[Annotation]) -> list[str]:
    # A CSV row without a box is meant; a COCO annotation has one by that format.
    boxless = without_bbox(annotations) if path.suffix.lower() == ".json" else []
    return [*boxless, *contradictions(annotations)]


def _paths(path: Path, annotations: Sequence[Annotation]) -> dict[str, Path]:
    return {image: path.parent / rows[0].image for image, rows in by_image(annotations).items()}
