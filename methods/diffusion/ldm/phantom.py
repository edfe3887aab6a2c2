"""The bundled diffusion model of phantoms: the `ldm` method with weights that come with the package."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

from ...bundled import BUNDLED, DRAWN_HELP, LICENCE, TRAINED_ON, bundled, bundled_seed
from ...random_weights import drawn_id
from ...registry import register_method
from ...repository import published
from .method import TUNED_CITATION, Ldm
from .options import PRESET_HELP, MapOptions, Preset


@dataclass(frozen=True)
class LdmPhantomOptions(MapOptions):
    """The options of `ldm`, but for other weights than drawn ones."""

    weights: str = field(default="", metadata={"help": DRAWN_HELP})
    preset: Preset = field(default=Preset.PHANTOM, metadata={"help": PRESET_HELP})


@register_method("ldm-phantom")
class LdmPhantom(Ldm):
    """A small latent diffusion model of phantoms, bundled: it shows the method `ldm` at work, not what it can do.

    It learnt from images and phrases of 12,000 phantoms, those of the train split among them, without a box or mask
    (`training/`). On a radiograph of a patient it means nothing.
    """

    Options: ClassVar[type[Any]] = LdmPhantomOptions
    trained_on = TRAINED_ON
    licence = LICENCE

    def __init__(self, options: Any = None) -> None:
        """Take the options; drawn weights have seen nothing.

        Raises:
            WeightsError: If they name other weights than drawn ones.
        """
        super().__init__(options)
        self._seed = bundled_seed("ldm-phantom", self.options.weights)
        if self._seed is not None:
            self.trained_on = ()

    def sources(self) -> tuple[str, str, str]:
        """The folder in the package."""
        return str(bundled("ldm-phantom")), "", ""

    def weights_id(self) -> str | None:
        """The bundled model's name, or the seed of drawn weights; with the tuned embeddings."""
        name = f"ldm-phantom{BUNDLED}" if self._seed is None else drawn_id(self._seed)
        return f"{name}; embeddings={published(self.embeddings())}" if self.embeddings() else name


@dataclass(frozen=True)
class LdmPhantomTunedOptions(LdmPhantomOptions):
    """The options of `ldm-phantom`."""

    embeddings: str = field(default="", metadata={"help": "empty: the ones that come with the package"})


@register_method("ldm-phantom-tuned")
class LdmPhantomTuned(LdmPhantom):
    """`ldm-phantom` with tuned embeddings of place and heart words, bundled (Vilouras et al., MIDL 2026).

    They were trained on the phantom's train split with the places of lungs, their thirds and the heart, no box or mask
    of a finding: `groundcxr tune ldm-phantom` makes them (docs/tuning.md).
    """

    Options: ClassVar[type[Any]] = LdmPhantomTunedOptions
    citation = TUNED_CITATION

    def embeddings(self) -> str:
        """The bundled book, unless another is named, or the weights are drawn, for which there is none."""
        return self.options.embeddings or ("" if self.options.weights else str(bundled("ldm-phantom-tuned")))

    def weights_id(self) -> str | None:
        """The bundled model's name, where the bundled book is read."""
        if self.options.embeddings or self._seed is not None:
            return super().weights_id()
        return f"ldm-phantom-tuned{BUNDLED}"
