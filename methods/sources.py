"""The source files that decide what a method answers: its own, those beside it, and an author's code elsewhere."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from ..core.fingerprint import digest, file_digest, files_digest, imported_files, imported_names, source_closure
from ..core.modules import file_of, said_by
from ..core.tracebacks import is_installed

_OURS = __name__.partition(".")[0]


@dataclass(frozen=True)
class Sources:
    """Source files, as they were when their modules were loaded, and what tells them from others.

    Attributes:
        digest: SHA-256 (hex) of their names and contents.
        files: Their absolute paths, links resolved.
    """

    digest: str
    files: frozenset[str]

    @classmethod
    def of(cls, path: Path, root: Path, package: str | None = None, apart: Collection[Path] = ()) -> Sources:
        """Those of a module, by the names that its code imports anywhere, directly or not.

        What is imported from below `root` counts, and from elsewhere what is no installed package: a folder that the
        code puts on ``sys.path``, or a checkout that was installed as editable. It is looked for where Python finds it
        now.

        Args:
            path: The module's file.
            root: As of `source_closure`.
            package: As there.
            apart: As there.

        Raises:
            SyntaxError: If a file below `root` is not valid Python.
        """
        own = source_closure(path, root, package, apart)
        if package and package.partition(".")[0] == _OURS:
            return cls(files_digest(own, root), frozenset(map(str, own)))
        elsewhere, content = _elsewhere(own), _contents()
        found = files_digest(own, root, content)
        if elsewhere:  # said only where there is any, so that other methods keep their fingerprints
            found = digest(found, sorted((name, content(file)) for file, name in elsewhere.items()))
        return cls(found, frozenset(map(str, (*own, *elsewhere))))


_loaded: dict[str, tuple[Any, str]] = {}
"""Of files whose modules are loaded the modules' specs, and the hash that the file had when it was first asked for."""


def _contents() -> Callable[[Path], str]:
    """What gives the SHA-256 (hex) of a source file; of a loaded module as it was when that was first asked.

    A module that is edited, in a notebook's session, goes on as it was until it is loaded again, which gives it another
    spec. What it answers until then must not be taken for answers of the edited code.
    """
    specs: dict[str, Any] = {}
    for module in list(sys.modules.values()):
        file = file_of(module)
        if file is not None and file.endswith(".py") and not is_installed(file):
            specs[os.path.realpath(file)] = said_by(module, "__spec__")

    def content(file: Path) -> str:
        place = os.path.realpath(str(file))
        if place not in specs:
            return file_digest(file)
        if place not in _loaded or _loaded[place][0] is not specs[place]:
            _loaded[place] = specs[place], file_digest(file)
        return _loaded[place][1]

    return content


def _elsewhere(own: Iterable[Path]) -> dict[Path, str]:
    """Files of an author's own code outside a root that its files import; the name of each within its own folder."""
    known = set(own)
    folders_of = lru_cache(maxsize=None)(_folders_of)
    found: dict[Path, str] = {}
    # Each with the folder of its own package, of which its relative imports are.
    waiting: list[tuple[Path, list[Path]]] = [(file, []) for file in own]
    while waiting:
        file, home = waiting.pop()
        tops = _tops_imported(file)
        if tops is None:
            continue
        for folder in dict.fromkeys([*home, *(place for top in sorted(tops) for place in folders_of(top))]):
            for other in imported_files(file, folder):
                other = other.resolve()
                if other not in known and not is_installed(str(other)):
                    known.add(other)
                    found[other] = os.path.relpath(str(other), str(folder)).replace(os.sep, "/")
                    waiting.append((other, [folder]))
    return found


def _folders_of(top: str) -> list[Path]:
    """The folders below which Python finds a top-level module that is not installed; none where it is, or is nowhere.

    Args:
        top: Its name.
    """
    try:
        spec = find_spec(top)
    except Exception:  # of a module that says nothing of its origin; finders of their own raise many types
        return []
    if spec is None or top == _OURS:
        return []
    places = [Path(place) for place in spec.submodule_search_locations or ()]
    if not places and spec.origin is not None and spec.origin.endswith(".py"):
        places = [Path(spec.origin)]
    return [place.resolve().parent for place in places if place.exists() and not _is_installed(place)]


def _is_installed(place: Path) -> bool:
    """Whether a top-level module lies among installed ones, whose folder may be a link; one that is a link may not."""
    real = place.resolve()
    return is_installed(str(real)) or (is_installed(str(place)) and real == place.parent.resolve() / place.name)


def _tops_imported(file: Path) -> set[str] | None:
    """The first parts of the names that a file's code imports, but for those within its own package.

    None where it is no Python that this one reads: an alternative for another version, which nobody imports here.
    """
    try:
        return {name.partition(".")[0] for level, name in imported_names(file) if level == 0}
    except (OSError, SyntaxError, ValueError, RecursionError):
        return None
