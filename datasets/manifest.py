"""Bring your own images: a CSV or a COCO JSON that names images, phrases and boxes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar, Self

from ..core import DatasetError, ImageError, Sample, unknown_name
from ..core.doubts import Written
from ..core.fingerprint import file_digest
from ..core.paths import user_path
from .annotations import Annotation, by_image
from .base import Finding, GroundingDataset
from .checks import check_files
from .coco import read_coco, without_bbox
from .contradictions import contradictions
from .ids import find_secret, opaque_id, owners_secret
from .image_names import ImageFolder
from .manifest_csv import HEADER, read_csv
from .phrases import PhraseTemplate
from .registry import DATASETS
from .samples import apart_from, build_samples

STEP = f"write a CSV with the columns {','.join(HEADER)} or a COCO JSON, and give its path as --root"

_SUFFIXES = (".csv", ".json")
_YES = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


@DATASETS.register("manifest")
class Manifest(GroundingDataset):
    """Samples from one annotation file; images lie relative to its folder.

    Boxes are in the image files' own pixels. The columns image_width and image_height of a CSV, or the width and height
    of an image record of a COCO JSON, say otherwise: boxes are rescaled where the file has another size.
    """

    name = "manifest"
    licence: ClassVar[str] = "as the owner of the images says"
    private_ids: ClassVar[bool] = True

    @classmethod
    def load(  # pyright: ignore[reportIncompatibleMethodOverride]  # `load_dataset` explains other options
        cls,
        root: Path | None,
        split: str,
        *,
        phrases: str | None = None,
        outside: bool | str = False,
        secret: str | Path | None = None,
    ) -> Self:
        """Read a manifest.

        Args:
            root: The CSV or JSON file, or a folder that holds exactly one.
            split: "all", or a value of the file's `split`.
            phrases: How to make phrases of the classes, in place of the file's: "class", or a text in which ``{class}``
                is filled in.
            outside: Whether the file may name images outside its own folder. It is nobody's choice but the user's, so
                no result says it.
            secret: File with the secret that keys published ids; None for ``groundcxr-secret`` beside the manifest, or
                else in the user's data folder, which is made where there is none.

        Raises:
            DatasetError: If the file or all images are missing, or a row is not in the format.
            UnknownNameError: If the file has no such split.
        """
        path = find_manifest(root)
        rows = read_rows(path, phrases, outside)
        annotations = rows.annotations
        splits = list(dict.fromkeys(row.split for row in annotations if row.split))
        if split != "all" and split not in splits:
            raise unknown_name("split", split, ["all", *splits], see=f"({path})")
        paths = _paths(path, annotations)
        salt = owners_secret(path, None if secret is None else user_path(secret))

        def key(row: Annotation) -> tuple[str, str]:
            return row.phrase, row.pathology

        def build(of_split: str) -> tuple[list[Sample], list[str]]:
            chosen = [row for row in annotations if of_split in ("all", row.split)]
            try:
                return build_samples(chosen, paths, group_by=key, salt=salt, written=rows.written)
            except ImageError as error:
                step = f"{_keys(path)} is relative to {path.parent}"
                raise DatasetError(f"none of the images of {path} can be read: {error}; {step}") from error

        samples, defects = build(split)
        has_training = "train" in splits and split not in ("all", "train")
        return cls(
            samples,
            version=opaque_id(salt, "version", file_digest(path))[:8],
            split=split,
            pathologies=list(dict.fromkeys(sample.pathology for sample in samples)),
            salt=salt,
            options={} if phrases is None else {"phrases": phrases},
            warnings=[*rows.said, *_doubts(path, annotations), *defects],
            training=(lambda: apart_from(build("train")[0], samples)) if has_training else None,
        )

    @classmethod
    def secret_file(cls, root: Path | None) -> Path | None:
        """The file that keeps the secret of a manifest's ids; None where there is none yet."""
        return find_secret(find_manifest(root))

    @classmethod
    def check(cls, root: Path | None, *, phrases: str | None = None, outside: bool | str = False) -> list[Finding]:
        """Everything that is missing or wrong in the manifest and its images; decodes every image."""
        try:
            path = find_manifest(root)
            rows = read_rows(path, phrases, outside)
        except DatasetError as error:
            return [Finding("error", str(error))]
        step = f"put the whole file there, or correct its {_keys(path)} (relative to {path.parent.resolve()})"
        return [
            *[Finding("warning", f"{path}: {text}") for text in rows.said],
            *[Finding("warning", f"{path}: {text}", "correct the rows") for text in _doubts(path, rows.annotations)],
            *check_files(
                rows.annotations, _paths(path, rows.annotations), place=str(path), step=step, written=rows.written
            ),
        ]


@dataclass(frozen=True, slots=True)
class Rows:
    """What a manifest holds.

    Attributes:
        annotations: Its rows, images named relative to its folder.
        written: What the four numbers of boxes were read as.
        said: What was taken for what, a sentence each.
    """

    annotations: Sequence[Annotation]
    written: Written = "sizes"
    said: Sequence[str] = ()


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
    if not root.is_file():
        raise DatasetError(f"{root} is not a regular file; {STEP}")
    return root


def read_rows(path: Path, phrases: str | None, outside: bool | str) -> Rows:
    """The rows of a manifest, their images looked up.

    Args:
        path: The CSV or JSON file.
        phrases: The option of that name, or None.
        outside: The option of that name, as a truth value or a word for it.

    Raises:
        DatasetError: That names the file and the row which is not in the format, or whose image lies outside.
    """
    template = None if phrases is None else PhraseTemplate.of(phrases)
    rows = Rows(read_coco(path, template)) if _is_json(path) else Rows(*read_csv(path, template))
    folder = ImageFolder(path.parent, outside=_truth(outside))
    return replace(rows, annotations=_looked_up(rows.annotations, folder, path))


def _looked_up(annotations: Sequence[Annotation], folder: ImageFolder, path: Path) -> list[Annotation]:
    """The rows with each image named as its file is; several names of one file become one."""
    found = folder.find_all(map(_names, annotations))
    outside = [row for row in annotations if found[_names(row)] is None]
    if outside:
        first, others = outside[0], f" (and {len(outside) - 1:,} more)" if len(outside) > 1 else ""
        raise DatasetError(
            f"{path}, {first.where}{others}: the image {first.image!r} lies outside {path.parent}; put it, or a link "
            "to it, into that folder, or, if you trust this file, allow it with --set dataset.outside=true"
        )
    return [replace(row, image=image, image_id=image) for row in annotations if (image := found[_names(row)])]


def _names(row: Annotation) -> tuple[str, ...]:
    return (row.image,) if row.other_image is None else (row.image, row.other_image)


def _truth(word: bool | str) -> bool:
    truth = _YES.get(str(word).lower())
    if truth is None:
        raise DatasetError(f"the option outside={word!a} of the data set 'manifest' must be true or false")
    return truth


def _doubts(path: Path, annotations: Sequence[Annotation]) -> list[str]:
    # A CSV row without a box is meant; a COCO annotation has one by that format.
    boxless = without_bbox(annotations) if _is_json(path) else []
    return [*boxless, *contradictions(annotations)]


def _paths(path: Path, annotations: Sequence[Annotation]) -> dict[str, Path]:
    return {image: path.parent / rows[0].image for image, rows in by_image(annotations).items()}


def _keys(path: Path) -> str:
    """What a manifest calls the name of an image."""
    return "file_name or path" if _is_json(path) else "path"


def _is_json(path: Path) -> bool:
    return path.suffix.lower() == ".json"
