"""Where an author's code went wrong: the last of its lines on the way to an error, and the traceback from its first."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Collection
from types import FrameType
from typing import Any

_PACKAGE = "groundcxr"
_STANDARD = tuple({os.path.dirname(place) + os.sep for place in (os.__file__, os.path.realpath(os.__file__))})  # noqa: PTH120
_INSTALLED = ("site-packages", "dist-packages")
_LONGEST = 20_000

TOLD = "_groundcxr_told"
"""What an error bears that is a sentence made of another one."""

_BROUGHT = "_groundcxr_brought"
"""Where an error that was raised in another process has its place and its traceback there."""


def place_of(error: BaseException, packages: Collection[str] = ()) -> str:
    """The last line of an author's code on the way to an error, as ``bright.py:14 in ground``.

    Author's code is what is neither groundcxr's nor installed: a method's file, what it imports from beside it, a
    notebook's cells. Of a file its last part is told, so that no folder of a machine gets into a store.

    Args:
        error: What was raised.
        packages: Names of installed packages that count as the author's, too: those of a plug-in's method.

    Returns:
        "" where no such line is on the way.
    """
    brought = getattr(error, _BROUGHT, None)
    if brought is not None:
        return brought[0]
    place = ""
    for frame, line in traceback.walk_tb(error.__traceback__):
        if _is_authors(frame, packages):
            code = frame.f_code
            place = f"{_shown(code.co_filename)}:{line} in {code.co_name}"
    return place


def trace_of(error: BaseException, packages: Collection[str] = ()) -> str:
    """The traceback of an error as Python prints it, without the lines of groundcxr that lead to the author's first.

    Args:
        error: What was raised. Of a sentence that `told_as` made of another error it is that error's.
        packages: As of `place_of`.

    Returns:
        "" for a sentence of groundcxr's own, which says all, unless the author's code raised it.
    """
    brought = getattr(error, _BROUGHT, None)
    if brought is not None:
        return brought[1]
    if getattr(error, TOLD, False) and error.__cause__ is not None:
        return trace_of(error.__cause__, packages)
    start = error.__traceback__
    while start is not None and not _is_authors(start.tb_frame, packages):
        start = start.tb_next
    if start is None and getattr(error, "says_all", False):
        return ""
    try:
        lines = traceback.format_exception(type(error), error, start or error.__traceback__)
    except Exception:  # the error's own text may fail
        lines = [type(error).__name__]
    return "".join(lines)[-_LONGEST:].rstrip()


def bring(error: BaseException, place: str, trace: str) -> None:
    """Let an error tell the place and the traceback that it had in the process that it comes from."""
    setattr(error, _BROUGHT, (place, trace))


def _is_authors(frame: FrameType, packages: Collection[str]) -> bool:
    module = str(frame.f_globals.get("__name__", "")).partition(".")[0]
    if module == _PACKAGE:
        return False
    if module == "__main__" or module in packages:
        return True
    return not is_installed(frame.f_code.co_filename)


def is_installed(file: str) -> bool:
    """Whether a source file is Python's own or an installed package's, or none: made by Python, or by a compiler.

    Args:
        file: What a module or a function's code says of its file.
    """
    if not os.path.isabs(file):  # noqa: PTH117
        return True
    return file.startswith(_STANDARD) or any(f"{os.sep}{part}{os.sep}" in file for part in _INSTALLED)


def _shown(file: str) -> str:
    """A file's last part; of a notebook's cell what stands beside it."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    name: Any = getattr(getattr(shell, "compile", None), "format_code_name", lambda _: None)(file)
    return " ".join(name) if name else os.path.basename(file)  # noqa: PTH119
