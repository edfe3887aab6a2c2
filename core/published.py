"""Files that values name, and what of a value others may read: names and contents, never the folders on the way."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from enum import Enum
from pathlib import Path, PurePath
from typing import Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

from .errors import MethodError
from .fingerprint import tree_digest

_START = r"(?:file:/*|~[\w.-]*[/\\]|[A-Za-z]:[/\\]|\\\\|/(?!/)|(?<!:)//|\.\.?[/\\]|(?!https?:|hf:)[a-z][a-z0-9+.-]*://)"
# A value that is a path, after "KEY=" or "FORM:" too; folders may have spaces in their names.
_PLACE = re.compile(rf"(\s*(?:(?!file:)[\w.-]{{2,}}[=:])?\s*)({_START}.*)", re.DOTALL)
# Two folders or more before a name; one may be a hub id, "owner/name".
_RELATIVE = re.compile(r"[^\s/\\@:{}]+(?:[/\\][^\s/\\@:{}]+){2,}[/\\]?")
# The folders of an absolute path within a text; "//" of an address is none.
_WITHIN = re.compile(
    r"(?<![\w/.~\\])(?<!:(?=//))(?:file:/*|~\w*[/\\]|[A-Za-z]:[/\\]|\\\\|/)(?:[^\s/\\'\",;:(){}\[\]<>|]+[/\\])+"
)
_BETWEEN = re.compile(r"([,;|\n]+\s*)")


def named_place(value: Any, *, plain_folders: bool = False) -> Path | None:
    """The file or folder that a value names, None where it names none that is there.

    A `Path` names what it leads to; a string what it leads to with its ``~`` expanded and as a ``file:`` address, but a
    plain word names files only, so that a folder called like one of an option's values counts for nothing. ``Path()``
    is what an option has that was not set.

    Args:
        value: Any value.
        plain_folders: Whether a plain word may name a folder all the same.
    """
    if isinstance(value, PurePath):
        text = "" if str(value) == "." else str(value)
    elif isinstance(value, str) and not isinstance(value, Enum):
        text = url2pathname(urlsplit(value).path) if value.startswith("file:") else value
    else:
        return None
    files_only = isinstance(value, str) and os.path.basename(text) == text and not plain_folders
    text = os.path.expanduser(text)
    if not (os.path.isfile(text) if files_only else os.path.exists(text)):
        return None
    place = Path(text) if Path(text).name not in ("", "..") else Path(text).resolve()
    return place if place.name else None


def places_in(value: Any) -> Iterator[Path]:
    """All files and folders that a value names, in tuples, lists, sets and dicts too."""
    place = named_place(value)
    if place is not None:
        yield place
    elif isinstance(value, Mapping):
        for key, one in value.items():
            yield from places_in(key)
            yield from places_in(one)
    elif isinstance(value, (list, tuple, AbstractSet)):
        for one in value:
            yield from places_in(one)


def by_content(value: Any) -> Any:
    """A value with each file and folder that it names replaced by its last part and its content's SHA-256.

    Raises:
        MethodError: If one cannot be read.
    """
    place = named_place(value)
    if place is not None:
        try:
            return f"{place.name} sha256:{tree_digest(place)}"
        except OSError as error:
            raise MethodError(
                f"cannot read {error.filename or place}, which an option names: {error.strerror or error}"
            ) from error
    if isinstance(value, PurePath):
        return value.name
    if isinstance(value, Mapping):
        return {by_content(key): by_content(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [by_content(one) for one in value]
    if isinstance(value, AbstractSet) and any(isinstance(one, (str, PurePath)) for one in value):
        return sorted((by_content(one) for one in value), key=str)  # the order of a set of texts changes by process
    return value


def without_folders(value: Any) -> Any:
    """JSON values as they are published: of a text that looks like a path the last part, whether it is there or not.

    Ids of the hub ("owner/name") stay whole, and so do addresses of the web.
    """
    if isinstance(value, str):
        pieces = _BETWEEN.split(value)
        return _printable("".join(_last_part(piece) for piece in pieces))
    if isinstance(value, Mapping):
        return {without_folders(key): without_folders(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [without_folders(one) for one in value]
    return value


def text_without_folders(text: str) -> str:
    """Prose or BibTeX as it is published: absolute paths in it lose their folders."""
    found = _PLACE.fullmatch(text)
    return _printable(found[1] + _name(found[2]) if found and "\n" not in text else _WITHIN.sub("", text))


def _last_part(text: str) -> str:
    found = _PLACE.fullmatch(text)
    if found:
        return found[1] + _name(found[2])
    if _RELATIVE.fullmatch(text):
        return _name(text)
    parent, slash, name = text.rpartition("/")
    if slash and not re.search(r"\s|:", text) and os.path.isdir(parent):
        return name or _name(parent)
    return _WITHIN.sub("", text)


def _name(path: str) -> str:
    if not path.strip("/\\"):
        return path
    name = re.split(r"[/\\]", path.rstrip("/\\"))[-1]
    # Of "~colleague" or "file:" nothing is left to say.
    return "" if name.startswith("~") or name.endswith(":") else name


def _printable(text: str) -> str:
    """With escapes for bytes of a file's name that are no text, which JSON cannot hold."""
    return text.encode("utf-8", "backslashreplace").decode()
