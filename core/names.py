"""Names that people chose: as folders that every file system holds, and as one line of a message."""

from __future__ import annotations

import re
from collections.abc import Sequence

from .fingerprint import SHORT, digest

_UNFIT = re.compile(r"^\.+|^$|[^\w.-]+")
"""What a name may not bring into a folder's: dots in front would hide the folder, or lead out of the one it is in."""

_RESERVED = re.compile(r"(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)", re.IGNORECASE)
"""Names of devices under Windows and on its shares, with any suffix."""

_LONGEST = 255
"""Of a file's name, in bytes of UTF-8: the limit of ext4, XFS and NTFS, and of most that is mounted."""

_SHOWN = 80
_LISTED = 30


def folder_name(name: str, ending: str = "") -> str:
    """A folder's name for a method, a data set or a protocol; a name that is fine stays as it is.

    What does not belong into a folder's name becomes "_". One that is too long is cut, and a hash of the whole stands
    behind it.

    Args:
        name: Anything.
        ending: What follows it in the folder's name and must stay whole, such as "-" and a fingerprint.
    """
    fit = _UNFIT.sub("_", name)
    room = _LONGEST - len(ending)
    if len(fit.encode()) > room:
        mark = "_" + digest(name)[:SHORT]
        fit = fit.encode()[: room - len(mark)].decode(errors="ignore") + mark
    whole = fit + ending
    if whole.endswith("."):  # Windows and its shares would drop it
        whole = whole[:-1] + "_"
    return f"_{whole}" if _RESERVED.match(whole) else whole


def printable(name: str, longest: int = _SHOWN) -> str:
    """Foreign text within a message: in one line, not too long, with escapes for what cannot be printed.

    Args:
        name: Anything.
        longest: How many signs of it are shown.
    """
    return escaped(name if len(name) <= longest else name[:longest] + "...")


def listed(names: Sequence[str]) -> str:
    """Foreign names within a message, such as the columns of a table: each `printable`, and not too many."""
    more = [f"{len(names) - _LISTED} more"] if len(names) > _LISTED else []
    return ", ".join([*map(printable, names[:_LISTED]), *more])


def one_line(text: str) -> str:
    """Foreign text in one line, whole: white space joined, and escapes for what cannot be printed."""
    return escaped(" ".join(text.split()))


def escaped(text: str) -> str:
    """Text with escapes for what cannot be printed: controls, half characters, signs that turn others about."""
    return "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in text)
