"""What a path holds that somebody brings in: a result, maps, or boxes."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

from .foreign_boxes import kind_of, no_boxes, read_json
from .foreign_maps import map_files
from .result import RESULT_FILE
from .result_folders import walk_results


def what_is(path: Path) -> Literal["result", "maps", "boxes"]:
    """What a path holds, by its content.

    Raises:
        GroundCXRError: If it holds nothing of these.
    """
    if path.is_dir():
        if os.path.lexists(path / RESULT_FILE):
            return "result"
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


def results_below(path: Path) -> tuple[list[Path], list[str]]:
    """The folders of the results in a whole folder of them, such as OUT of `evaluate`; none in any other path.

    Returns:
        The folders, and a sentence for each thing that looks like a result and is none.
    """
    if not path.is_dir() or os.path.lexists(path / RESULT_FILE):
        return [], []
    found = list(walk_results(path))
    return [one for one in found if isinstance(one, Path)], [one for one in found if isinstance(one, str)]
