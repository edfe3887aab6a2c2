"""Paths as users write them."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from .errors import GroundCXRError
from .names import escaped

_LONGEST_NAME = 255  # bytes of one file's or folder's name, on every usual file system


def user_path(text: str | Path) -> Path:
    """A path from a command line or a call, with ``~`` and ``~user`` replaced by the home folder.

    It need not exist. Calling this again with the answer changes nothing.

    Raises:
        GroundCXRError: If no file system can have such a path, or there is no such user.
    """
    written = os.fspath(text)
    if not written:
        raise GroundCXRError("a path is empty, as from a variable that is not set; write . for the folder you are in")
    path = os.path.expanduser(written)  # noqa: PTH111  # unlike Path's it tells ./~name from ~name
    if written.startswith("~") and path == written:
        name = Path(written).parts[0]
        raise GroundCXRError(
            f"{shown(written)}: there is no user '{shown(name[1:])}' with a home folder; write the whole path"
            if len(name) > 1
            else f"{shown(written)}: your home folder is not known here; write the whole path"
        )
    _refuse_impossible(path)
    plain = Path(path)
    return Path.cwd() / plain if str(plain).startswith("~") else plain  # ./~name must stay one


def user_data_folder(name: str) -> Path:
    """The folder of one kind of file that is the user's own and is kept, in no cache; it need not exist."""
    import platformdirs

    return Path(platformdirs.user_data_dir("groundcxr")) / name


def shown(text: str | Path) -> str:
    """A path on one line of a message: cut in the middle where it is long, escaped where it cannot be printed."""
    line = escaped(os.fspath(text))
    return line if len(line) <= _LONGEST_NAME else f"{line[:80]}...{line[-40:]}"


def _refuse_impossible(path: str) -> None:
    try:
        os.lstat(path)
    except ValueError as error:  # a NUL, or letters that the file system's encoding lacks
        raise GroundCXRError(f"{shown(path)} holds characters that no path can have; correct it") from error
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            raise GroundCXRError(f"the path {shown(path)} is too long ({len(path):,} letters); correct it") from error
    for part in Path(path).parts:
        if len(os.fsencode(part)) > _LONGEST_NAME:
            raise GroundCXRError(f"the name {shown(part)} in a path is too long ({len(part):,} letters); correct it")
