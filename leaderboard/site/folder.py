"""The folder of a site: written whole or not at all, and never over what somebody else put there."""

from __future__ import annotations

import json
import secrets
import shutil
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path, PurePosixPath

from ...core import StoreError
from ...core.files import told
from ...core.regular import read_regular

MARKER = ".groundcxr-site.json"
"""Lists the files of a site, so that the next one takes its place and leaves everything else."""

README = "README.md"
"""Begins with settings of a Space that its owner may change, so one that is there is kept."""

_MOST_BYTES = 2**24


def check_folder(out: Path) -> frozenset[str]:
    """Refuse a folder that holds something else than a site, before anything is worked out for it.

    Args:
        out: The folder; it need not be there.

    Returns:
        The files of the site that is there, by their paths within the folder.

    Raises:
        StoreError: If it is no folder, or neither empty nor a site.
    """
    if not out.exists():
        return frozenset()
    if not out.is_dir():
        raise StoreError(f"{out} is no folder; choose another --out")
    with told(out):
        if not any(out.iterdir()):
            return frozenset()
    try:
        listed = json.loads(read_regular(out / MARKER, _MOST_BYTES))["files"]
    except FileNotFoundError:
        raise StoreError(
            f"{out} holds files that are no site of groundcxr, and none of them is touched; choose another --out, or "
            "empty the folder"
        ) from None
    except (OSError, ValueError, KeyError, TypeError):
        listed = None
    if not isinstance(listed, list) or not all(isinstance(name, str) and _is_inside(name) for name in listed):
        raise StoreError(f"{out / MARKER} is damaged, so which files are the site's is not known; choose another --out")
    return frozenset(listed)


def write_site(out: Path, files: Mapping[str, bytes]) -> None:
    """Write a site, in the place of the one that is there; files of others in the folder stay.

    All is written beside the folder first, so that a disk that is full takes nothing away.

    Args:
        out: The folder; those above it are made.
        files: By path within the folder, with "/".

    Raises:
        StoreError: If the folder holds something else, or cannot be written.
    """
    old = check_folder(out)
    out = out.resolve()  # a link stays, and what it names is written
    staged = out.with_name(f".{out.name}-{secrets.token_hex(4)}.part")
    with told(out):
        try:
            for name, content in {**files, MARKER: _marker(files)}.items():
                file = staged / name
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(content)
            if old:
                _replace(out, staged, old, frozenset(files))
            else:
                staged.rename(out)  # takes the place of an empty folder
        finally:
            shutil.rmtree(staged, ignore_errors=True)


def _replace(out: Path, staged: Path, old: frozenset[str], new: frozenset[str]) -> None:
    """Move the new files in, take away old ones that have none in their place."""
    # Should the process end between two files, the marker knows those of both sites, and the next call mends it.
    (out / MARKER).write_bytes(_marker(old | new))
    for name in sorted(new):
        target = out / name
        if name == README and target.is_file():
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        (staged / name).replace(target)
    for name in sorted(old - new):
        (out / name).unlink(missing_ok=True)
        with suppress(OSError):
            (out / name).parent.rmdir()  # where nothing is left in it
    (staged / MARKER).replace(out / MARKER)


def _marker(names: Mapping[str, bytes] | frozenset[str]) -> bytes:
    return (json.dumps({"made_by": "groundcxr site", "files": sorted(names)}, indent=1) + "\n").encode()


def _is_inside(name: str) -> bool:
    path = PurePosixPath(name)
    return bool(path.parts) and not path.is_absolute() and ".." not in path.parts
