"""Where MS-CXR's annotations and MIMIC-CXR-JPG's images lie below a folder, however they were downloaded."""

from __future__ import annotations

import os
import re
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..core import DatasetError

STEP = (
    "download MS-CXR (https://physionet.org/content/ms-cxr/) and its images from MIMIC-CXR-JPG "
    "(https://physionet.org/content/mimic-cxr-jpg/) with a credentialed PhysioNet account, "
    "and give the folder that holds both as --root"
)

_ANNOTATION = re.compile(r"MS_CXR_Local_Alignment_v(\d+(?:\.\d+)*)\.(csv|json)")
_SHARD = re.compile(r"p1\d")  # MIMIC-CXR-JPG keeps patients p10000000 to p19999999 in files/p10 to files/p19
_NOT_ENTERED = re.compile(r"\..*|p1\d|p\d{8}|s\d{8}")
_DEPTH = 5  # PARENT/physionet.org/files/ms-cxr/1.1.0 and PARENT/physionet.org/files/mimic-cxr-jpg/2.1.0/files
_MOST_FOLDERS = 20_000  # a root such as the home folder must not take minutes
_PROBES = 50


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

    def image_tree(self, images: Sequence[str]) -> tuple[Path, tuple[Path, ...]]:
        """The folder that has most of the images, and other folders that have as many.

        Args:
            images: Paths as in the annotation file; about 50 of them are looked up.

        Raises:
            DatasetError: If none of the folders has any of the images looked up, nor any other image of the list.
        """
        probes = images[:: max(1, len(images) // _PROBES)]
        counts = [sum(image_path(tree, probe).is_file() for probe in probes) for tree in self.trees]
        if not any(counts):  # a subset of the images may have none of those looked up
            counts = [int(any(image_path(tree, image).is_file() for image in images)) for tree in self.trees]
        if not any(counts):
            tried = image_path(self.trees[0], images[0]) if self.trees else self.root / images[0]
            raise DatasetError(
                f"none of the {len(images)} images of MS-CXR is below {self.root} (tried {tried}); {STEP}"
            )
        best = [tree for tree, count in zip(self.trees, counts, strict=True) if count == max(counts)]
        return best[0], tuple(best[1:])


def find_release(root: Path | None) -> Release:
    """Look for the newest annotation file, CSV before JSON, and for the images, a few folders deep.

    Raises:
        DatasetError: If there is no such folder or no annotation file in it.
    """
    if root is None:
        raise DatasetError(f"ms-cxr needs --root, the folder of its files; {STEP}")
    if not root.is_dir():
        raise DatasetError(f"ms-cxr: there is no folder {root}; {STEP}")
    annotations: list[tuple[tuple[int, ...], bool, int, Path, str]] = []
    trees: list[Path] = []
    for depth, folder, folders, files in _folders(root):
        if any(_SHARD.fullmatch(name) for name in folders):
            trees.append(folder)
        for name in files:
            if match := _ANNOTATION.fullmatch(name):
                version, kind = match.groups()
                order = tuple(int(part) for part in version.split("."))
                annotations.append((order, kind == "csv", -depth, folder / name, version))
    if not annotations:
        raise DatasetError(f"there is no MS_CXR_Local_Alignment_v*.csv or .json below {root}; {STEP}")
    # The first of equals: folders come nearest first, then by name.
    *_, annotation, version = max(annotations, key=lambda found: found[:3])
    return Release(root, annotation, version, tuple(trees))


def image_path(tree: Path, image: str) -> Path:
    """An image's file below the folder that holds ``p10`` to ``p19``."""
    return tree / image.removeprefix("files/")


def _folders(root: Path) -> Iterator[tuple[int, Path, list[str], list[str]]]:
    """(depth, folder, names of folders in it, names of files), nearest first; image folders are not entered."""
    waiting = deque([(0, root)])
    for _ in range(_MOST_FOLDERS):
        if not waiting:
            return
        depth, folder = waiting.popleft()
        try:
            with os.scandir(folder) as entries:
                kinds = sorted((entry.name, entry.is_dir()) for entry in entries)
        except OSError:  # a folder of somebody else's below the root
            continue
        folders = [name for name, is_folder in kinds if is_folder]
        yield depth, folder, folders, [name for name, is_folder in kinds if not is_folder]
        if depth < _DEPTH:
            waiting.extend((depth + 1, folder / name) for name in folders if not _NOT_ENTERED.fullmatch(name))
