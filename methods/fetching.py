"""What a method needs from model hubs: brought by the code that loads it, and told file by file."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ..core.errors import told_as
from .base import GroundingMethod
from .requirements import require
from .watching import FilesSeen, hub_folders, watching

_REPOSITORY = re.compile(r"(?:models|datasets|spaces)--(.+)")
_PACKAGE = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Fetched:
    """A folder of files that a method needs.

    Attributes:
        name: A hub repository with its commit, "owner/name@0123456789ab", or what else the folder is.
        folder: Where it is.
        files: The files in it and their sizes in bytes, by name.
        from_hub: Whether a hub's client has brought it.
    """

    name: str
    folder: Path
    files: dict[str, int]
    from_hub: bool

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(self.files.values())


def fetch(method: GroundingMethod) -> list[Fetched]:
    """Have a method bring what it needs (`GroundingMethod.fetch`), and find where it was put.

    Listed is every snapshot of a hub repository that a file was read from or put into meanwhile, the one that `weights`
    names, files of PyTorch's hub, and the files and folders that weights and options name.

    Raises:
        MethodError: If something cannot be brought or loaded.
    """
    name = method.name or type(method).__name__
    require(name, method.requirements, method.requires_python)
    before = set(_cached())
    seen = FilesSeen()
    with told_as(f"what the method {name!r} needs could not be fetched"), watching(seen, loading=True):
        method.fetch()
    asked = method.answering()
    used = {path for path in _cached() if path not in before or str(path) in seen.read or _real(path) in seen.read}
    hub, torch = hub_folders()
    snapshots = {folder for path in used if (folder := _snapshot(path, hub)) is not None}
    snapshots |= {named for one in asked if (named := _named_snapshot(one.weights or "", hub)) is not None}
    found = [_of_snapshot(folder, hub) for folder in sorted(snapshots)]
    others = sorted(path for path in used if path.is_relative_to(torch))
    found += [Fetched("of PyTorch's hub", path.parent, {path.name: path.stat().st_size}, True) for path in others]
    places = dict.fromkeys(place.resolve() for one in asked for place in one.declared_places())
    return found + [_given(place) for place in places if place.exists() and not place.is_relative_to(_PACKAGE)]


def _cached() -> Iterator[Path]:
    """The files that hubs' clients have, each under the name that it is read by."""
    hub, torch = hub_folders()
    yield from _files(hub, "*/snapshots/*")
    yield from _files(torch, "checkpoints")


def _files(folder: Path, below: str) -> Iterator[Path]:
    for start in folder.glob(below):
        yield from (path for path in start.rglob("*") if path.is_file())


def _real(path: Path) -> str:
    """Where a link leads: what is mapped into memory is known by that name."""
    return os.path.realpath(path)


def _snapshot(path: Path, hub: Path) -> Path | None:
    """The snapshot folder, models--OWNER--NAME/snapshots/COMMIT, of a file of the Hugging Face hub."""
    return hub.joinpath(*path.relative_to(hub).parts[:3]) if path.is_relative_to(hub) else None


def _named_snapshot(weights: str, hub: Path) -> Path | None:
    """The snapshot of a hub id, "owner/name" or "owner/name@revision", if it is there."""
    if not re.fullmatch(r"[\w-][\w.-]*/[\w.-]+(@[\w./-]+)?", weights):
        return None
    repository, _, revision = weights.partition("@")
    folder = hub / f"models--{repository.replace('/', '--')}"
    try:
        commit = (folder / "refs" / (revision or "main")).read_text(encoding="ascii").strip()
    except OSError:
        commit = revision
    snapshot = folder / "snapshots" / commit
    return snapshot if commit and snapshot.is_dir() else None


def _of_snapshot(folder: Path, hub: Path) -> Fetched:
    kept = folder.relative_to(hub).parts[0]
    match = _REPOSITORY.fullmatch(kept)
    name = match[1].replace("--", "/", 1) if match else kept
    return Fetched(f"{name}@{folder.name[:12]}", folder, _sizes(folder), True)


def _given(place: Path) -> Fetched:
    if place.is_dir():
        return Fetched("given", place, _sizes(place), False)
    return Fetched("given", place.parent, {place.name: place.stat().st_size}, False)


def _sizes(folder: Path) -> dict[str, int]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.stat().st_size for path in files}
