"""Answers in words in a file of JSON lines, to be read by the convention of a preset."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..core import GroundCXRError, ImageSize, MethodError, Written
from ..core.json_text import parse_json
from ..core.names import printable
from ..core.regular import read_regular
from ..methods.boxes.presets import PRESETS, Preset
from ..methods.boxes.reading import parsed
from .foreign_ids import SampleIds
from .written import beginning

A_FILE_OF_TEXTS = (
    'a file of texts has one JSON object a line: {"sample_id": SAMPLE_ID, "text": "what the model wrote"}, with '
    '"model_input_size": [width, height] where the preset counts pixels of what the model got'
)

_LARGEST = 2**30
"""Of a file, in bytes."""


def read_texts(file: Path, image_sizes: Mapping[str, ImageSize], preset: Preset) -> dict[str, Written]:
    """Texts by sample id; a sample without a line is not in it.

    Args:
        file: Lines of ``{"sample_id", "text"}`` and, if at all, ``"model_input_size": [width, height]``; what else an
            object holds is not read.
        image_sizes: (width, height) of the image of each sample, by sample id.
        preset: Whose convention the numbers are in.

    Raises:
        GroundCXRError: If the file holds anything else, a line is no sample's or two are one's, or the preset fits none
            of the texts.
    """
    try:
        content = read_regular(file, _LARGEST).decode("utf-8-sig")
    except OSError as error:
        raise GroundCXRError(f"cannot read {file}: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise GroundCXRError(f"{file} is not UTF-8; write it as UTF-8") from error
    lines = [(number, line) for number, line in enumerate(content.split("\n"), start=1) if line.strip()]
    if not lines:
        raise GroundCXRError(f"{file} is empty; {A_FILE_OF_TEXTS}")
    entries = [(number, _entry(file, number, line)) for number, line in lines]
    ids = SampleIds(image_sizes).require(
        [entry.get("sample_id") for _, entry in entries], f"{file}: the sample_id of", "lines"
    )
    first: dict[str, int] = {}
    found: dict[str, Written] = {}
    for (number, entry), sample_id in zip(entries, ids, strict=True):
        if sample_id in first:
            raise GroundCXRError(
                f"{file}: lines {first[sample_id]} and {number} are both of the sample {sample_id}; leave one of them"
            )
        first[sample_id] = number
        found[sample_id] = Written(entry["text"], preset.convention.key, _input_size(entry, f"{file}, line {number}"))
        try:
            preset.convention.sides(found[sample_id].input_size)
        except MethodError as error:
            raise GroundCXRError(
                f'{file}, line {number}: {error}; add "model_input_size": [width, height] to each line'
            ) from error
    if not _fits(found, image_sizes):
        raise GroundCXRError(_fits_none(file, preset, found, image_sizes))
    return found


def _entry(file: Path, number: int, line: str) -> dict[str, Any]:
    try:
        entry = parse_json(line.encode())
    except (ValueError, RecursionError) as error:
        reason = error.msg if isinstance(error, json.JSONDecodeError) else str(error)
        raise GroundCXRError(f"{file}, line {number} is not JSON ({printable(reason)}); {A_FILE_OF_TEXTS}") from error
    if not isinstance(entry, dict) or "sample_id" not in entry or not isinstance(entry.get("text"), str):
        raise GroundCXRError(f"{file}, line {number} has no sample_id and text; {A_FILE_OF_TEXTS}")
    return entry


def _input_size(entry: Mapping[str, Any], place: str) -> ImageSize | None:
    size = entry.get("model_input_size")
    if size is None:
        return None
    if not (isinstance(size, list) and len(size) == 2 and all(type(side) is int and side > 0 for side in size)):
        raise GroundCXRError(
            f"{place}: model_input_size is [width, height] in whole pixels, not {printable(json.dumps(size))}"
        )
    return size[0], size[1]


def _fits(texts: Mapping[str, Written], sizes: Mapping[str, ImageSize]) -> bool:
    """Whether any text has a box by its preset, or none is unparseable, as where a model always refuses."""
    kinds = {parsed(text, sizes[sample_id]).kind for sample_id, text in texts.items()}
    return "boxes" in kinds or "unparseable" not in kinds


def _fits_none(file: Path, preset: Preset, texts: Mapping[str, Written], sizes: Mapping[str, ImageSize]) -> str:
    have_sizes = all(text.input_size is not None for text in texts.values())
    others = [
        name
        for name, one in PRESETS.items()
        if (have_sizes or one.convention.unit != "pixels") and _has_box(one, texts, sizes)
    ]
    sample_id, text = next(iter(texts.items()))
    step = (
        f"they can be read by {', '.join(others)}: take the one that the model's authors describe"
        if others
        else "check that the texts are whole, special tokens included, or write a preset file of your own"
    )
    return (
        f"the preset {preset.name!r} fits none of the {len(texts)} texts in {file} (that of {sample_id} begins with "
        f"{printable(beginning(text))!r}); {step}"
    )


def _has_box(preset: Preset, texts: Mapping[str, Written], sizes: Mapping[str, ImageSize]) -> bool:
    key = preset.convention.key
    readings = (parsed(replace(text, convention=key), sizes[sample_id]) for sample_id, text in texts.items())
    return any(found.boxes and not found.repaired for found in readings)
