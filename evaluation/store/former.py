"""Stores as they were before: an archive an image, and notes of grounding beside them; read, and converted.

`ab/IMAGE.npz` holds all answers about an image; `seconds.jsonl` has lines [image, seconds, way, peak memory by place,
[query, ...]], the first ones of two fields; `grounded/` has a file for each way.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import shutil
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import ValidationError

from ...core import Box, Grounding, Heatmap
from ...core.files import make_private, write_atomically
from ...core.json_text import parse_json
from ...core.regular import read_regular
from ..grounding_notes import Way
from ..prediction import Failure, Prediction
from .batch_file import DamagedPredictionsError, Member, Origin, pack, unreadable
from .index import ENDING

_FOLDER = re.compile("[0-9a-f]{2}")
_FILE = re.compile(r"[0-9a-f]{32}\.npz")
_SECONDS = "seconds.jsonl"
_WAYS = "grounded"
_SCHEMA = 1
_TOGETHER = 8 * 2**20
"""Bytes of archives that become one file."""


def former_files(folder: Path) -> list[Path]:
    """The archives in a method's folder, in a fixed order; none in a store of now."""
    found: list[Path] = []
    for place in _former_folders(folder):
        with suppress(FileNotFoundError):
            found += sorted(file for file in place.iterdir() if _FILE.fullmatch(file.name))
    return found


def is_former(folder: Path) -> bool:
    """Whether a method's folder has archives."""
    return bool(_former_folders(folder))


def read_former(folder: Path, image: str) -> dict[str, Prediction]:
    """All answers in an image's archive, by query key; empty where there is none.

    Raises:
        DamagedPredictionsError: If it is damaged.
        StoreError: If it cannot be read.
    """
    return _read(folder / image[:2] / f"{image}.npz")


def convert(folder: Path, batches: Path, root: Path) -> None:
    """Make files of now out of all archives; each goes when its answers are safe, and a damaged one stays.

    Two processes may do this at once: what one has taken away is in a file that it has written.

    Args:
        folder: A method's folder.
        batches: Where files go.
        root: The store's folder.

    Raises:
        StoreError: If the folder cannot be read or written.
    """
    files = former_files(folder)
    origins = _Origins(folder) if files else None
    waiting: list[Path] = []
    members: list[Member] = []
    size = 0

    def write() -> None:
        nonlocal size
        if members:
            make_private(batches, root)
            content, _ = pack(members)
            # By its content, so that two processes that convert the same archives write one file.
            name = f"{0:020d}-{hashlib.sha256(content).hexdigest()[:12]}-1{ENDING}"
            write_atomically(batches / name, content, private=True)
        for file in waiting:
            with suppress(OSError):
                file.unlink(missing_ok=True)
        members.clear()
        waiting.clear()
        size = 0

    for file in files:
        assert origins is not None  # noqa: S101
        try:
            answers = _read(file)
        except DamagedPredictionsError:
            continue
        members += [Member.of(file.stem, key, one, origins.of(file.stem, key)) for key, one in sorted(answers.items())]
        waiting.append(file)
        size += sum(len(member.content) for member in members[-len(answers) :] if answers)
        if size >= _TOGETHER:
            write()
    write()
    for place in _former_folders(folder):
        with suppress(OSError):  # a damaged archive may be in it
            (place / ".lock").unlink(missing_ok=True)
            place.rmdir()
    if not former_files(folder):
        for name in (_SECONDS, ".lock", ".writer"):
            with suppress(OSError):
                (folder / name).unlink(missing_ok=True)
        shutil.rmtree(folder / _WAYS, ignore_errors=True)


def forget_former(folder: Path, image: str) -> None:
    """Delete an image's archive, which is damaged and has nothing to keep."""
    place = folder / image[:2]
    with suppress(OSError):
        (place / f"{image}.npz").unlink(missing_ok=True)
        place.rmdir()


class _Origins:
    """How answers in archives were made. A line that was cut by a kill is passed over."""

    def __init__(self, folder: Path) -> None:
        self._seconds: dict[str, float] = {}
        self._way_ids: dict[tuple[str, str], str] = {}
        self._peaks: dict[str, dict[str, float]] = {}
        self._ways: dict[str, Way | None] = {}
        self._known: dict[tuple[float | None, str | None], Origin] = {}
        self._folder = folder
        for line in self._lines():
            try:
                self._take(*parse_json(line))
            except (ValueError, TypeError, AttributeError):
                continue

    def of(self, image: str, query: str) -> Origin:
        key = self._seconds.get(image), self._way_ids.get((image, query))
        if key not in self._known:
            seconds, way = key
            peak = {} if way is None else self._peaks.get(way, {})
            self._known[key] = Origin(0.0, seconds, peak, "", None if way is None else self._way(way))
        return self._known[key]

    def _take(self, image: str, seconds: float, *more: Any) -> None:
        self._seconds[str(image)] = float(seconds)
        if more:
            way, peak, queries = more
            self._way_ids.update({(str(image), str(query)): str(way) for query in queries})
            known = self._peaks.setdefault(str(way), {})
            known.update({place: max(float(mb), known.get(place, 0.0)) for place, mb in peak.items()})

    def _lines(self) -> list[str]:
        try:
            return read_regular(self._folder / _SECONDS).decode("ascii", errors="replace").splitlines()
        except OSError:
            return []

    def _way(self, name: str) -> Way | None:
        if name not in self._ways:
            try:
                content = read_regular(self._folder / _WAYS / f"{name}.json")
                self._ways[name] = Way.model_validate_json(content)
            except (OSError, ValidationError):
                self._ways[name] = None
        return self._ways[name]


def _former_folders(folder: Path) -> list[Path]:
    try:
        return sorted(place for place in folder.iterdir() if _FOLDER.fullmatch(place.name))
    except FileNotFoundError:
        return []
    except OSError as error:
        raise unreadable(folder, error) from error


def _read(file: Path) -> dict[str, Prediction]:
    try:
        content = read_regular(file)
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise unreadable(file, error) from error
    try:
        return decode_archive(content)
    except ValueError as error:
        raise DamagedPredictionsError.of(file, str(error)) from error


def decode_archive(content: bytes) -> dict[str, Prediction]:
    """The answers in an archive, by query key.

    Raises:
        ValueError: If the bytes are none of this schema.
    """
    if not content.startswith(b"PK"):
        raise ValueError("it is no zip archive")
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            meta = json.loads(_array(archive, "predictions").tobytes())
            if meta["schema"] != _SCHEMA:
                raise ValueError(f"schema {meta['schema']} instead of {_SCHEMA}")
            return {str(item["key"]): _prediction(item, archive) for item in meta["items"]}
    # What zipfile, zlib, NumPy and JSON raise on damaged bytes is open-ended: RuntimeError (encrypted), MemoryError ...
    except Exception as error:
        raise ValueError(next(iter(str(error).splitlines()), "") or type(error).__name__) from error


def _array(archive: zipfile.ZipFile, name: str) -> np.ndarray[Any, Any]:
    """An array of an ``.npz``.

    Its file is read whole, which checks its checksum. NumPy would stop where the array's header says, and take a
    damaged header's word for it: a map of another shape.
    """
    return np.load(io.BytesIO(archive.read(f"{name}.npy")), allow_pickle=False)


def _prediction(item: dict[str, Any], archive: zipfile.ZipFile) -> Prediction:
    if "failed" in item:
        kind, message = item["failed"]
        return Failure(str(kind), str(message))
    heatmap = None
    if "extent" in item:
        heatmap = Heatmap(_array(archive, item["key"]), Box(*item["extent"]), tuple(item["image_size"]))
    return Grounding(heatmap, tuple(Box(*box) for box in item["boxes"]), bool(item.get("truncated", False)))


def members_of(folder: Path) -> Iterator[tuple[str, str, Prediction]]:
    """Every answer in the archives: image key, query key, answer.

    Raises:
        StoreError: If an archive is damaged or cannot be read.
    """
    for file in former_files(folder):
        for key, prediction in _read(file).items():
            yield file.stem, key, prediction
