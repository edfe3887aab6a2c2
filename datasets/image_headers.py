"""What many image files say of their pictures, remembered so that a data set of thousands starts quickly again."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from ..core import ImageError, ImageHeader, read_header
from ..core.decoded import MAX_PIXELS
from ..core.names import escaped
from ..core.threads import mapped
from .remembered import remember, remembered

REMEMBERED = 200
"""From so many images on headers are remembered: fewer are read in the time that a look into the cache takes."""

_KIND = "headers"
_THREADS = 8  # headers are a few bytes each: a network disk's latency, not the processor, is the cost

_State = tuple[int, int]
"""A file's size in bytes and the time of its last change, in nanoseconds: while both stay, so does its header."""

_Known = dict[str, tuple[_State, ImageHeader]]


def image_headers(paths: Mapping[str, Path]) -> dict[str, ImageHeader | ImageError]:
    """The headers of many image files; the error where a file cannot be read.

    What can be read is remembered with the file's path, size and time of change, and is not opened again.
    """
    if len(paths) < REMEMBERED:
        return dict(zip(paths, mapped(_read, paths.values(), _THREADS), strict=True))
    names = [os.path.abspath(path) for path in paths.values()]  # noqa: PTH100  # Path's takes a second for 20,000
    folder = os.path.commonpath([os.path.dirname(name) for name in names])  # noqa: PTH120
    known = _remembered(folder)
    new: _Known = {}

    def header(name: str) -> ImageHeader | ImageError:
        state = _state(name)
        remembered = known.get(name)
        if remembered is not None and remembered[0] == state:
            return remembered[1]
        read = _read(Path(name))
        if state is not None and isinstance(read, ImageHeader):
            new[name] = state, read
        return read

    headers = dict(zip(paths, mapped(header, names, _THREADS), strict=True))
    if new:
        _remember(folder, known | new)
    return headers


def _read(path: Path) -> ImageHeader | ImageError:
    try:
        return read_header(path)
    except ImageError as error:
        return error
    except (OSError, ValueError):  # a name that no file can have
        return ImageError(f"there is no image file {escaped(str(path))}; `groundcxr doctor` lists what is missing")


def _state(name: str) -> _State | None:
    try:
        stat = os.stat(name)  # noqa: PTH116
    except (OSError, ValueError):
        return None
    return stat.st_size, stat.st_mtime_ns


def _remembered(folder: str) -> _Known:
    """The headers of files below a folder; empty where nothing sound is remembered."""
    return {
        os.path.join(folder, name): ((row[0], row[1]), ImageHeader((row[2], row[3]), row[4]))  # noqa: PTH118
        for name, row in remembered(_KIND, folder).items()
        if _is_sound(row)
    }


def _remember(folder: str, known: _Known) -> None:
    start = len(folder.rstrip(os.sep)) + 1
    files = {name[start:]: [*state, *header.size, header.orientation] for name, (state, header) in known.items()}
    remember(_KIND, folder, files=files)


def _is_sound(row: object) -> bool:
    """Whether numbers could have been read from a file, whatever became of the cache."""
    if not isinstance(row, Sequence) or len(row) != 5 or not all(type(number) is int for number in row):
        return False
    width, height, orientation = row[2:]
    return min(width, height) > 0 and width * height <= MAX_PIXELS and 1 <= orientation <= 8
