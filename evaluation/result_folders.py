"""The results below a folder."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from pathlib import Path

from ..core import GroundCXRError, StoreError
from ..core.config import STORE_FOLDER, results_folder
from ..core.paths import user_path
from .pair import RESULT_FILE, SAMPLES_FILE
from .result import Result, load_result
from .store import METHOD_FILE

_DEEPEST = 5
"""Folders below a results folder: imported/DATASET/PROTOCOL/METHOD, and one to spare."""


def load_results(folder: str | Path | None = None) -> list[Result]:
    """Every result below a folder, in the order of their paths; warns of each that cannot be read.

    Args:
        folder: OUT of `evaluate`, or the folder of some or one of its results; None for what `groundcxr config` shows.

    Raises:
        StoreError: If there is no such folder, or no result in it.
    """
    place = user_path(folder) if folder else results_folder()
    if not place.exists():
        raise StoreError(f"there is no folder {place}; give the one that evaluate wrote its results to")
    found: list[Result] = []
    for entry in walk_results(place):
        if isinstance(entry, str):
            warnings.warn(entry, stacklevel=2)
            continue
        try:
            found.append(load_result(entry))
        except GroundCXRError as error:
            warnings.warn(str(error), stacklevel=2)
    if not found:
        raise StoreError(f"there is no result in {place}; evaluate writes some, with out={str(place)!r}")
    return found


def walk_results(root: Path) -> Iterator[Path | str]:
    """Folders of results below a root, in a fixed order, and a sentence for each thing that looks like one and is none.

    Args:
        root: A results folder, the folder of a result, or its `result.json`.
    """
    # Unlike those of Path, these bear a folder above that may not be read.
    if root.name == RESULT_FILE and os.path.isfile(root):  # noqa: PTH113
        yield root.parent
        return
    if not os.path.isdir(root):  # noqa: PTH112
        yield f"{root} is no folder of results; give the folder that evaluate wrote with --out"
        return
    start = len(root.parts)
    unread: list[OSError] = []
    for place, folders, files in os.walk(root, onerror=unread.append):
        here = Path(place)
        # A prediction store has a file for every image and no result below it.
        inside = METHOD_FILE not in files and RESULT_FILE not in files and len(here.parts) - start < _DEEPEST
        # Whatever has the name of a result is looked at, so that a folder or a pipe of that name is told.
        if RESULT_FILE in files or RESULT_FILE in folders:
            yield here
        elif SAMPLES_FILE in files:
            yield f"{here} has {SAMPLES_FILE} but no {RESULT_FILE}: half-written, or still being written; run it again"
        folders[:] = sorted(name for name in folders if not name.startswith(".")) if inside else []
    for error in unread:
        if error.filename != str(root / STORE_FOLDER):
            yield f"{error.filename} cannot be read: {error.strerror}"
