"""Looking for image files by their ids, whatever the folders: bounded, and entering no folder of another patient."""

from __future__ import annotations

import os
import re
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from ..core import IMAGE_SUFFIXES
from ..core.regular import is_regular
from .searching import Search

# MIMIC-CXR's patients are p10000000 to p19999999, its studies s5...; copies may leave the letter out.
PATIENT_OR_STUDY = re.compile(r"p\d{8}|s\d{8}|1\d{7}|5\d{7}")
_CHEXPERTS = re.compile(r"patient\d{5}|study\d+")
ARCHIVE = re.compile(r".*\.(zip|tar|tgz|tar\.(gz|bz2|xz)|7z|rar)(\.\d{3})?", re.IGNORECASE)
"""Names of files in which others are packed, the parts of split ones too."""

DICOM_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{8}){4}")
_DEPTH = 12  # PARENT/data/physionet.org/files/mimic-cxr/2.1.0/files/p10/p10000001/s50000001 is eight below PARENT


@dataclass
class Seen:
    """What a walk met.

    Attributes:
        files: The image files of each id, as paths relative to the root with ``/``, nearest first.
        unread: Of files that have a wanted id and a suffix that is none of an image: count and first folder, by suffix.
        archives: How many files there are in which others are packed.
        archive: The first of them.
        others: How many image files of other ids there are, outside the folders of other patients and studies.
        other: The first of them.
        skipped: How many folders of other patients and studies were not entered.
        ended: What to say where the walk ended before all folders were read.
    """

    files: dict[str, list[str]] = field(default_factory=dict)
    unread: dict[str, tuple[int, Path]] = field(default_factory=dict)
    archives: int = 0
    archive: Path | None = None
    others: int = 0
    other: Path | None = None
    skipped: int = 0
    ended: str = ""


def look_for(root: Path, images: Mapping[str, str]) -> Seen:
    """Walk through the folders below a root, nearest first.

    Args:
        root: Where to begin.
        images: Paths by id, as annotated. Where all of them name patient and study, as MIMIC-CXR's and CheXpert's do,
            the folders of other patients and studies are not entered: a thousand images take a few thousand folders of
            300,000.
    """
    seen = Seen()
    ids = {image.lower(): image for image in images}
    wanted = _folder_names(images.values())
    for folder, names in _folders(root, ids, wanted, seen):
        before = _beginnings(folder.relative_to(root).parts)
        for name in names:
            _meet(folder, name, root, ids, before, seen)
    return seen


def may_be_of(path: str, image: str) -> bool:
    """Whether the file of a path with ``/``, relative to a root, may be of an image.

    An id may be spread over the file's name and the folders around it: CheXpert's is
    ``patient64541/study1/view1_frontal.jpg`` as well as ``patient64541_study1_view1_frontal.png``.
    """
    stem, suffix = os.path.splitext(path.lower())  # noqa: PTH122
    *folders, name = (stem if suffix in IMAGE_SUFFIXES else path.lower()).split("/")
    return any(begin + name == image.lower() for begin in _beginnings(folders))


def _beginnings(folders: Sequence[str]) -> tuple[str, ...]:
    """What may stand before a file's name in an id: nothing, its folder, and the folder around that as well."""
    parts = [f"{part.lower()}_" for part in folders[-2:]]
    return tuple("".join(parts[start:]) for start in range(len(parts), -1, -1))


def _meet(folder: Path, name: str, root: Path, ids: Mapping[str, str], before: Sequence[str], seen: Seen) -> None:
    stem, suffix = os.path.splitext(name.lower())  # noqa: PTH122  # there may be 300,000 names
    if suffix not in IMAGE_SUFFIXES and name.lower() in ids:  # a UID without suffix ends with a number after a point
        stem, suffix = name.lower(), ""
    image = next((ids[begin + stem] for begin in before if begin + stem in ids), None)
    if suffix in IMAGE_SUFFIXES or (not suffix and image):  # archives of DICOM files often have no suffixes
        if image is None:
            if not name.startswith("."):
                seen.others += 1
                seen.other = seen.other or folder / name
        elif is_regular(folder / name):
            seen.files.setdefault(image, []).append((folder / name).relative_to(root).as_posix())
    elif (begin := next((part for part in (stem, name.lower().partition(".")[0]) if part in ids), None)) is not None:
        kind = name[len(begin) :].lower() or "''"
        count, first = seen.unread.get(kind, (0, folder))
        seen.unread[kind] = count + 1, first
    elif ARCHIVE.fullmatch(name):
        seen.archives += 1
        seen.archive = seen.archive or folder / name


def _folders(
    root: Path, ids: Mapping[str, str], wanted: set[str] | None, seen: Seen
) -> Iterator[tuple[Path, list[str]]]:
    """(folder, names of its files), nearest first and then by name."""
    waiting = deque([(0, root)])
    linked = {root.resolve()}
    search = Search("images", root)
    while waiting:
        if not search.goes_on():
            seen.ended = search.sentence()
            return
        depth, folder = waiting.popleft()
        folders: list[str] = []
        files: list[str] = []
        with suppress(OSError), os.scandir(folder) as entries:  # OSError: a folder of somebody else's below the root
            for entry in entries:
                is_folder = entry.is_dir(follow_symlinks=False) or _leads_elsewhere(entry, root, linked)
                (folders if is_folder else files).append(entry.name)
        yield folder, sorted(files)
        for name in sorted(folders) if depth < _DEPTH else ():
            if _is_anothers(name.lower(), ids, wanted):
                seen.skipped += 1
            elif not name.startswith("."):
                waiting.append((depth + 1, folder / name))


def _leads_elsewhere(entry: os.DirEntry[str], root: Path, linked: set[Path]) -> bool:
    """Whether an entry is a link to a folder that the walk would not reach otherwise."""
    if not entry.is_symlink() or PurePosixPath(entry.name).suffix.lower() in IMAGE_SUFFIXES:
        return False
    try:
        target = Path(entry.path).resolve()
        if not target.is_dir():
            return False
    except (OSError, RuntimeError):  # a folder of somebody else's, or a link to itself
        return False
    if target in linked or target.is_relative_to(root.resolve()):
        return False
    linked.add(target)
    return True


def _is_anothers(name: str, ids: Mapping[str, str], wanted: set[str] | None) -> bool:
    if DICOM_ID.fullmatch(name):
        return name not in ids
    return wanted is not None and name not in wanted and _is_patient_or_study(name)


def _folder_names(paths: Iterable[str]) -> set[str] | None:
    """Names that the folders of the images' patients and studies may have; None where a path does not name both."""
    names: set[str] = set()
    for path in paths:
        parts = [part.lower() for part in PurePosixPath(path).parts if _is_patient_or_study(part.lower())]
        if len(parts) < 2:
            return None
        names.update(parts, (part.lstrip("ps") for part in parts))
    return names


def _is_patient_or_study(name: str) -> bool:
    return bool(PATIENT_OR_STUDY.fullmatch(name) or _CHEXPERTS.fullmatch(name))
