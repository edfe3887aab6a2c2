"""Predictions in files of other programs: folders of maps, and boxes as COCO results."""

from __future__ import annotations

import json
import zipfile
import zlib
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core import Box, GroundCXRError, Heatmap, ImageSize

MAP_SUFFIXES = (".npy", ".npz", ".png")

_GREY_LEVELS = {"1": 1, "L": 255, "I;16": 65535, "I;16B": 65535, "I": 65535}
_SHOWN = 3


def find_maps(folder: Path, sample_ids: Collection[str]) -> dict[str, Path]:
    """The map files of a folder by sample id, which is the file's name without its suffix; other files are left alone.

    Raises:
        GroundCXRError: If there is none, a name is no sample's id, or a sample has two.
    """
    found: dict[str, Path] = {}
    files = sorted(file for file in folder.iterdir() if file.suffix.lower() in MAP_SUFFIXES and file.name[0] != ".")
    if not files:
        raise GroundCXRError(f"{folder} holds neither a result.json nor maps ({', '.join(MAP_SUFFIXES)})")
    _refuse_strangers([file.stem for file in files], sample_ids, f"{folder}: the names of", "files")
    for file in files:
        if other := found.get(file.stem):
            raise GroundCXRError(f"{other} and {file.name} are of one sample; keep one of them")
        found[file.stem] = file
    return found


def read_map(file: Path, image_size: ImageSize) -> Heatmap:
    """One map.

    Args:
        file: ``.npy``: an array `[h, w]`. ``.npz``: the same as `heatmap`, and optionally `extent`, the rectangle
            `[x0, y0, x1, y1]` of the image, in whole pixels, that it covers. ``.png``: grey, 8 or 16 bits, which become
            0 to 1. An array of the image's own size may be NaN where the method did not look; any other covers the
            whole image.
        image_size: (width, height) of the original image.

    Raises:
        GroundCXRError: If the file holds anything else.
    """
    try:
        values, extent = _read_png(file) if file.suffix.lower() == ".png" else _read_numpy(file)
        width, height = image_size
        if values.ndim == 2 and values.shape == (width, height) != (height, width):
            raise ValueError(f"the shape {list(values.shape)} is [width, height] of its image; transpose it")
        if extent is not None:
            return Heatmap(values, extent, image_size)
        whole = values.shape == (height, width)
        return Heatmap.from_pixels(values) if whole else Heatmap.whole(values, image_size)
    except (OSError, ValueError, EOFError, SyntaxError, zipfile.BadZipFile, zlib.error) as error:
        raise GroundCXRError(f"the map {file} cannot be used: {error}") from error


def read_boxes(file: Path, sample_ids: Collection[str]) -> dict[str, tuple[Box, ...]]:
    """Boxes by sample id from a COCO results file; a sample without an entry is not in it.

    Args:
        file: A list of ``{"image_id": SAMPLE_ID, "bbox": [x, y, width, height], "score": s}`` in pixels of the original
            image; `score` may be left out, `category_id` is not read.
        sample_ids: The ids there are.

    Raises:
        GroundCXRError: If the file holds anything else.
    """
    try:
        entries = json.loads(file.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise GroundCXRError(f"cannot read {file}: {error.strerror or error}") from error
    except ValueError as error:
        raise GroundCXRError(f"{file} is not a JSON file: {error}") from error
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise GroundCXRError(f"{file} is no COCO results file: it must be a list of objects")
    _refuse_strangers(
        [str(entry.get("image_id")) for entry in entries], sample_ids, f"{file}: the image_id of", "entries"
    )
    found: dict[str, list[Box]] = {}
    for number, entry in enumerate(entries):
        found.setdefault(entry["image_id"], []).append(_box(entry, f"{file}, entry {number}"))
    return {sample_id: tuple(boxes) for sample_id, boxes in found.items()}


def _refuse_strangers(names: list[str], sample_ids: Collection[str], where: str, what: str) -> None:
    strangers = list(dict.fromkeys(name for name in names if name not in sample_ids))
    if strangers:
        shown = ", ".join(strangers[:_SHOWN]) + (", ..." if len(strangers) > _SHOWN else "")
        raise GroundCXRError(
            f"{where} {len(strangers)} {what} are no sample ids of this split ({shown}); "
            "`groundcxr samples` writes the ids"
        )


def _read_numpy(file: Path) -> tuple[NDArray[Any], Box | None]:
    content = np.load(file, allow_pickle=False)
    if isinstance(content, np.ndarray):
        return _numbers(content), None
    with content as archive:
        arrays: Mapping[str, NDArray[Any]] = {name: archive[name] for name in archive.files}
    if "heatmap" not in arrays:
        raise ValueError(f"it has the arrays {', '.join(arrays) or 'none'}; name the map heatmap")
    if "extent" not in arrays:
        return _numbers(arrays["heatmap"]), None
    extent = _numbers(arrays["extent"])
    if extent.shape != (4,):
        raise ValueError(f"extent must be x0, y0, x1, y1, got the shape {list(extent.shape)}")
    return _numbers(arrays["heatmap"]), Box(*extent.tolist())


def _numbers(array: NDArray[Any]) -> NDArray[Any]:
    if array.dtype.kind not in "fiub":
        raise ValueError(f"it holds {array.dtype}, not numbers")
    with np.errstate(over="ignore"):  # what overflows is infinite, and said to be
        return array.astype(np.float32)


def _read_png(file: Path) -> tuple[NDArray[Any], None]:
    from PIL import Image

    with Image.open(file) as image:
        if image.mode not in _GREY_LEVELS:
            raise ValueError(f"it is of mode {image.mode}; a map is a grey PNG of 8 or 16 bits")
        return np.asarray(image).astype(np.float32) / _GREY_LEVELS[image.mode], None


def _box(entry: dict[str, Any], place: str) -> Box:
    bbox, score = entry.get("bbox"), entry.get("score")
    numbers = [*bbox, *([] if score is None else [score])] if isinstance(bbox, list) else []
    if len(numbers) - (score is not None) != 4 or not all(_is_number(number) for number in numbers):
        raise GroundCXRError(f"{place}: it needs bbox [x, y, width, height] and, if at all, a number as score")
    x, y, width, height = numbers[:4]
    if width < 0 or height < 0:
        raise GroundCXRError(f"{place}: bbox is [x, y, width, height], and {bbox} has a negative size")
    try:
        box = Box.from_xywh(x, y, width, height)
        return Box(*box.as_tuple(), score=score)
    except (ValueError, OverflowError) as error:
        raise GroundCXRError(f"{place}: {error}") from error


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
