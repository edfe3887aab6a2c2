"""Where the images below a root were found, remembered so that a slow disk is walked once."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from ..core import GroundCXRError
from ..core.cache import cache_folder
from ..core.files import write_atomically
from ..core.fingerprint import digest
from ..core.json_text import parse_json
from ..core.regular import read_regular
from .image_walk import may_be_of

_FORMAT = 1


def read_index(root: Path, name: str) -> dict[str, list[str]]:
    """Relative paths by id as they were found below a root for a data set; empty where nothing sound is remembered."""
    try:
        content = parse_json(read_regular(_file(root, name)))
    except (GroundCXRError, OSError, ValueError):
        return {}
    if not isinstance(content, dict) or content.get("format") != _FORMAT or content.get("root") != _key(root):
        return {}
    files = content.get("files")
    if not isinstance(files, dict):
        return {}
    return {image: paths for image, paths in files.items() if _is_sound(image, paths)}


def write_index(root: Path, name: str, files: Mapping[str, list[str]]) -> None:
    """Remember what a walk found; a cache that cannot be written costs another walk, and nothing else."""
    content = {"format": _FORMAT, "root": _key(root), "files": files}
    with suppress(GroundCXRError, OSError, ValueError):
        file = _file(root, name)
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)  # paths hold patients' numbers
        write_atomically(file, json.dumps(content).encode())


def _file(root: Path, name: str) -> Path:
    return cache_folder("images") / f"{digest(name, _key(root))[:32]}.json"


def _key(root: Path) -> str:
    return os.fspath(root.resolve())


def _is_sound(image: str, paths: object) -> bool:
    """Whether paths could have been found: whatever became of the file, it never leads to another image."""
    return isinstance(paths, list) and bool(paths) and all(_is_of(image, path) for path in paths)


def _is_of(image: str, path: object) -> bool:
    return isinstance(path, str) and may_be_of(path, image) and path[0] != "/" and ".." not in path.split("/")
