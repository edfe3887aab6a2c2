"""What a preset says: how a model that answers in words is asked, and what its numbers mean."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from types import MappingProxyType
from typing import Any

from ...core import ImageSize
from .conventions import Convention

PHRASE = "{phrase}"
"""Where a prompt has the phrase."""


@dataclass(frozen=True)
class Preset:
    """How a model is asked, and what its answer means.

    Attributes:
        name: How it is asked for.
        convention: What the numbers of an answer mean.
        prompt: What is asked; `{phrase}` stands for the phrase.
        chat: Whether the prompt goes through the model's chat template; else the model gets the image and the prompt.
        max_new_tokens: Tokens of an answer.
        skip_special_tokens: Whether special tokens are left out of the text; not where they are the grammar.
        multiple_of: The image is resized to sides that are multiples of so many pixels before the model gets it; None
            where the model's processor resizes in its own way and the convention does not care.
        max_pixels: The area in pixels that the image is resized to at most, with `multiple_of`.
        processor: Further arguments of the model's processor.
        models: Hub ids that this preset is the default for.
        generates: Whether it can be asked through transformers; else its answers are imported.
        source: Where all this stands.
    """

    name: str
    convention: Convention
    prompt: str
    chat: bool = True
    max_new_tokens: int = 128
    skip_special_tokens: bool = True
    multiple_of: int | None = None
    max_pixels: int | None = None
    processor: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    models: tuple[str, ...] = ()
    generates: bool = True
    source: str = ""

    def asked(self, phrase: str) -> str:
        """The prompt for a phrase."""
        return self.prompt.replace(PHRASE, phrase)

    def asking(self) -> dict[str, Any]:
        """What an answer depends on, as plain JSON values: for the fingerprint of a method that asks by this preset.

        What the numbers of the answer mean is not among it, but for the frame: that is the parser's.
        """
        apart = {"name", "convention", "models", "generates", "source"}
        asked = {one.name: getattr(self, one.name) for one in fields(self) if one.name not in apart}
        return {**asked, "processor": dict(self.processor), "frame": self.convention.frame}

    def input_size(self, image_size: ImageSize, max_pixels: int | None = None) -> ImageSize:
        """The (width, height) that an image is resized to before the model gets it.

        Sides are multiples of `multiple_of` and the area is at most `max_pixels`, the aspect kept as well as that
        allows (Qwen's `smart_resize`), so that the model's own processor resizes no more. Without `multiple_of` the
        size is the image's.

        Args:
            image_size: (width, height) of the image.
            max_pixels: Stands for the preset's.
        """
        unit, most = self.multiple_of, max_pixels or self.max_pixels
        if unit is None:
            return image_size
        width, height = (max(round(side / unit), 1) * unit for side in image_size)
        if most is None or width * height <= most:
            return width, height
        shrink = math.sqrt(image_size[0] * image_size[1] / most)
        width, height = (max(math.floor(side / shrink / unit), 1) * unit for side in image_size)
        return width, height
