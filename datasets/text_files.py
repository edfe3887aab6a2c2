"""Annotation files that are text or JSON, as somebody else wrote them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..core import DatasetError, read_regular
from ..core.json_text import parse_json
from ..core.mistaken import HEAD, mistaken_for


def read_text(path: Path, wanted: str) -> str:
    """The text of a file, with or without a byte order mark.

    Args:
        path: UTF-8.
        wanted: What it should be, for messages: "a JSON file".

    Raises:
        DatasetError: If it cannot be read, is no text, or something else was saved under its name.
    """
    try:
        data = read_regular(path)
    except OSError as error:
        raise DatasetError(f"cannot read {path}: {error.strerror or error}") from error
    refuse_mistaken(path, data[:HEAD], wanted)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DatasetError(f"{path} is not {wanted}: {error}") from error


def refuse_mistaken(path: Path, head: bytes, wanted: str) -> None:
    """Refuse a file under whose name something else was saved.

    Args:
        path: The file.
        head: Its first bytes, up to `HEAD`.
        wanted: What it should be, for messages: "a CSV file".

    Raises:
        DatasetError: If they are of a web page, an archive, or a pointer of Git LFS.
    """
    if (mistaken := mistaken_for(head, wanted)) is not None:
        raise DatasetError(f"cannot read {path}: {'; '.join(mistaken)}")


def read_json(path: Path) -> Any:
    """The content of a JSON file, with or without a byte order mark.

    Raises:
        DatasetError: If it cannot be read or is no JSON.
    """
    try:
        return parse_json(read_text(path, "a JSON file"))
    except ValueError as error:
        raise DatasetError(f"{path} is not a JSON file: {error}") from error
