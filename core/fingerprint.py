"""Hashes that name what a number rests on: files, options, source code, random streams."""

from __future__ import annotations

import ast
import hashlib
import json
from collections.abc import Callable, Collection, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

SHORT = 8
"""Length of a fingerprint in a folder's name."""

_JSON = json.JSONEncoder(sort_keys=True, ensure_ascii=True, separators=(",", ":"), default=str)


def digest(*parts: object) -> str:
    """SHA-256 (hex) of the parts' JSON form; tuples and lists are alike, the order of keys does not matter."""
    return hashlib.sha256(_JSON.encode(parts).encode()).hexdigest()


def file_digest(path: Path) -> str:
    """SHA-256 (hex) of a file's bytes."""
    whole = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(2**20):
            whole.update(chunk)
    return whole.hexdigest()


def tree_digest(path: Path) -> str:
    """SHA-256 (hex) of a file, or of a folder's relative paths and contents; links count as what they lead to.

    Hidden files and folders, and folders that may not be read, are left out.
    """
    if path.is_file():
        return file_digest(path)
    files = sorted(_files_below(path, frozenset()))
    return digest([(file.relative_to(path).as_posix(), file_digest(file)) for file in files])


def _files_below(folder: Path, above: frozenset[Path]) -> Iterator[Path]:
    real = folder.resolve()
    if real in above:  # a link to a folder that it lies in
        return
    try:
        entries = list(folder.iterdir())
    except OSError:
        return
    for entry in entries:
        if entry.name.startswith("."):
            continue
        if entry.is_dir():
            yield from _files_below(entry, above | {real})
        elif entry.is_file():
            yield entry


def seed_from(*parts: object) -> int:
    """A 64-bit seed that depends on nothing but the parts."""
    return int(digest(*parts)[:16], 16)


def generator_from(*parts: object) -> np.random.Generator:
    """A NumPy generator whose stream depends on nothing but the parts, such as an image's hash and a phrase."""
    return np.random.default_rng(seed_from(*parts))


def source_digest(path: Path, root: Path, package: str | None = None, apart: Collection[Path] = ()) -> str:
    """SHA-256 (hex) of a Python file and of every file under `root` that it imports, directly or not.

    Args:
        path: The module's file.
        root: The folder within which imports are followed.
        package: The name under which code imports `root` itself; None where `root` holds top-level modules.
        apart: Files that count for nothing; what only they import does not count either.
    """
    return files_digest(source_closure(path, root, package, apart), root)


def files_digest(files: Iterable[Path], root: Path, content: Callable[[Path], str] = file_digest) -> str:
    """SHA-256 (hex) of files' names below `root` and of what `content` says of them."""
    return digest([(file.relative_to(root.resolve()).as_posix(), content(file)) for file in files])


def source_closure(path: Path, root: Path, package: str | None = None, apart: Collection[Path] = ()) -> list[Path]:
    """A Python file and all files under `root` that it imports, anywhere in its code; sorted. See `source_digest`.

    Raises:
        SyntaxError: If one of them is not valid Python.
    """
    root = root.resolve()
    found: set[Path] = set()
    waiting = [path.resolve()]
    while waiting:
        file = waiting.pop()
        if file not in found and file not in apart:
            found.add(file)
            waiting.extend(imported_files(file, root, package))
    return sorted(found)


def imported_files(file: Path, root: Path, package: str | None = None) -> Iterable[Path]:
    """The files under `root` that a Python file imports itself; see `source_digest`."""
    for level, name in imported_names(file):
        if level == 0:
            yield from _absolute(name, root, package)
        else:
            yield from _modules(file.parents[level - 1], name.split("."), root)


def imported_names(file: Path) -> tuple[tuple[int, str], ...]:
    """What a Python file imports, anywhere in its code: how many dots stand before a name, and the name.

    Raises:
        SyntaxError: If it is not valid Python.
    """
    content = file.read_bytes()
    key = hashlib.sha256(content).digest()
    if key not in _imported:  # parsing is what takes the time where there are hundreds of files
        nodes = ast.walk(ast.parse(content, filename=str(file)))
        _imported[key] = tuple(name for node in nodes for name in _names_in(node))
    return _imported[key]


_imported: dict[bytes, tuple[tuple[int, str], ...]] = {}
"""Of contents of files, by their hash, what they import."""


def _names_in(node: ast.AST) -> Iterator[tuple[int, str]]:
    if isinstance(node, ast.Import):
        yield from ((0, alias.name) for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        yield from ((node.level, f"{node.module}.{alias.name}" if node.module else alias.name) for alias in node.names)


def _absolute(name: str, root: Path, package: str | None) -> Iterable[Path]:
    if package is None:
        yield from _modules(root, name.split("."), root)
    elif name == package or name.startswith(f"{package}."):
        yield from _modules(root, name[len(package) :].lstrip(".").split("."), root)


def _modules(base: Path, parts: list[str], root: Path) -> Iterable[Path]:
    """The files that importing ``parts`` from the folder `base` runs: packages on the way, and the module."""
    if root != base and root not in base.parents:
        return
    for count in range(1, len(parts) + 1):
        here = base.joinpath(*parts[:count])
        candidates = (here.with_suffix(".py"), here / "__init__.py")
        yield from (candidate for candidate in candidates if candidate.is_file())


def jsonable(value: Any) -> Any:
    """Options in the form in which they are hashed and stored: paths and enums become strings, tuples lists."""
    return json.loads(json.dumps(value, default=str, sort_keys=True))
