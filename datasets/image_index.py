"""Where the images below a root were found, remembered so that a slow disk is walked once."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from .image_walk import may_be_of
from .remembered import remember, remembered

_KIND = "images"


def read_index(root: Path, name: str) -> dict[str, list[str]]:
    """Relative paths by id as they were found below a root for a data set; empty where nothing sound is remembered."""
    return {image: paths for image, paths in remembered(_KIND, name, _key(root)).items() if _is_sound(image, paths)}


def write_index(root: Path, name: str, files: Mapping[str, list[str]]) -> None:
    """Remember what a walk found."""
    remember(_KIND, name, _key(root), files=files)


def _key(root: Path) -> str:
    return os.fspath(root.resolve())


def _is_sound(image: str, paths: object) -> bool:
    """Whether paths could have been found: whatever became of the file, it never leads to another image."""
    return isinstance(paths, list) and bool(paths) and all(_is_of(image, path) for path in paths)


def _is_of(image: str, path: object) -> bool:
    return isinstance(path, str) and may_be_of(path, image) and path[0] != "/" and ".." not in path.split("/")
