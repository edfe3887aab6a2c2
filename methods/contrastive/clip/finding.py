"""Finding the source of a CLIP model from what the user wrote."""

from __future__ import annotations

import re

from ....core import WeightsError
from ....core.paths import user_path
from ...random_weights import random_weights
from .open_clip_models import OpenClipSource
from .openai_file import FILES, FileSource
from .presets import CONFIG, PRESETS
from .source import Source
from .transformers_models import TransformersSource

_HUB_ID = re.compile(r"[\w-][\w.-]*/[\w.-]+(@[\w./-]+)?")


def find_source(model: str, weights: str, method: str, *, pooled: bool = False) -> Source:
    """The source that the options name; `weights` stands in for whatever `model` says.

    Args:
        model: The option `model`.
        weights: The option `weights`.
        method: The method's name, for messages.
        pooled: Whether models that pool with attention are wanted, and not those that do not.

    Raises:
        MethodError: If `model` has none of the forms that it may have.
        WeightsError: If drawn weights are asked for and their architecture is not known, or a file is given to a method
            that reads none.
    """
    drawn = random_weights(weights)
    place = drawn.place if drawn is not None else weights
    folder = user_path(place) if place else None
    if folder is not None and not (folder / CONFIG).is_file():
        if (folder / "config.json").is_file() or (not folder.exists() and _HUB_ID.fullmatch(place)):
            return TransformersSource(weights, method)
        if drawn is None and (folder.is_file() or (not folder.exists() and folder.suffix in FILES)):
            if pooled:
                raise WeightsError(
                    f"method {method} reads no single file such as {folder}: give weights=FOLDER or weights=OWNER/NAME "
                    "with a SiglipModel of transformers, or a folder with open_clip_config.json and the weights"
                )
            return FileSource(folder, PRESETS.get(model))
    return OpenClipSource.parse(model, weights, pooled=pooled)
