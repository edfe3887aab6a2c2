"""Predictions as bytes, one by one, and the keys under which they are kept."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from ..core import Box, Grounding, Heatmap, ImageSize, Written
from ..core.errors import text_of
from ..core.fingerprint import digest
from ..core.tracebacks import place_of, trace_of

_LENGTH = 4
_VALUES = np.dtype("<f4")


@dataclass(frozen=True)
class Failure:
    """A query that a method could not answer.

    Attributes:
        kind: The exception's type, safe to publish.
        message: What it said; may quote paths or phrases, so it stays in the store.
        place: The last line of the author's code on the way to it, as ``bright.py:14 in ground``; "" where there is
            none.
        trace: The traceback, while the run lasts; it is not stored.
    """

    kind: str
    message: str
    place: str = ""
    trace: str = field(default="", compare=False, repr=False)

    def __str__(self) -> str:
        return ": ".join(filter(None, (self.place, self.kind, self.message)))

    @classmethod
    def of(cls, error: BaseException, packages: Collection[str] = ()) -> Failure:
        """The failure that an exception stands for.

        Args:
            error: The exception.
            packages: Installed packages that are the author's code, see `place_of`.
        """
        return cls(type(error).__name__, text_of(error), place_of(error, packages), trace_of(error, packages))


Prediction = Grounding | Failure


def image_key(image_sha256: str) -> str:
    """The name of an image in the store (32 hexadecimal digits); does not give the image's hash away."""
    return digest("image", image_sha256)[:32]


def query_key(image_sha256: str, phrase: str, pathology: str) -> str:
    """The name of an answer about an image (16 hexadecimal digits).

    It covers all that a method may read. Who holds the images can confirm guessed phrases by it: it is never published.
    """
    return digest("query", image_sha256, phrase, pathology)[:16]


def encode(prediction: Prediction) -> bytes:
    """A prediction as bytes; equal predictions give equal bytes, on every machine.

    Four bytes (little-endian) say how long the JSON after them is; then come the map's values, rows first, as
    little-endian float32, where there is a map.
    """
    values = b""
    if isinstance(prediction, Failure):
        about: dict[str, Any] = {"failed": [prediction.kind, prediction.message]}
        if prediction.place:
            about["place"] = prediction.place
    else:
        about = {"boxes": [[*box.as_tuple(), box.score] for box in prediction.boxes]}
        if prediction.truncated:
            about["truncated"] = True
        if prediction.written is not None:
            about["written"] = asdict(prediction.written)
        if (heatmap := prediction.heatmap) is not None:
            about["extent"] = heatmap.extent.as_tuple()
            about["image_size"] = heatmap.image_size
            about["shape"] = heatmap.values.shape
            values = heatmap.values.astype(_VALUES, copy=False).tobytes()
    head = json.dumps(about, separators=(",", ":")).encode()
    return len(head).to_bytes(_LENGTH, "little") + head + values


def decode(content: bytes) -> Prediction:
    """The inverse of `encode`.

    Raises:
        ValueError: If the bytes are no prediction.
    """
    try:
        end = _LENGTH + int.from_bytes(content[:_LENGTH], "little")
        about = json.loads(content[_LENGTH:end])
        return _prediction(about, content[end:])
    # What JSON, NumPy and our own types raise on other contents is open-ended.
    except Exception as error:
        raise ValueError(next(iter(str(error).splitlines()), "") or type(error).__name__) from error


def _prediction(about: dict[str, Any], values: bytes) -> Prediction:
    if "failed" in about:
        kind, message = about["failed"]
        return Failure(str(kind), str(message), str(about.get("place", "")))
    heatmap = None
    if "extent" in about:
        size: ImageSize = (about["image_size"][0], about["image_size"][1])
        grid = np.frombuffer(values, dtype=_VALUES).reshape(about["shape"])
        heatmap = Heatmap(grid, Box(*about["extent"]), size)
    boxes = tuple(Box(*box) for box in about["boxes"])
    return Grounding(heatmap, boxes, bool(about.get("truncated", False)), _written(about.get("written")))


def _written(about: dict[str, Any] | None) -> Written | None:
    if about is None:
        return None
    size = about["input_size"]
    return Written(**{**about, "input_size": None if size is None else (size[0], size[1])})
