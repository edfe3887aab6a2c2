"""The annotation files of a released data set below a folder, and what is there where they are not."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ..core import IMAGE_SUFFIXES, DatasetError
from ..core.names import listed
from .image_walk import ARCHIVE, PATIENT_OR_STUDY
from .searching import Search, walk

_DEPTH = 6  # PARENT/physionet.org/files/chest-imagenome/1.0.0/silver_dataset/splits
_TABLE = re.compile(r".*\.(csv|tsv|xlsx?|json)(\.gz)?", re.IGNORECASE)
# Folders of single patients, studies and images, of which there are tens of thousands.
_NOT_ENTERED = re.compile(rf"\..*|p1\d|{PATIENT_OR_STUDY.pattern}|patient\d+|[\d.]{{20,}}|[0-9a-f-]{{32,}}")

_FILES_OF = {
    "ms-cxr": r"ms_cxr_local_alignment_.*\.(csv|json)",
    "vindr-cxr": r"(annotations|image_labels)_(train|test)\.csv",
    "padchest-gr": r"grounded_reports_\d+\.json",
    "chest-imagenome": r"gold_bbox_coordinate_annotations_1000images\.csv",
    "nih-boxes": r"bbox_list_2017.*\.csv",
    "rsna-pneumonia": r"stage_2_(train_labels|detailed_class_info)\.csv",
    "siim-pneumothorax": r"(stage_2_)?train-rle.*\.csv",
    "chestx-det": r"chestx_det.*\.json",
    "chexlocalize": r"(gt|hb|gradcam)_(annotations|segmentations)_.*\.json",
}
"""Names of files by which data sets are told from one another, by their names on the command line."""


@dataclass
class _Met:
    """What a walk met beside the files that were looked for: the first of each kind."""

    packed: Path | None = None
    archive: Path | None = None
    of_another: tuple[Path, str] | None = None
    tables: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Looked:
    """What is looked for.

    Attributes:
        name: The data set's name on the command line.
        title: Its name in messages.
        step: How the data set is got.
        patterns: A regular expression for the names of each kind of file, upper and lower case being equal; of files in
            one folder, the first by name is taken.
        needed: Kinds of which one at least must be there.
        called: What messages call these.
    """

    name: str
    title: str
    step: str
    patterns: Mapping[str, str]
    needed: Collection[str]
    called: str


def find_files(root: Path | None, looked: Looked) -> tuple[Path, dict[str, Path]]:
    """The files of a data set, those nearest to the root of each kind.

    Args:
        root: The folder that the user gave.
        looked: The files.

    Returns:
        The folder, and the file of each kind that is there.

    Raises:
        DatasetError: If there is no such folder, or no file of a kind that is needed; says what is there instead.
        OSError: If the folder cannot be read.
    """
    root = given_folder(root, looked.name, looked.step)
    compiled = {kind: re.compile(pattern, re.IGNORECASE) for kind, pattern in looked.patterns.items()}
    found: dict[str, Path] = {}
    met = _Met()
    search = Search(looked.title, root)
    for _, folder, _, files in walk(root, search, _NOT_ENTERED, _DEPTH):
        for file in files:
            if file.lower().endswith(tuple(IMAGE_SUFFIXES)):  # there may be 100,000
                continue
            kinds = [kind for kind, pattern in compiled.items() if pattern.fullmatch(file)]
            for kind in kinds:
                found.setdefault(kind, folder / file)
            if not kinds and not file.startswith("."):
                _meet(folder / file, looked.name, compiled, met)
    if not any(kind in found for kind in looked.needed):
        missing = f"{looked.title}: there is no {looked.called} below {root}"
        raise DatasetError(f"{missing}{_instead(met, search, looked.step)}")
    return root, found


def given_folder(root: Path | None, name: str, step: str) -> Path:
    """The folder that the user gave.

    Args:
        root: What was given.
        name: The data set's name on the command line.
        step: How the data set is got.

    Raises:
        DatasetError: If it is none.
    """
    if root is None:
        raise DatasetError(f"{name} needs --root, the folder of its files; {step}")
    if root.is_file():
        give = "unpack it and give the folder" if ARCHIVE.fullmatch(root.name) else "give the folder"
        raise DatasetError(f"{name}: {root} is a file; {give} that holds the annotations and the images as --root")
    if not root.is_dir():
        raise DatasetError(f"{name}: there is no folder {root}; {step}")
    return root


def _meet(file: Path, name: str, patterns: Mapping[str, re.Pattern[str]], met: _Met) -> None:
    if any(pattern.match(file.name) for pattern in patterns.values()):  # "BBox_List_2017.csv.gz"
        met.packed = met.packed or file
    elif ARCHIVE.fullmatch(file.name):
        met.archive = met.archive or file
    elif _TABLE.fullmatch(file.name):
        others = [one for one, of in _FILES_OF.items() if re.fullmatch(of, file.name, re.IGNORECASE) and one != name]
        if others:
            met.of_another = met.of_another or (file, others[0])
        else:
            met.tables.append(file.name)


def _instead(met: _Met, search: Search, step: str) -> str:
    if search.ended:
        return f"; {search.sentence()}"
    if met.packed is not None:
        return f", but {met.packed}; unpack it, or give it the name that it was released with"
    if met.of_another is not None:
        file, another = met.of_another
        return f", but {file}, which is of another data set; use --dataset {another} for that, or {step}"
    if met.archive is not None:
        return f", but {met.archive}; unpack it there"
    if met.tables:
        return f", but {listed(met.tables)}, which it is none of; {step}"
    return f"; {step}"
