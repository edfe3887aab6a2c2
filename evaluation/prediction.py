"""Predictions as bytes: one file holds all answers about one image."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..core import Box, Grounding, Heatmap, ImageSize
from ..core.errors import text_of
from ..core.fingerprint import digest

_META = "predictions"
_SCHEMA = 1


@dataclass(frozen=True)
class Failure:
    """A query that a method could not answer.

    Attributes:
        kind: The exception's type, safe to publish.
        message: What it said; may quote paths or phrases, so it stays in the store.
    """

    kind: str
    message: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.message}" if self.message else self.kind

    @classmethod
    def of(cls, error: BaseException) -> Failure:
        """The failure that an exception stands for."""
        return cls(type(error).__name__, text_of(error))


Prediction = Grounding | Failure


def image_key(image_sha256: str) -> str:
    """The name of an image's file in the store; does not give the image's hash away."""
    return digest("image", image_sha256)[:32]


def query_key(image_sha256: str, phrase: str, pathology: str) -> str:
    """The name of an answer within its image's file.

    It covers all that a method may read. Who holds the images can confirm guessed phrases by it: it is never published.
    """
    return digest("query", image_sha256, phrase, pathology)[:16]


def encode(predictions: Mapping[str, Prediction]) -> bytes:
    """Predictions by key as a compressed ``.npz`` without pickles; equal predictions give equal bytes."""
    arrays: dict[str, np.ndarray[Any, Any]] = {}
    items: list[dict[str, Any]] = []
    for key in sorted(predictions):
        prediction = predictions[key]
        if isinstance(prediction, Failure):
            items.append({"key": key, "failed": [prediction.kind, prediction.message]})
            continue
        item: dict[str, Any] = {"key": key, "boxes": [[*box.as_tuple(), box.score] for box in prediction.boxes]}
        if prediction.truncated:
            item["truncated"] = True
        if prediction.heatmap is not None:
            arrays[key] = prediction.heatmap.values
            item["extent"] = prediction.heatmap.extent.as_tuple()
            item["image_size"] = prediction.heatmap.image_size
        items.append(item)
    meta = json.dumps({"schema": _SCHEMA, "items": items}, separators=(",", ":")).encode()
    buffer = io.BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, **{_META: np.frombuffer(meta, dtype=np.uint8)}, **arrays)
    return buffer.getvalue()


def decode(content: bytes) -> dict[str, Prediction]:
    """The inverse of `encode`.

    Raises:
        ValueError: If the bytes are no prediction file of this schema.
    """
    if not content.startswith(b"PK"):
        raise ValueError("it is no zip archive")
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            meta = json.loads(_array(archive, _META).tobytes())
            if meta["schema"] != _SCHEMA:
                raise ValueError(f"schema {meta['schema']} instead of {_SCHEMA}")
            return {str(item["key"]): _prediction(item, archive) for item in meta["items"]}
    # What zipfile, zlib, NumPy and JSON raise on damaged bytes is open-ended: RuntimeError (encrypted), MemoryError ...
    except Exception as error:
        raise ValueError(next(iter(str(error).splitlines()), "") or type(error).__name__) from error


def _array(archive: zipfile.ZipFile, name: str) -> np.ndarray[Any, Any]:
    """An array of an ``.npz``.

    Its file is read whole, which checks its checksum. NumPy would stop where the array's header says, and take a
    damaged header's word for it: a map of another shape.
    """
    return np.load(io.BytesIO(archive.read(f"{name}.npy")), allow_pickle=False)


def _prediction(item: dict[str, Any], archive: zipfile.ZipFile) -> Prediction:
    if "failed" in item:
        kind, message = item["failed"]
        return Failure(str(kind), str(message))
    heatmap = None
    if "extent" in item:
        size: ImageSize = (item["image_size"][0], item["image_size"][1])
        heatmap = Heatmap(_array(archive, item["key"]), Box(*item["extent"]), size)
    return Grounding(heatmap, tuple(Box(*box) for box in item["boxes"]), bool(item.get("truncated", False)))
