"""The bundled CLIP model of phantoms: the `clip` method with weights that come with the package."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

from ...bundled import LICENCE, TRAINED_ON, bundled
from ...registry import register_method
from .dense import MODE_NAMES, PROJECTION
from .method import Clip
from .open_clip_models import OpenClipSource
from .source import Source


@dataclass(frozen=True)
class ClipPhantomOptions:
    """How patches come into the joint space."""

    dense: str = field(default=PROJECTION, metadata={"help": f"one of {', '.join(MODE_NAMES)}, as of clip"})


@register_method("clip-phantom")
class ClipPhantom(Clip):
    """A small CLIP trained on phantoms, bundled: it shows the method `clip` at work, not what CLIP can do.

    It learnt from images, findings and phrases of 12,000 phantoms, those of the train split among them, without a box
    or mask (`training/`). On a radiograph of a patient it means nothing.
    """

    Options: ClassVar[type[Any]] = ClipPhantomOptions
    trained_on = TRAINED_ON
    licence = LICENCE

    def source(self) -> Source:
        """The folder in the package."""
        return OpenClipSource("clip-phantom", folder=bundled("clip-phantom"))

    def weights_id(self) -> str | None:
        """The bundled model's name."""
        return "clip-phantom (bundled)"
