"""The files of the store: one holds the answers of a batch, a directory of them, and how they were made.

A first part (magic, length and hash of the directory, directory) and the answers, each compressed by itself. The
directory is JSON, compressed:

    {"origins": [{"written", "seconds", "peak_memory_mb", "host", "way"}, ...],
     "images": {IMAGE KEY: [[QUERY KEY, answered, overwritten, turn, origin, length, hash], ...], ...}}

No byte of the file is without a hash: that of the first part covers those of the answers.
"""

from __future__ import annotations

import hashlib
import json
import os
import zlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from ...core.errors import StoreError
from ...core.fingerprint import digest
from ...core.regular import check_regular
from ..grounding_notes import Way
from ..prediction import Failure, Prediction, encode

_MAGIC = b"groundcxr predictions 1\n"
_KIND = b"groundcxr predictions "
_LENGTH = 8
_HASH = 16
_START = len(_MAGIC) + _LENGTH + _HASH
_LEVEL = 1
"""Of zlib: maps are noise to it, and higher levels take three times as long for a hundredth less."""


class DamagedPredictionsError(StoreError):
    """A file of the store that holds something else than what was written."""

    @classmethod
    def of(cls, path: Path, reason: str) -> DamagedPredictionsError:
        """The sentence about a file."""
        return cls(
            f"the predictions in {path} are damaged ({reason}); run evaluate with the same method and options, which "
            "makes them again"
        )


class VanishedError(StoreError):
    """A file that is not there any more: its answers are in another one now."""


@dataclass(frozen=True)
class Origin:
    """How answers came to be, as far as it is known.

    Attributes:
        written: When, in seconds since 1970; 0 where nobody knows.
        seconds: What one sample took; None for those of an import.
        peak_memory_mb: The highest use of memory, by place.
        host: The kind of machine, never its name.
        way: Where and with what; None where nothing is noted.
    """

    written: float = 0.0
    seconds: float | None = None
    peak_memory_mb: dict[str, float] = field(default_factory=dict)
    host: str = ""
    way: Way | None = None

    @cached_property
    def id(self) -> str:
        """A hash of all of it."""
        return digest(self.as_json())

    @cached_property
    def way_id(self) -> str | None:
        """The hash of the way."""
        return None if self.way is None else self.way.id

    def as_json(self) -> dict[str, Any]:
        """For a directory."""
        return {
            "written": self.written,
            "seconds": self.seconds,
            "peak_memory_mb": self.peak_memory_mb,
            "host": self.host,
            "way": None if self.way is None else self.way.model_dump(),
        }

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> Origin:
        """The inverse of `as_json`."""
        way = content["way"]
        return cls(
            content["written"],
            content["seconds"],
            content["peak_memory_mb"],
            content["host"],
            None if way is None else Way.model_validate(way),
        )


class Item(NamedTuple):
    """One answer in a file.

    Attributes:
        image: The image's key.
        query: The answer's key.
        answered: Whether it is an answer, and not a failure.
        overwritten: How many times it was asked to be made anew.
        turn: How many failures came before.
        origin: How it was made.
        offset: Where its bytes are in the file.
        length: How many there are.
        hash: Of these bytes.
    """

    image: str
    query: str
    answered: bool
    overwritten: int
    turn: int
    origin: Origin
    offset: int
    length: int
    hash: str

    @property
    def rank(self) -> tuple[object, ...]:
        """Of two copies of an answer, the one of the lower rank counts, for every reader alike.

        What was made anew counts before what its writer saw, an answer before a failure, a later failure before an
        earlier one, and for the rest any fixed order will do that does not depend on files.
        """
        return -self.overwritten, not self.answered, -self.turn, self.hash, self.origin.id


class Member(NamedTuple):
    """An answer on its way into a file: what an `Item` says of it, and its compressed bytes."""

    image: str
    query: str
    answered: bool
    overwritten: int
    turn: int
    origin: Origin
    content: bytes

    @classmethod
    def of(cls, image: str, query: str, prediction: Prediction, origin: Origin) -> Member:
        """A prediction that nobody has made before."""
        content = zlib.compress(encode(prediction), _LEVEL)
        return cls(image, query, not isinstance(prediction, Failure), 0, 0, origin, content)


def hash_of(content: bytes) -> str:
    """Of an answer's compressed bytes."""
    return hashlib.sha256(content).hexdigest()[:_HASH]


def pack(members: Iterable[Member]) -> tuple[bytes, list[Item]]:
    """A file of answers, in the order in which their images come, and what `read_directory` will say of it."""
    images: dict[str, list[Member]] = {}
    for member in members:
        images.setdefault(member.image, []).append(member)
    origins: dict[str, int] = {}
    known: list[Origin] = []
    directory: dict[str, list[list[Any]]] = {}
    contents: list[bytes] = []
    items: list[Item] = []
    for image, mine in images.items():
        rows = directory[image] = []
        for one in mine:
            place = origins.setdefault(one.origin.id, len(known))
            if place == len(known):
                known.append(one.origin)
            size, name = len(one.content), hash_of(one.content)
            rows.append([one.query, int(one.answered), one.overwritten, one.turn, place, size, name])
            items.append(Item(*one[:-1], 0, size, name))
            contents.append(one.content)
    about = {"origins": [origin.as_json() for origin in known], "images": directory}
    head = zlib.compress(json.dumps(about, separators=(",", ":")).encode(), _LEVEL)
    start = _MAGIC + len(head).to_bytes(_LENGTH, "little")
    offset = _START + len(head)
    for place, item in enumerate(items):
        items[place] = item._replace(offset=offset)
        offset += item.length
    return b"".join([start, _head_hash(start, head), head, *contents]), items


def read_directory(path: Path) -> tuple[list[Item], bool]:
    """The answers that a file says it has, and whether it is as long as they are; those past its end are left out.

    Raises:
        VanishedError: If there is no file.
        DamagedPredictionsError: If the directory is damaged.
        StoreError: If it cannot be read.
    """
    with opened(path) as file:
        start = file.read(_START)
        size = os.fstat(file.fileno()).st_size
        length = int.from_bytes(start[len(_MAGIC) : len(_MAGIC) + _LENGTH], "little")
        head = file.read(length) if length <= size else b""
    if len(start) < _START or _head_hash(start[:-_HASH], head) != start[-_HASH:]:
        raise DamagedPredictionsError.of(path, "its directory is cut or changed")
    if not start.startswith(_MAGIC):
        if start.startswith(_KIND):
            raise StoreError(f"{path} was written by a newer groundcxr; install that version to read it")
        raise DamagedPredictionsError.of(path, "it is another kind of file")
    about = json.loads(zlib.decompress(head))
    origins = [Origin.from_json(one) for one in about["origins"]]
    items: list[Item] = []
    offset = _START + length
    for image, rows in about["images"].items():
        for query, answered, overwritten, turn, origin, long, name in rows:
            if offset + long <= size:
                items.append(Item(image, query, bool(answered), overwritten, turn, origins[origin], offset, long, name))
            offset += long
    return items, offset == size


def _head_hash(start: bytes, head: bytes) -> bytes:
    return hashlib.sha256(start + head).digest()[:_HASH]


def content_of(file: BinaryIO, item: Item, path: Path) -> bytes:
    """An answer's compressed bytes.

    Raises:
        DamagedPredictionsError: If they are not those that were written.
    """
    content = os.pread(file.fileno(), item.length, item.offset)
    if hash_of(content) != item.hash:
        raise DamagedPredictionsError.of(path, "an answer in it is cut or changed")
    return content


def opened(path: Path) -> BinaryIO:
    """A file of the store, to be read.

    Raises:
        VanishedError: If it is not there.
        StoreError: If it is no file, or cannot be read.
    """
    try:
        check_regular(path)
        return path.open("rb", buffering=0)
    except FileNotFoundError as error:
        raise VanishedError(f"{path} is not there") from error
    except OSError as error:
        raise unreadable(path, error) from error


def unreadable(path: Path, error: OSError) -> StoreError:
    """The sentence for what the disk refuses to read."""
    step = "; choose another folder with --out or --store" if isinstance(error, NotADirectoryError) else ""
    return StoreError(f"cannot read {path}: {error.strerror or error}{step}")
