"""The control that asks the same network with weights that have learnt nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from ...core import GroundCXRError, MethodError, Sample
from ..base import GroundingMethod
from ..loading import build_method
from ..random_weights import drawn_of, random_weights
from ..registry import register_method
from ..wrapping import AskedOptions, name_of, pairs
from .asking import AskingControl


@dataclass(frozen=True)
class RandomWeightsOptions(AskedOptions):
    """Which method is asked, and which weights are drawn."""

    seed: int = field(default=0, metadata={"help": "of the weights; not negative"})

    def __post_init__(self) -> None:
        if self.seed < 0:
            raise ValueError(f"seed must not be negative, got {self.seed}")


@register_method("random-weights")
class RandomWeightsControl(AskingControl):
    """A method's own network with weights drawn from a seed.

    The sanity check of Adebayo et al. 2018: a map that stays as it is when the weights are drawn shows the image, or
    how the network is built, and not what it has learnt. It asks the method with `weights=random:SEED`, or with
    `weights=random:SEED:PLACE` where `settings` names a place, whose architecture and tokenizer are taken then.
    """

    Options: ClassVar[type[Any]] = RandomWeightsOptions
    learns: ClassVar[bool] = False

    def __init__(self, options: Any = None) -> None:
        """Build the method that is asked.

        Args:
            options: A `RandomWeightsOptions`.

        Raises:
            MethodError: If no method is named, or one that draws no weights.
        """
        super().__init__(options)
        self.note: str = (
            f"{name_of(self.only())} with weights drawn from the seed {self.options.seed}: what is left of the score "
            "has not been learnt"
        )

    def build_asked(self) -> Mapping[str, GroundingMethod]:
        """The method with drawn weights.

        Raises:
            MethodError: If none is named, or it cannot be built so.
        """
        spec = self.options.method
        if not spec:
            return super().build_asked()
        settings = pairs(self.options.settings, self.name)
        place = settings.get("weights", "")
        if random_weights(place) is not None:
            raise MethodError(f"{self.name} draws the weights itself; give its option seed in place of weights={place}")
        settings["weights"] = f"random:{self.options.seed}" + (f":{place}" if place else "")
        try:
            return {spec: build_method(spec, settings)}
        except GroundCXRError as error:
            raise MethodError(f"{_refusal(self.name, spec)}: with weights={settings['weights']}, {error}") from error

    def question(self, sample: Sample) -> Sample:
        """The sample as it is: what is other is who is asked."""
        return sample

    def weights_id(self) -> str | None:
        """That of the method that is asked, which says that its weights are drawn.

        Raises:
            MethodError: If they are not: the method has taken the option for something else.
        """
        found = super().weights_id()
        if drawn_of(found) is None:
            raise MethodError(f"{_refusal(self.name, name_of(self.only()))}, which this one does not say that it does")
        return found

    def options_dict(self) -> dict[str, Any]:
        """The method that is asked with its options, among them the place of the architecture, and the seed."""
        options = super().options_dict()
        return {**options, "settings": {**options["settings"], "weights": drawn_of(self.weights_id())}}


def _refusal(control: str, method: str) -> str:
    return f"{control} cannot ask {method}: it needs a method that draws weights from a seed (weights=random:SEED)"
