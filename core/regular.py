"""Reading files that a name may only seem to be: a pipe would hang, a device would never end."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

_KINDS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


def is_regular(path: str | os.PathLike[str]) -> bool:
    """Whether there is a regular file, links followed.

    What may not be looked at is none, and neither is a name that no file can have (too long, with a NUL).
    """
    try:
        check_regular(path)
    except OSError:
        return False
    return True


def check_regular(path: str | os.PathLike[str]) -> None:
    """Refuse whatever is no regular file, links followed, before anything opens it.

    Raises:
        FileNotFoundError: If there is nothing, or nothing can have such a name.
        OSError: If it is a folder, a pipe, a socket or a device; `strerror` says which, or why it cannot be looked at.
    """
    try:
        mode = os.stat(path).st_mode  # noqa: PTH116 (takes str as well)
    except ValueError as error:  # a NUL in the name, or half a character
        raise FileNotFoundError(errno.ENOENT, "no file can have such a name", os.fspath(path)) from error
    if not stat.S_ISREG(mode):
        kind = next((name for is_kind, name in _KINDS if is_kind(mode)), "something else")
        code = errno.EISDIR if stat.S_ISDIR(mode) else errno.EINVAL
        raise OSError(code, f"it is {kind}, not a file", os.fspath(path))


def read_regular(path: str | os.PathLike[str], limit: int | None = None) -> bytes:
    """The bytes of a regular file, links followed.

    Args:
        path: The file.
        limit: The most bytes that it may have; None for no limit.

    Raises:
        FileNotFoundError: If there is nothing, or nothing can have such a name.
        OSError: If it is a folder, a pipe, a socket or a device, is larger, or cannot be read; `strerror` says why.
    """
    check_regular(path)
    with Path(path).open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        content = b""
        if limit is None or size <= limit:
            content = file.read()  # not `read(limit)`, which takes the memory for all of it at once
            size = len(content)
    if limit is not None and size > limit:
        raise OSError(errno.EFBIG, f"it has {size:,} bytes, and at most {limit:,} are read", os.fspath(path))
    return content
