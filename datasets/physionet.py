"""Where MS-CXR's annotations and the trees of MIMIC-CXR's images lie below a folder, however they were downloaded."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from ..core import DatasetError
from .image_walk import PATIENT_OR_STUDY
from .release_files import given_folder
from .searching import Search, walk

STEP = (
    "download MS-CXR (https://physionet.org/content/ms-cxr/) and its images from MIMIC-CXR-JPG "
    "(https://physionet.org/content/mimic-cxr-jpg/) with a credentialed PhysioNet account, "
    "and give the folder that holds both as --root"
)

_ANNOTATION = re.compile(r"MS_CXR_Local_Alignment_v(\d+(?:\.\d+)*)\.(csv|json)", re.IGNORECASE)
_SIMILAR = re.compile(r"ms.?cxr.*\.(csv|json)", re.IGNORECASE)  # "...v1.1.0.csv.gz", "ms_cxr (1).csv"
_SHARD = re.compile(r"p1\d")  # MIMIC-CXR keeps patients p10000000 to p19999999 in files/p10 to files/p19
_NOT_ENTERED = re.compile(rf"\..*|p1\d|{PATIENT_OR_STUDY.pattern}")
_DEPTH = 5  # PARENT/physionet.org/files/ms-cxr/1.1.0 and PARENT/physionet.org/files/mimic-cxr-jpg/2.1.0/files


@dataclass(frozen=True, slots=True)
class Release:
    """What was found below a root.

    Attributes:
        root: Where was searched.
        annotation: The annotation file.
        version: Its version, as in its name: "1.1.0".
        trees: Folders that hold ``p10`` to ``p19``, those nearest to the root first.
    """

    root: Path
    annotation: Path
    version: str
    trees: tuple[Path, ...]


def find_release(root: Path | None) -> Release:
    """Look for the newest annotation file, CSV before JSON, and for the images, a few folders deep.

    Raises:
        DatasetError: If there is no such folder or no annotation file in it.
        OSError: If the folder cannot be read.
    """
    root = given_folder(root, "ms-cxr", STEP)
    annotations: list[tuple[tuple[int, ...], bool, int, Path, str]] = []
    similar: list[Path] = []
    trees: list[Path] = []
    search = Search("MS-CXR", root)
    for depth, folder, folders, files in walk(root, search, _NOT_ENTERED, _DEPTH):
        if any(_SHARD.fullmatch(name) for name in folders):
            trees.append(folder)
        for name in files:
            if match := _ANNOTATION.fullmatch(name):
                version, kind = match.groups()
                order = tuple(int(part) for part in version.split("."))
                annotations.append((order, kind.lower() == "csv", -depth, folder / name, version))
            elif _SIMILAR.match(name):
                similar.append(folder / name)
    if not annotations:
        missing = f"there is no MS_CXR_Local_Alignment_v*.csv or .json below {root}"
        if similar:
            raise DatasetError(f"{missing}, but {similar[0]}; unpack it, or give it the name that it was released with")
        raise DatasetError(f"{missing}; {search.sentence() if search.ended else STEP}")
    # The first of equals: folders come nearest first, then by name.
    *_, annotation, version = max(annotations, key=lambda found: found[:3])
    return Release(root, annotation, version, tuple(trees))
