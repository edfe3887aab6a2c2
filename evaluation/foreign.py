"""What a path holds that somebody brings in: a result, maps, or boxes."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

from ..core import GroundCXRError
from .foreign_boxes import kind_of, no_boxes, read_json
from .foreign_maps import map_files
from .result import RESULT_FILE

_DEEPEST = 4
"""Folders of a results folder above a result: imported/DATASET/PROTOCOL/METHOD."""


def what_is(path: Path) -> Literal["result", "maps", "boxes"]:
    """What a path holds, by its content.

    Raises:
        GroundCXRError: If it holds nothing of these.
    """
    if path.is_dir():
        if os.path.lexists(path / RESULT_FILE):
            return "result"
        _refuse_results_below(path)
        map_files(path)
        return "maps"
    try:
        content = read_json(path)
    except ValueError as error:
        if path.name == RESULT_FILE:  # reading it says what is wrong with it
            return "result"
        raise no_boxes(path, str(error)) from error
    if isinstance(content, list):
        return "boxes"
    if path.name == RESULT_FILE or (isinstance(content, dict) and "schema_version" in content):
        return "result"
    raise no_boxes(path, f"it holds {kind_of(content)}")


def _refuse_results_below(folder: Path) -> None:
    for depth in range(1, _DEEPEST + 1):
        if (one := next(folder.glob("*/" * depth + RESULT_FILE), None)) is not None:
            raise GroundCXRError(
                f"{folder} is a folder of results; give the folders of single ones, such as {one.parent}"
            )
