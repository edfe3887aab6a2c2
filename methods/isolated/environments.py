"""The Python environments that were made for methods: where they are, which is whose, and taking them away.

Each is a folder of its own below the user's data folder: ``venv/``, and ``environment.json``, which is written last and
removed first, so that a folder without it is nobody's. A virtual environment cannot be moved, so it is made in place.
"""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ...core import MethodError, StoreError, UnknownNameError
from ...core.files import write_whole
from ...core.json_text import parse_json
from ...core.paths import user_data_folder
from ...core.process import is_alive
from ...core.regular import read_regular
from ..here import named_file, split_spec
from ..registry import METHODS
from .declared import create_step
from .wanted import Wanted, source_of

MARKER = "environment.json"
MAKING = "making"
"""Holds the process that makes the environment."""
_YOUNG = 3600.0
"""Seconds for which a folder that does not say who makes it is left alone."""


@dataclass(frozen=True)
class Environment:
    """An environment that is whole.

    Attributes:
        folder: Where it is.
        wanted: What it was made for.
        python: Version of its interpreter, such as "3.11.7".
        used: When it was last used, in seconds as `time.time` has them.
    """

    folder: Path
    wanted: Wanted
    python: str
    used: float

    @property
    def id(self) -> str:
        """Its name among all."""
        return self.folder.name

    @property
    def interpreter(self) -> Path:
        """Its Python."""
        return interpreter_in(self.folder)

    def size(self) -> int:
        """Bytes of its files."""
        sizes = (path.lstat().st_size for path in self.folder.rglob("*") if path.is_file() and not path.is_symlink())
        return sum(sizes)


def environments_folder() -> Path:
    """Where all environments are; it need not exist."""
    return user_data_folder("environments")


def interpreter_in(folder: Path) -> Path:
    """The Python of the environment in a folder."""
    return folder / "venv" / "bin" / "python"


def environment_for(spec: str) -> Path | None:
    """The interpreter of the environment that was made for a method and what it requires now.

    Args:
        spec: ``NAME``, ``FILE.py`` or ``FILE.py:CLASS``.

    Returns:
        None where none was made.

    Raises:
        UnknownNameError: If there is no method of that name.
        MethodError: If one was made for other requirements than the method states now, or its Python is gone.
    """
    made = list_environments()
    if not made:
        return None
    if split_spec(spec)[0] is None and METHODS.plugin(spec) is not None:
        return None
    wanted = Wanted.by(spec)
    found = next((one for one in made if one.id.startswith(wanted.start)), None)
    if found is None:
        other = next((one for one in made if one.wanted.source == wanted.source), None)
        if other is not None:
            raise MethodError(
                f"the environment {other.id} was made for other requirements than {spec} states now; make one for "
                f"these with: {create_step(spec)}, or take it away with: groundcxr env remove {other.id}"
            )
        return None
    if not found.interpreter.is_file():
        raise MethodError(
            f"the Python of the environment {found.id} is gone ({found.interpreter}); make it again with: "
            f"{create_step(spec)}"
        )
    with suppress(OSError):  # others' environments are not ours to mark
        os.utime(found.folder / MARKER)
    return found.interpreter


def list_environments() -> list[Environment]:
    """All environments that are whole, the last used first."""
    found = [one for folder in _folders() if (one := _read(folder)) is not None]
    return sorted(found, key=lambda one: one.used, reverse=True)


def remove_environments(target: str) -> list[tuple[Environment, int]]:
    """Remove an environment by its id, or all that were made for a method.

    Args:
        target: An id, a method's name, or the path of a method file, which need not exist any more.

    Returns:
        What is gone, each with its size in bytes.

    Raises:
        UnknownNameError: If there is none.
        StoreError: If it cannot be removed.
    """
    made = list_environments()
    file, class_name = named_file(target)
    whole = target if file is None else source_of(file, class_name)
    chosen = [one for one in made if one.id == target]
    # Of a file, those of each of its classes too.
    chosen = chosen or [one for one in made if one.wanted.source == whole or one.wanted.source.startswith(f"{whole}:")]
    if not chosen:
        raise UnknownNameError(f"there is no environment of {target}; `groundcxr env list` shows all")
    gone: list[tuple[Environment, int]] = []
    for one in chosen:
        gone.append((one, one.size()))
        remove_folder(one.folder)
    return gone


def remove_folder(folder: Path) -> None:
    """Take an environment away; one that is half gone is nobody's.

    Raises:
        StoreError: If the disk refuses.
    """
    try:
        (folder / MARKER).unlink(missing_ok=True)
        shutil.rmtree(folder)
    except OSError as error:
        raise StoreError(f"cannot remove {error.filename or folder}: {error.strerror or error}") from error


def remove_unfinished() -> None:
    """Remove what was left by processes that were killed while they made or removed an environment."""
    for folder in _folders():
        if not (folder / MARKER).exists() and _is_left(folder):
            shutil.rmtree(folder, ignore_errors=True)


def write_marker(folder: Path, wanted: Wanted, python: str) -> Environment:
    """Say that the environment in a folder is whole.

    Raises:
        OSError: If the disk refuses.
    """
    write_whole(folder / MARKER, (json.dumps({**asdict(wanted), "python": python}, indent=1) + "\n").encode())
    (folder / MAKING).unlink(missing_ok=True)
    return Environment(folder, wanted, python, time.time())


def _folders() -> Iterator[Path]:
    try:
        yield from sorted(path for path in environments_folder().iterdir() if path.is_dir() and not path.is_symlink())
    except OSError:
        return


def _read(folder: Path) -> Environment | None:
    file = folder / MARKER
    try:
        held: Any = parse_json(read_regular(file))
        wanted = Wanted(
            str(held["method"]), str(held["source"]), tuple(map(str, held["requirements"])), held["requires_python"]
        )
        return Environment(folder, wanted, str(held["python"]), file.stat().st_mtime)
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _is_left(folder: Path) -> bool:
    try:
        alive = is_alive((folder / MAKING).read_text(encoding="ascii", errors="replace").strip())
    except OSError:
        alive = None
    if alive is not None:
        return not alive
    try:
        return time.time() - folder.stat().st_mtime > _YOUNG and not (folder / MAKING).exists()
    except OSError:
        return False
