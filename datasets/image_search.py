"""The image files of a released data set, found by their ids wherever they are below its root."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from ..core import DatasetError
from ..core.doubts import Tally
from ..core.regular import is_regular
from ..core.threads import mapped
from .image_index import read_index, write_index
from .image_walk import Seen, look_for

SEVERAL = "images have several files below the root, of which one is used"

_THREADS = 8  # a network disk's latency, not the processor, is the cost

Preference = Callable[[Mapping[str, list[str]]], dict[str, list[str]]]
"""Sorts each image's files, paths relative to the root, such that the one to use comes first."""


@dataclass(frozen=True)
class FoundImages:
    """Where images are.

    Attributes:
        paths: A file for each id; where there is none, the place at which it was expected.
        missing: The ids for which there is no file.
        doubts: A sentence for each thing that the user should know of them.
    """

    paths: dict[str, Path]
    missing: frozenset[str]
    doubts: list[str]


@dataclass(frozen=True)
class Wanted:
    """The images of a data set.

    Attributes:
        name: The data set's name on the command line.
        title: Its name in messages.
        images: Where each image is expected, relative to the root, by its id.
        step: How the data set is got.
        named: What the names of its files are made of: "DICOM id".
    """

    name: str
    title: str
    images: Mapping[str, str]
    step: str
    named: str


def search_images(root: Path, wanted: Wanted, suffixes: Sequence[str], avoided: str = "") -> FoundImages:
    """The file of each image, wherever it is below the root.

    Args:
        root: The folder below which the images are.
        wanted: The images.
        suffixes: Those of the release first: of copies that hold as many images, they are used.
        avoided: A word in the path of copies that are used only where there are no others.

    Raises:
        DatasetError: If there is none of them; says what is there instead.
    """

    def by_preference(files: Mapping[str, list[str]]) -> dict[str, list[str]]:
        return preferred(files, suffixes, _copy, lambda path: bool(avoided) and avoided in path.lower())

    files, seen = walk_for(root, wanted.name, wanted.images, by_preference)
    paths = {image: files[image][0] if image in files else root / path for image, path in wanted.images.items()}
    return found_images(root, wanted, files, paths, seen)


def preferred(
    files: Mapping[str, list[str]],
    suffixes: Sequence[str],
    copy_of: Callable[[str], Hashable],
    is_last: Callable[[str], bool],
) -> dict[str, list[str]]:
    """Each image's files with the one to use first, such that all are of one copy where one holds them all.

    Args:
        files: Paths by id, relative to the root.
        suffixes: Of copies that hold as many images, the first of these is used.
        copy_of: Which copy of the images a path is of.
        is_last: Whether a path is used only where there is no other.
    """
    if all(len(paths) == 1 for paths in files.values()):
        return dict(files)
    copies = Counter(copy for paths in files.values() for copy in set(map(copy_of, paths)))

    def rank(path: str) -> tuple[bool, int, int, int, str]:
        parts = PurePosixPath(path)
        suffix = (*suffixes, parts.suffix.lower()).index(parts.suffix.lower())
        return is_last(path), -copies[copy_of(path)], suffix, len(parts.parts), path

    return {image: sorted(paths, key=rank) for image, paths in files.items()}


def walk_for(
    root: Path, name: str, images: Mapping[str, str], by_preference: Preference
) -> tuple[dict[str, list[Path]], Seen]:
    """The files of images below a root, as an earlier walk found them or else from a new one.

    Args:
        root: Where to begin.
        name: The data set's: for each is remembered apart what was found.
        images: Paths by id, as annotated.
        by_preference: Says which of several files is used.

    Returns:
        The files of each image that has one, the one to use first; and what a walk met, nothing where it was spared.
    """
    known, seen = _remembered(root, name, images, by_preference), Seen()
    if known is None:
        seen = look_for(root, images)
        write_index(root, name, seen.files)
        known = by_preference(seen.files)
    return {image: [root / path for path in paths] for image, paths in known.items()}, seen


def found_images(
    root: Path, wanted: Wanted, files: Mapping[str, Sequence[Path]], paths: dict[str, Path], seen: Seen
) -> FoundImages:
    """What a search came to.

    Args:
        root: Where was searched.
        wanted: The images.
        files: The files of each image that has one, the one to use first.
        paths: A file for each image; where there is none, the place at which it was expected.
        seen: What a walk met.

    Raises:
        DatasetError: If there is no file at all.
    """
    if not files:
        raise DatasetError(_nowhere(root, next(iter(paths.values())), wanted, seen))
    missing = frozenset(image for image in paths if image not in files)
    return FoundImages(paths, missing, [*_several(files.values()), *_left_out(seen, len(missing))])


def _copy(path: str) -> tuple[str, str]:
    """The folders of one copy of the images, whatever numbers are in their names, and their suffix."""
    parts = PurePosixPath(path)
    return re.sub(r"\d+", "#", parts.parent.as_posix()), parts.suffix.lower()


def _remembered(
    root: Path, name: str, images: Mapping[str, str], by_preference: Preference
) -> dict[str, list[str]] | None:
    """Where an earlier walk found the images; None unless it found all, and they are still there."""
    index = read_index(root, name)
    if any(image not in index for image in images):
        return None
    known = by_preference({image: index[image] for image in images})
    # Texts, not paths: there may be tens of thousands.
    there = mapped(is_regular, [f"{root}{os.sep}{paths[0]}" for paths in known.values()], _THREADS)
    return known if all(there) else None


def _several(files: Iterable[Sequence[Path]]) -> list[str]:
    tally = Tally()
    for used, *others in files:
        if others:
            tally.add(SEVERAL, f"{used} rather than {others[0]}")
    return tally.sentences()


def _left_out(seen: Seen, missing: int) -> list[str]:
    """Why images that were not found may be there all the same."""
    if not missing:
        return []
    unread = [f"{said}; images must be JPEG, PNG or DICOM files" for said in _unread(seen)]
    return [*unread, *([seen.ended] if seen.ended else [])]


def _unread(seen: Seen) -> list[str]:
    return [
        f"{count:,} {'file' if count == 1 else 'files'} of these ids with the suffix {suffix} "
        f"{'is' if count == 1 else 'are'} in {folder}"
        for suffix, (count, folder) in seen.unread.items()
    ]


def _nowhere(root: Path, tried: Path, wanted: Wanted, seen: Seen) -> str:
    """That none of the images is there, what is there instead, and the step that fits it."""
    others: list[str] = []
    if seen.others:
        images = "image" if seen.others == 1 else "images"
        others.append(f"{seen.others:,} {images} of other ids, such as {seen.other}")
    if seen.skipped:
        others.append(f"{seen.skipped:,} {'folder' if seen.skipped == 1 else 'folders'} of other patients")
    archives = [f"{_counted(seen.archives, 'archive')}, such as {seen.archive}"] if seen.archives else []
    message = f"none of the {len(wanted.images)} images of {wanted.title} is below {root} (tried {tried})"
    if there := [*_unread(seen), *archives, *others]:
        message += f", but {' and '.join(there)}"
    if seen.ended:
        return f"{message}; {seen.ended}"
    if archives:
        return f"{message}; unpack {'it' if seen.archives == 1 else 'them'} there"
    named = (
        f"images are found by their {wanted.named} wherever they are below the root, as {tried.stem}.jpg, .png or .dcm"
    )
    if seen.unread:
        return f"{message}; {named}: convert these files"
    if others:
        return f"{message}; {named}: name them so, or add those that {wanted.title} is about"
    return f"{message}; {wanted.step}"


def _counted(count: int, thing: str) -> str:
    return f"{count:,} {thing}{'' if count == 1 else 's'}"
