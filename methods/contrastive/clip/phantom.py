"""The bundled CLIP model of phantoms: the `clip` method with weights that come with the package."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

from ...bundled import BUNDLED, DRAWN_HELP, LICENCE, TRAINED_ON, bundled, bundled_seed
from ...random_weights import drawn_id
from ...registry import register_method
from .dense import MODE_NAMES, PROJECTION
from .method import Clip
from .open_clip_models import OpenClipSource
from .source import Source


@dataclass(frozen=True)
class ClipPhantomOptions:
    """How patches come into the joint space."""

    dense: str = field(default=PROJECTION, metadata={"help": f"one of {', '.join(MODE_NAMES)}, as of clip"})
    weights: str = field(default="", metadata={"help": DRAWN_HELP})


@register_method("clip-phantom")
class ClipPhantom(Clip):
    """A small CLIP trained on phantoms, bundled: it shows the method `clip` at work, not what CLIP can do.

    It learnt from images, findings and phrases of 12,000 phantoms, those of the train split among them, without a box
    or mask (`training/`). On a radiograph of a patient it means nothing.
    """

    Options: ClassVar[type[Any]] = ClipPhantomOptions
    trained_on = TRAINED_ON
    licence = LICENCE

    def __init__(self, options: Any = None, **parts: Any) -> None:
        """Take the options; drawn weights have seen nothing.

        Raises:
            WeightsError: If they name other weights than drawn ones.
        """
        super().__init__(options, **parts)
        if self._seed is not None:
            self.trained_on = ()

    @property
    def _seed(self) -> int | None:
        return bundled_seed("clip-phantom", self.options.weights)

    def source(self) -> Source:
        """The folder in the package."""
        return OpenClipSource("clip-phantom", folder=bundled("clip-phantom"), seed=self._seed)

    def weights_id(self) -> str | None:
        """The bundled model's name, or the seed of drawn weights."""
        return f"clip-phantom{BUNDLED}" if self._seed is None else drawn_id(self._seed)
