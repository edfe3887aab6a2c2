"""What was learnt about files, remembered in the user's cache so that a slow disk is looked at once."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from ..core import GroundCXRError
from ..core.cache import cache_folder
from ..core.files import write_atomically
from ..core.fingerprint import digest
from ..core.json_text import parse_json
from ..core.regular import read_regular

_FORMAT = 1


def remembered(kind: str, *key: str) -> dict[str, Any]:
    """What `remember` was given; empty where no whole file of it is there. Its values may be anything.

    Args:
        kind: The folder in the cache.
        key: What the files are of.
    """
    try:
        content = parse_json(read_regular(_file(kind, key)))
    except (GroundCXRError, OSError, ValueError):
        return {}
    if not isinstance(content, dict) or content.get("format") != _FORMAT or content.get("key") != list(key):
        return {}
    files = content.get("files")
    return files if isinstance(files, dict) else {}


def remember(kind: str, *key: str, files: Mapping[str, Any]) -> None:
    """Write a cache; one that cannot be written costs looking again, and nothing else.

    Args:
        kind: As for `remembered`.
        key: As for `remembered`.
        files: Plain JSON values, by names of files or images.
    """
    with suppress(GroundCXRError, OSError, ValueError):
        file = _file(kind, key)
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)  # paths hold patients' numbers
        write_atomically(file, json.dumps({"format": _FORMAT, "key": key, "files": files}).encode())


def _file(kind: str, key: tuple[str, ...]) -> Path:
    return cache_folder(kind) / f"{digest(*key)[:32]}.json"
