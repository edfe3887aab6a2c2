"""Annotation files in JSON, as somebody else wrote them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..core import DatasetError, read_regular
from ..core.json_text import parse_json
from ..core.mistaken import HEAD, mistaken_for


def read_json(path: Path) -> Any:
    """The content of a JSON file, with or without a byte order mark.

    Raises:
        DatasetError: If it cannot be read or is no JSON.
    """
    try:
        data = read_regular(path)
    except OSError as error:
        raise DatasetError(f"cannot read {path}: {error.strerror or error}") from error
    if (mistaken := mistaken_for(data[:HEAD], "a JSON file")) is not None:
        raise DatasetError(f"cannot read {path}: {'; '.join(mistaken)}")
    try:
        return parse_json(data.decode("utf-8-sig"))
    except ValueError as error:  # neither UTF-8 nor JSON
        raise DatasetError(f"{path} is not a JSON file: {error}") from error
