"""The bundled CLIP model of phantoms: the `clip` method with weights that come with the package."""

from __future__ import annotations

from typing import Any, ClassVar

from ...base import NoOptions
from ...bundled import LICENCE, TRAINED_ON, bundled
from ...registry import register_method
from .method import Clip
from .source import ClipSource


@register_method("clip-phantom")
class ClipPhantom(Clip):
    """A small CLIP trained on phantoms, bundled: it shows the method `clip` at work, not what CLIP can do.

    It learnt from images, findings and phrases of 12,000 phantoms, those of the train split among them, without a box
    or mask (`training/`). On a radiograph of a patient it means nothing.
    """

    Options: ClassVar[type[Any]] = NoOptions
    trained_on = TRAINED_ON
    licence = LICENCE

    def source(self) -> ClipSource:
        """The folder in the package."""
        return ClipSource("clip-phantom", folder=bundled("clip-phantom"))

    def weights_id(self) -> str | None:
        """The bundled model's name."""
        return "clip-phantom (bundled)"
