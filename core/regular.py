"""Reading files that may be anything: a pipe would keep the reader waiting, a device would never end."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path


def read_regular(path: Path, limit: int | None = None) -> bytes:
    """The content of a regular file, links followed.

    Args:
        path: The file.
        limit: The most bytes that it may have.

    Raises:
        OSError: If it cannot be read, is no regular file, or is larger than `limit`; `strerror` says which.
    """
    # Opened without waiting: what a name stands for may change between a look and the opening.
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(handle, "rb") as file:
        state = os.fstat(file.fileno())
        if stat.S_ISDIR(state.st_mode):
            raise OSError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
        if not stat.S_ISREG(state.st_mode):
            raise OSError(errno.EINVAL, "it is no regular file", str(path))
        if limit is not None and state.st_size > limit:
            raise OSError(errno.EFBIG, f"it has {state.st_size:,} bytes, more than {limit:,}", str(path))
        # Not read(limit), which would take that much memory for any file.
        return file.read()
