"""From the names that an annotation file has for images to files in its folder."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path, PurePosixPath

from ..core.regular import is_regular
from ..core.threads import mapped

_THREADS = 8  # as for headers: what takes time is a network disk's latency


class ImageFolder:
    """The folder of an annotation file, in which its images are looked up.

    The text of a name must not lead out of the folder, unless that is allowed: annotation files come from others.
    Links within the folder are their owner's doing and may point anywhere; so that ".." behind a link cannot lead out
    either, it is taken out of the text before any file is looked for.
    """

    def __init__(self, folder: Path, *, outside: bool) -> None:
        """Look names up in a folder.

        Args:
            folder: Where relative names start.
            outside: Whether names may lead out of it.
        """
        self._folder = folder
        self._outside = outside
        self._roots = (folder.absolute(), folder.resolve())

    def find_all(self, names: Iterable[tuple[str, ...]]) -> dict[tuple[str, ...], str | None]:
        """How each image is written so that it is a file of the folder.

        Tried in turn is each name as written, then with backslashes as separators, as Windows writes them, then with
        the suffix in lower and in upper case.

        Args:
            names: For each image one or more names, the preferred one first.

        Returns:
            The file, relative to the folder where it lies in it; where there is none, the first name that stays in the
            folder; None where none stays in it.
        """
        distinct = list(dict.fromkeys(names))
        return dict(zip(distinct, mapped(self._find, distinct, _THREADS), strict=True))

    def _find(self, names: Sequence[str]) -> str | None:
        for name in names:
            for spelling in _spellings(name):
                plain = self._plain(spelling)
                if plain is not None and is_regular(self._folder / plain):
                    return plain
        return next((plain for name in names if (plain := self._plain(_separated(name))) is not None), None)

    def _plain(self, name: str) -> str | None:
        plain = os.path.normpath(name)
        if os.path.isabs(plain):  # noqa: PTH117 (a name, not yet a path)
            root = next((root for root in self._roots if Path(plain).is_relative_to(root)), None)
            if root is not None:
                return Path(plain).relative_to(root).as_posix()
        elif plain != ".." and not plain.startswith("../"):
            return plain
        return name if self._outside else None


def _spellings(name: str) -> Iterator[str]:
    yield name
    separated = _separated(name)
    stem, suffix = os.path.splitext(separated)  # noqa: PTH122 (keeps the folders)
    yield from dict.fromkeys([separated, stem + suffix.lower(), stem + suffix.upper()])


def _separated(name: str) -> str:
    return PurePosixPath(name.replace("\\", "/")).as_posix()
