"""The files of MIMIC-CXR's images below a folder, as JPG, PNG or DICOM and in whatever folders a group keeps them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePath, PurePosixPath

from ..core.regular import is_regular
from ..core.threads import mapped
from .image_search import FoundImages, Wanted, found_images, preferred, walk_for
from .image_walk import DICOM_ID, PATIENT_OR_STUDY, Seen
from .physionet import STEP

_RELEASED = re.compile(r"(?:^|/)(p1\d/p\d{8}/s\d{8}/[^/]+)$")
_OF_THE_LAYOUT = re.compile(rf"p?1\d|{PATIENT_OR_STUDY.pattern}|{DICOM_ID.pattern}", re.IGNORECASE)
_LAYOUTS = (".jpg", ".dcm")  # MIMIC-CXR-JPG, whose pixels MS-CXR was drawn on, and the originals, MIMIC-CXR
_SUFFIXES = (".jpg", ".jpeg", ".dcm", ".dicom", ".png")  # of copies with as many images, the first is used
_THREADS = 8  # a network disk's latency, not the processor, is the cost


def find_images(root: Path, trees: Sequence[Path], images: Mapping[str, str]) -> FoundImages:
    """The file of each image: in the layout of MIMIC-CXR-JPG, else in that of MIMIC-CXR, else wherever its id is.

    Only the last needs a walk through the folders, and what it finds is remembered.

    Args:
        root: The folder below which the images are.
        trees: Folders below it that hold ``p10`` to ``p19``, those nearest to the root first.
        images: Each image's path by its DICOM id, as annotated.

    Raises:
        DatasetError: If there is none of them; says what is there instead.
    """
    files = _in_released_layout(trees, images)
    missing = {image: path for image, path in images.items() if image not in files}
    seen = Seen()
    if missing:
        walked, seen = walk_for(root, "ms-cxr", missing, _by_preference)
        files |= walked
    expected = trees[0] if trees else root / "files"
    places = Counter(tree for tree in trees for paths in files.values() if paths[0].is_relative_to(tree))
    if places:
        expected = places.most_common(1)[0][0]
    paths = {
        image: files[image][0] if image in files else expected / _released_path(path) for image, path in images.items()
    }
    return found_images(root, Wanted("ms-cxr", "MS-CXR", images, STEP, "DICOM id"), files, paths, seen)


def is_released(path: PurePath) -> bool:
    """Whether a file lies where MIMIC-CXR-JPG has it, under whatever folder."""
    return path.suffix == _LAYOUTS[0] and bool(_RELEASED.search(path.as_posix()))


def _in_released_layout(trees: Sequence[Path], images: Mapping[str, str]) -> dict[str, list[Path]]:
    """Files by id, those in the tree that holds most of them first."""
    files: dict[str, list[Path]] = {}
    for suffix in _LAYOUTS:
        missing = {image: path for image, path in images.items() if image not in files}
        held = [_held(tree, missing, suffix) for tree in trees] if missing else []
        for one in sorted(held, key=len, reverse=True):
            for image, path in one.items():
                files.setdefault(image, []).append(path)
    return files


def _held(tree: Path, images: Mapping[str, str], suffix: str) -> dict[str, Path]:
    paths = [tree / _released_path(path).with_suffix(suffix) for path in images.values()]
    there = mapped(is_regular, paths, _THREADS)
    return {image: path for image, path, held in zip(images, paths, there, strict=True) if held}


def _released_path(image: str) -> PurePosixPath:
    """An image's path below ``files``, whatever folders an edited annotation file puts before it."""
    found = _RELEASED.search(image)
    return PurePosixPath(found[1] if found else PurePosixPath(image).name)


def _by_preference(files: Mapping[str, list[str]]) -> dict[str, list[str]]:
    return preferred(files, _SUFFIXES, _copy, lambda path: not is_released(PurePosixPath(path)))


def _copy(path: str) -> tuple[tuple[str, ...], str]:
    """The folder in which a copy of the images begins, and their suffix."""
    *folders, name = PurePosixPath(path).parts
    while folders and _OF_THE_LAYOUT.fullmatch(folders[-1]):
        folders.pop()
    return tuple(folders), PurePosixPath(name).suffix.lower()
