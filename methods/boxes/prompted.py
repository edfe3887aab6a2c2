"""What detectors and segmenters share: networks of transformers that take an image and a phrase in one call.

The class that is loaded is the one that the weights' own configuration names. The Auto classes load another head in
silence where they know no better: the decoder of CLIPSeg would be dropped.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ClassVar, TypeVar

from ...core import Box, Grounding, ImageSize, MethodError, Radiograph, WeightsError
from ..inference import exact_inference
from ..marker import NetworkInput, require_frame
from ..pretrained import PretrainedMethod
from ..requirements import require_packages
from .known_models import known_model
from .pictures import as_rgb

_PHRASES_AT_ONCE = 8


@dataclass(frozen=True)
class PromptedOptions:
    """Which network, and which of its boxes count."""

    weights: str = field(
        default="",
        metadata={"help": "folder as save_pretrained writes it, hub id OWNER/NAME[@REVISION], or random:SEED:PLACE"},
    )
    boxes: int = field(default=1, metadata={"help": "how many boxes count, the best first"})
    min_score: float = field(
        default=0.0, metadata={"help": "only boxes of at least this score count; 0: there is always an answer"}
    )

    def __post_init__(self) -> None:
        if self.boxes < 1:
            raise ValueError(f"boxes={self.boxes} leaves nothing to answer with; give at least 1")
        if not 0 <= self.min_score < 1:
            raise ValueError(f"min_score={self.min_score:g} does not fit: scores lie from 0 to 1")


@dataclass(frozen=True)
class Family:
    """One architecture of transformers.

    Attributes:
        model: The class of transformers that answers phrases.
        processor: The class of its processor.
        citation: BibTeX.
    """

    model: str
    processor: str
    citation: str


F = TypeVar("F", bound=Family)


class PromptedMethod(PretrainedMethod):
    """A network that is given an image and phrases. Phrases of an image go together, images one at a time.

    Images of different sizes in one batch would be padded, which changes what a network answers.

    Attributes:
        what: What messages call such a network.
    """

    Options: ClassVar[type[Any]] = PromptedOptions
    # Of these classes; older releases read boxes in other ways.
    requirements: ClassVar[tuple[str, ...]] = ("torch", "torchvision", "transformers>=5.0")
    licence = "of the weights given"
    what: ClassVar[str] = ""
    _device = "cpu"
    _model: Any = None
    _processor: Any = None

    def __init__(self, options: Any = None) -> None:
        """Keep the options, and read the weights' configuration: it says what is cited.

        Raises:
            WeightsError: If it cannot be found, or names no architecture that is known.
        """
        super().__init__(options)
        self.citation = self.family.citation
        known = known_model(self.place())
        if known is not None:
            self.licence = known.licence
            self.trained_on: tuple[str, ...] = known.trained_on if self._seed is None else ()

    def setup(self, device: str) -> None:
        """Load the network that the configuration names, and try where it sees a marker.

        Raises:
            WeightsError: If the weights are missing, unusable, incomplete, or of an architecture that is not known.
            MethodError: If a package is missing, or the preprocessing makes a frame that is not the expected one.
        """
        require_packages(self.name, *self.requirements)
        import torch
        import transformers

        if self._model is None:
            self._processor = self.processor(getattr(transformers, self.family.processor))
            self._model = self.load(getattr(transformers, self.family.model), dtype=torch.float32)
            require_frame(self, self.name)
        self._device = device
        self._model.to(device)

    @cached_property
    def family(self) -> Family:
        """The architecture of the weights; what a subclass finds with `named`.

        Raises:
            WeightsError: If the configuration cannot be read, or names none that is known.
        """
        raise NotImplementedError

    def named(self, families: Mapping[str, F]) -> F:
        """The one of these families, by architecture, that the weights' configuration names.

        Raises:
            WeightsError: If it cannot be read, or names none of them.
        """
        stated = self.config().get("architectures")
        names = [str(name) for name in stated] if isinstance(stated, list) and stated else ["no architecture"]
        known = next((families[name] for name in names if name in families), None)
        if known is None:
            raise WeightsError(
                f"the configuration in {self.place()} is of {names[0]}, which is no {self.what} known here; give the "
                f"weights of one of these: {', '.join(families)}"
            )
        return known

    def network_input(self, image: Radiograph) -> NetworkInput:
        """What the network gets of an image; see `methods.marker`."""
        (pixels,) = self.pixel_inputs(image)["pixel_values"]
        size = (pixels.shape[-1], pixels.shape[-2])
        return NetworkInput(pixels.numpy(), lambda box: self.to_image(box.scaled(1 / size[0], 1 / size[1]), image.size))

    def to_image(self, box: Box, image_size: ImageSize) -> Box:
        """A box of the network's answer on the original image, by the code that reads answers.

        Args:
            box: In fractions of the network's input.
            image_size: (width, height) of the image.
        """
        raise NotImplementedError

    def answer(self, image: Radiograph, phrases: Sequence[str]) -> list[Grounding]:
        """Answer a few phrases of one image, in order; within `exact_inference`."""
        raise NotImplementedError

    def ground(self, image: Radiograph, phrases: Sequence[str]) -> list[Grounding]:
        """Answer every phrase of one image, in order.

        Raises:
            MethodError: If a phrase holds a special token of the tokenizer.
        """
        self._refuse_special(phrases)
        with exact_inference():
            return self.answer(image, phrases)

    def pixel_inputs(self, image: Radiograph) -> dict[str, Any]:
        """What the processor makes of an image, for the network: a batch of one, on the CPU."""
        return dict(self._processor.image_processor(images=as_rgb(image), return_tensors="pt"))

    def cut(self, texts: Sequence[str], most: int) -> list[bool]:
        """Whether each text has more tokens than the network reads."""
        found = self._processor.tokenizer(list(texts), truncation=True, max_length=most + 1)
        return [len(ids) > most for ids in found["input_ids"]]

    def best(self, boxes: Iterable[Box], image_size: ImageSize) -> list[Box]:
        """The boxes that count, best first: clipped to the image, those dropped that hold no pixel of it.

        Args:
            boxes: Of one phrase, with scores from 0 to 1, in pixels of the original image.
            image_size: (width, height) of the image.
        """
        enough = [
            box.clipped(image_size) for box in boxes if box.score is not None and box.score >= self.options.min_score
        ]
        held = [box for box in enough if _holds_pixel(box, image_size)]
        return sorted(held, key=lambda box: box.score or 0.0, reverse=True)[: self.options.boxes]

    def _refuse_special(self, phrases: Iterable[str]) -> None:
        # One within a phrase would end it, or part it into blocks.
        special = self._processor.tokenizer.all_special_tokens
        if found := next((token for phrase in phrases for token in special if token in phrase), None):
            raise MethodError(f"a phrase holds {found}, which the tokenizer of {self.name} reserves; leave it out")


def in_parts(groups: Sequence[Sequence[str]]) -> list[Sequence[str]]:
    """What goes through a network at once of groups of phrases: so few that memory does not grow with a group."""
    return [
        some[start : start + _PHRASES_AT_ONCE] for some in groups for start in range(0, len(some), _PHRASES_AT_ONCE)
    ]


def _holds_pixel(box: Box, image_size: ImageSize) -> bool:
    (left, right), (top, bottom) = box.columns(image_size[0]), box.rows(image_size[1])
    return right > left and bottom > top
