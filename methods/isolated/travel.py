"""Images, answers and option values as the parts of frames, and back; the same on both sides. Python 3.8 and NumPy."""

from __future__ import annotations

import enum
from dataclasses import asdict
from pathlib import Path, PurePath
from typing import Any, Dict, Mapping, Sequence

import numpy as np

from ...core import Box, Grounding, Heatmap, Query, Radiograph, Written
from .frames import Array, FrameError

Fields = Dict[str, Any]


def packed(array: Any) -> Array:
    """An array in the form in which it travels; no copy where it has it already."""
    dtype = array.dtype.newbyteorder("<")
    return dtype.str, array.shape, np.ascontiguousarray(array, dtype=dtype).data


def unpacked(array: Array) -> Any:
    """The array that was packed; read-only."""
    dtype, shape, items = array
    made = np.frombuffer(items, dtype=dtype).reshape(shape)
    made.setflags(write=False)
    return made


def queries_out(queries: Sequence[Query]) -> tuple[Fields, list[Array]]:
    """Queries as fields and arrays; an image that several ask about travels once."""
    arrays: list[Array] = []
    images: list[Fields] = []
    places: dict[int, int] = {}
    for query in queries:
        image = query.image
        if id(image) in places:
            continue
        places[id(image)] = len(images)
        images.append(
            {
                "path": str(image.path),
                "sha256": image.sha256,
                "windowed": image.windowed,
                "bits": image.bits,
                "notes": list(image.notes),
                "padding": image.padding is not None,
            }
        )
        arrays.append(packed(image.pixels))
        if image.padding is not None:
            arrays.append(packed(image.padding))
    asked = [[places[id(query.image)], query.phrase, query.pathology] for query in queries]
    return {"images": images, "queries": asked}, arrays


def queries_in(fields: Mapping[str, Any], arrays: Sequence[Array]) -> list[Query]:
    """The queries of `queries_out`."""
    left = iter(arrays)
    images = [
        Radiograph(
            unpacked(next(left)),
            Path(image["path"]),
            image["sha256"],
            image["windowed"],
            image["bits"],
            padding=unpacked(next(left)) if image["padding"] else None,
            notes=tuple(image["notes"]),
        )
        for image in fields["images"]
    ]
    return [Query(images[place], phrase, pathology) for place, phrase, pathology in fields["queries"]]


def answers_out(answers: Sequence[Grounding]) -> tuple[list[Fields], list[Array]]:
    """Answers as fields and arrays."""
    items: list[Fields] = []
    arrays: list[Array] = []
    for answer in answers:
        item: Fields = {
            "boxes": [[*box.as_tuple(), box.score] for box in answer.boxes],
            "truncated": answer.truncated,
        }
        if answer.written is not None:
            item["written"] = asdict(answer.written)
        if answer.heatmap is not None:
            item["extent"] = answer.heatmap.extent.as_tuple()
            item["image_size"] = answer.heatmap.image_size
            arrays.append(packed(answer.heatmap.values))
        items.append(item)
    return items, arrays


def answers_in(items: Any, arrays: Sequence[Array]) -> list[Grounding]:
    """The answers of `answers_out`, checked as any method's are.

    Raises:
        FrameError: If they are none.
    """
    left = iter(arrays)
    try:
        return [_answer(item, left) for item in items]
    except (ValueError, TypeError, KeyError, StopIteration, RuntimeError) as error:
        raise FrameError(f"its answers cannot be read ({error})") from error


def _answer(item: Any, arrays: Any) -> Grounding:
    heatmap = None
    if "extent" in item:
        width, height = item["image_size"]
        heatmap = Heatmap(unpacked(next(arrays)), Box(*item["extent"]), (width, height))
    written = None
    if "written" in item:
        size = item["written"]["input_size"]
        written = Written(**{**item["written"], "input_size": None if size is None else (size[0], size[1])})
    return Grounding(heatmap, tuple(Box(*box) for box in item["boxes"]), item["truncated"], written)


def value_out(value: Any) -> Any:
    """An option's value in JSON's types, with a word for what JSON has no type for.

    Raises:
        TypeError: If it is of a type that does not travel.
    """
    if isinstance(value, enum.Enum):
        return {"enum": [type(value).__name__, value.name]}
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, PurePath):
        return {"path": str(value)}
    for name, kind in _SEQUENCES.items():
        if type(value) is kind:
            return {name: [value_out(one) for one in value]}
    if type(value) is dict:
        return {"dict": [[value_out(key), value_out(one)] for key, one in value.items()]}
    raise TypeError(f"a value of the type {type(value).__name__}")


def value_in(value: Any, enums: Mapping[str, Any]) -> Any:
    """The value of `value_out`.

    Args:
        value: As it came.
        enums: The enumerations that it may be of, by name.
    """
    if not isinstance(value, dict):
        return value
    ((name, inner),) = value.items()
    if name == "enum":
        return enums[inner[0]][inner[1]]
    if name == "path":
        return Path(inner)
    if name == "dict":
        return {value_in(key, enums): value_in(one, enums) for key, one in inner}
    return _SEQUENCES[name](value_in(one, enums) for one in inner)


_SEQUENCES: dict[str, Any] = {"list": list, "tuple": tuple, "set": set, "frozenset": frozenset}
