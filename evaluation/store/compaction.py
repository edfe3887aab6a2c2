"""Putting small files together, and leaving out what is damaged; other runs may read and write meanwhile.

A file is deleted when another one that holds all its answers is safe on the disk. Who does the same to the same files
at the same time makes the same file; who finds one gone looks again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from ...core.files import told, write_atomically
from .batch_file import DamagedPredictionsError, Item, Member, VanishedError, pack, read_directory
from .index import ENDING, read_all

MANY = 32
"""How many files of one size are put together."""

_LARGE = 64 * 2**20
"""Bytes of a file that is large enough."""


class Group(NamedTuple):
    """Files that are to become one.

    Attributes:
        names: Of the files, in the order in which they were written.
        level: How often the answers in them have been put together already.
    """

    names: list[str]
    level: int


def groups(files: Mapping[str, int]) -> list[Group]:
    """Which files are to be put together: `MANY` at a time, of those of one level, so that each answer is rarely moved.

    Args:
        files: By name, how many bytes their answers have.
    """
    levels: dict[int, list[str]] = {}
    for name in sorted(files):
        if files[name] < _LARGE // 2:
            levels.setdefault(level_of(name), []).append(name)
    found: list[Group] = []
    for level, names in levels.items():
        while len(names) >= MANY:
            taken, size = 0, 0
            while taken < MANY and size < _LARGE:
                size += files[names[taken]]
                taken += 1
            found.append(Group(names[:taken], level))
            names = names[taken:]
    return found


def put_together(folder: Path, group: Group) -> tuple[str, list[Item]] | None:
    """Make one file of several, and delete those.

    Args:
        folder: Of the files.
        group: Which.

    Returns:
        The new file and what is in it; None where one of the files is damaged, or gone: somebody else is at it.

    Raises:
        StoreError: If a file cannot be read or written.
    """
    members: dict[tuple[str, str], tuple[tuple[object, ...], Member]] = {}
    try:
        for name in group.names:
            items, whole = read_directory(folder / name)
            for item, content in read_all(folder, name, items):
                if content is None or not whole:
                    return None
                known = members.get((item.image, item.query))
                if known is None or item.rank < known[0]:
                    members[item.image, item.query] = item.rank, member_of(item, content)
    except (VanishedError, DamagedPredictionsError):
        return None
    token = hashlib.sha256("\n".join(group.names).encode()).hexdigest()[:12]
    name = f"{group.names[0].split('-')[0]}-{token}-{group.level + 1}{ENDING}"
    return name, _replaced(folder, name, (member for _, member in members.values()), group.names)


def without_damage(folder: Path, name: str) -> bool:
    """Leave out of a file what is damaged in it; a file of which nothing can be read goes.

    Returns:
        Whether anything was damaged.

    Raises:
        StoreError: If it cannot be read or written.
    """
    try:
        items, whole = read_directory(folder / name)
        contents = list(read_all(folder, name, items))
    except VanishedError:
        return False
    except DamagedPredictionsError:
        _delete(folder / name)
        return True
    sound = [member_of(item, content) for item, content in contents if content is not None]
    if whole and len(sound) == len(contents):
        return False
    if sound:
        token = hashlib.sha256(pack(sound)[0]).hexdigest()[:12]
        _replaced(folder, f"{name.split('-')[0]}-{token}-{level_of(name)}{ENDING}", sound, [name])
    else:
        _delete(folder / name)
    return True


def level_of(name: str) -> int:
    """How often the answers in a file have been put together."""
    level = name.removesuffix(ENDING).rpartition("-")[2]
    return int(level) if level.isdecimal() else 0


def member_of(item: Item, content: bytes) -> Member:
    """An answer of a file, for another file."""
    return Member(item.image, item.query, item.answered, item.overwritten, item.turn, item.origin, content)


def _delete(path: Path) -> None:
    with told(path):
        path.unlink(missing_ok=True)


def _replaced(folder: Path, name: str, members: Iterable[Member], names: Iterable[str]) -> list[Item]:
    content, items = pack(members)
    write_atomically(folder / name, content, private=True)
    for old in names:
        if old != name:
            with suppress(OSError):
                (folder / old).unlink(missing_ok=True)
    return items
