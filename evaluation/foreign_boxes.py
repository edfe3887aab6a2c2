"""Boxes in a COCO results file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ..core import Box, GroundCXRError, ImageSize
from ..core.doubts import Doubt, Placed, frame_doubts
from ..core.json_text import parse_json
from ..core.names import printable
from ..core.regular import read_regular
from .foreign_ids import SampleIds

A_FILE_OF_BOXES = (
    'a file of boxes is one JSON list of {"image_id": SAMPLE_ID, "bbox": [x, y, width, height], "score": s} in pixels '
    "of the original image"
)

_LARGEST = 2**30
"""Of a file, in bytes; 100 boxes for each of 10,000 samples take a tenth."""


def read_json(file: Path) -> Any:
    """The content of a JSON file.

    Raises:
        GroundCXRError: If it cannot be read.
        ValueError: If it is something else; the message says what.
    """
    try:
        content = read_regular(file, _LARGEST)
    except OSError as error:
        raise GroundCXRError(f"cannot read {file}: {error.strerror or error}") from error
    if not content.strip():
        raise ValueError("it is empty")
    try:
        return parse_json(content)
    except UnicodeDecodeError as error:
        raise ValueError("it is not text") from error
    except json.JSONDecodeError as error:
        if error.msg == "Extra data" and error.lineno > 1:
            raise ValueError("it holds one JSON value after another, as JSON lines do") from error
        raise ValueError(f"it is not JSON ({error})") from error


def read_boxes(file: Path, image_sizes: dict[str, ImageSize]) -> tuple[dict[str, tuple[Box, ...]], list[Doubt]]:
    """Boxes by sample id from a COCO results file; a sample without an entry is not in it.

    Args:
        file: A list of ``{"image_id": SAMPLE_ID, "bbox": [x, y, width, height], "score": s}`` in pixels of the original
            image; `score` may be left out, `category_id` is not read.
        image_sizes: (width, height) of the image of each sample, by sample id.

    Returns:
        The boxes, each sample's in the file's order, and what looks wrong about them.

    Raises:
        GroundCXRError: If the file holds anything else.
    """
    try:
        entries = read_json(file)
    except ValueError as error:
        raise no_boxes(file, str(error)) from error
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise no_boxes(file, f"it holds {kind_of(entries)}")
    spellings = [entry.get("image_id") for entry in entries]
    ids = SampleIds(image_sizes).require(spellings, f"{file}: the image_id of", "entries")
    first: dict[str, int] = {}
    found: dict[str, list[Box]] = {}
    placed: list[Placed] = []
    for number, (entry, sample_id) in enumerate(zip(entries, ids, strict=True)):
        other = first.setdefault(sample_id, number)
        if repr(spellings[other]) != repr(spellings[number]):
            raise GroundCXRError(
                f"{file}: the image_id {spellings[other]!r} of entry {other} and {spellings[number]!r} of entry "
                f"{number} mean one sample; write it in one way"
            )
        box = _box(entry, f"{file}, entry {number}")
        found.setdefault(sample_id, []).append(box)
        placed.append(Placed(box, image_sizes[sample_id], f"{printable(file.name)}, entry {number}"))
    return {sample_id: tuple(boxes) for sample_id, boxes in found.items()}, frame_doubts(placed, "sizes")


def no_boxes(file: Path, reason: str) -> GroundCXRError:
    """That a file holds no boxes, why, and what would be one."""
    return GroundCXRError(
        f"{file} is neither a result.json nor a file of boxes: {reason}; {A_FILE_OF_BOXES}, and maps are a folder of "
        "SAMPLE_ID.npy, .npz or .png; texts are JSON lines, given with --preset"
    )


def kind_of(content: object) -> str:
    """What a JSON file holds that is not a list of objects, in words."""
    if isinstance(content, dict):
        names = ", ".join(printable(str(key)) for key in list(content)[:3])
        return f"an object ({names}{', ...' if len(content) > 3 else ''}) instead of a list"
    return "a list of other things than objects" if isinstance(content, list) else "a single value"


def _box(entry: dict[str, Any], place: str) -> Box:
    bbox, score = entry.get("bbox"), entry.get("score")
    numbers = [*bbox, *([] if score is None else [score])] if isinstance(bbox, list) else []
    if len(numbers) - (score is not None) != 4 or not all(_is_number(number) for number in numbers):
        raise GroundCXRError(f"{place}: it needs bbox [x, y, width, height] and, if at all, a number as score")
    x, y, width, height = numbers[:4]
    if width < 0 or height < 0:
        raise GroundCXRError(f"{place}: bbox is [x, y, width, height], and {printable(str(bbox))} has a negative size")
    try:
        box = Box.from_xywh(x, y, width, height)
        return Box(*box.as_tuple(), score=score)
    except (ValueError, OverflowError) as error:
        raise GroundCXRError(f"{place}: {error}") from error


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
