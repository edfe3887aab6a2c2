"""Chat vision-language models that write coordinates: any that transformers loads without code of its own."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import Any, ClassVar, Literal

from ...core import BOX, Box, Grounding, Query, Radiograph, WeightsError
from ...core.fingerprint import digest, seed_from
from ..batch_size import BatchSize
from ..inference import exact_inference
from ..marker import NetworkInput, require_frame
from ..options import require_at_least_one
from ..pretrained import PretrainedMethod
from ..random_weights import drawing
from ..registry import register_method
from ..requirements import require_packages
from .asking import Asked, Asker
from .conventions import PIXELS
from .known_models import known_model
from .preset_choice import ASKED, chosen_preset
from .preset_type import PHRASE
from .reading import written_answer
from .writing import Generated, Generation, write

_INSTEAD = "give fewer image_tokens or max_new_tokens, or a smaller model"


@dataclass(frozen=True)
class VlmOptions:
    """Which model, how it is asked, and how its answer is generated and read."""

    weights: str = field(
        default="",
        metadata={"help": "folder or hub id of a model that AutoModelForImageTextToText loads, or random:SEED:PLACE"},
    )
    preset: str = field(
        default="",
        metadata={
            "help": f"how the model is asked and what its numbers mean: {', '.join(ASKED)}, or a FILE.toml; empty: "
            "that of the hub id, where it is known"
        },
    )
    prompt: str = field(
        default="", metadata={"help": "what is asked in place of the preset's prompt, with {phrase} for the phrase"}
    )
    image_tokens: int | None = field(
        default=None,
        metadata={"help": "the most tokens that an image may take; fewer are faster and see less. None: the preset's"},
    )
    max_new_tokens: int | None = field(
        default=None, metadata={"help": "the most tokens of an answer. None: the preset's"}
    )
    boxes: int = field(default=1, metadata={"help": "how many of an answer's boxes count, from the first on"})
    dtype: Literal["bfloat16", "float32"] = field(
        default="bfloat16", metadata={"help": "bfloat16 or float32 (float16 overflows in some of these models)"}
    )
    num_beams: int = field(default=1, metadata={"help": "width of the beam search; 1 is greedy"})
    repetition_penalty: float = field(
        default=1.0, metadata={"help": "1 for none; others hit the digits that coordinates repeat"}
    )
    do_sample: bool = field(
        default=False, metadata={"help": "draw tokens, one phrase at a time, seeded by image and phrase"}
    )

    def __post_init__(self) -> None:
        require_at_least_one(self, "image_tokens", "max_new_tokens", "boxes", "num_beams")
        if not self.repetition_penalty > 0:
            raise ValueError(f"repetition_penalty is {self.repetition_penalty}; it must be above 0")
        if self.prompt and PHRASE not in self.prompt:
            raise ValueError(f"the prompt {self.prompt!r} has no {PHRASE} in it, so that all phrases would be one")


@register_method("vlm")
class Vlm(PretrainedMethod):
    """A vision-language model asked in words, whose text is read as boxes (Qwen-VL, MedGemma, InternVL and others).

    What models differ in is a preset: prompt, convention of the coordinates, settings of generation. It is chosen by
    the user (or by the hub id, where that is known) and never derived from the architecture, since fine-tuned models
    write other conventions. Setting up sends a marker image through the preprocessing and refuses a preset whose frame
    is not the model's.

    A box's score is the mean log-probability of the answer's tokens, as no such model states a confidence; all boxes
    of an answer have the same.
    """

    Options: ClassVar[type[Any]] = VlmOptions
    requirements: ClassVar[tuple[str, ...]] = ("torch", "torchvision", "transformers>=5.0")
    kind: ClassVar[str] = "box"
    emits: ClassVar[AbstractSet[str]] = frozenset({BOX})
    batch_size: ClassVar[int] = 4
    licence = "of the weights given"
    content: ClassVar[str] = "a vision-language model as save_pretrained writes it, with its processor"

    def __init__(self, options: Any = None) -> None:
        """Keep the options, and find the preset.

        Args:
            options: A `VlmOptions`.

        Raises:
            WeightsError: If no weights are named.
            UnknownNameError: If there is no such preset.
            MethodError: If none is given and the weights are not known, or it is for imports only.
        """
        super().__init__(options)
        given = self.options
        self.preset = chosen_preset(self.name, str(self._place), given.preset, given.prompt, given.max_new_tokens)
        # What was found stands among the options too, so that it is known and in the fingerprint.
        self.options = replace(given, preset=given.preset or self.preset.name)
        self.convention = self.preset.convention
        known = known_model(str(self._place))
        if known is not None:
            self.licence = known.licence
            self.trained_on = () if self._seed is not None else known.trained_on
        self._generation = Generation(
            self.preset.max_new_tokens,
            self.options.num_beams,
            self.options.repetition_penalty,
            self.options.do_sample,
            self.preset.skip_special_tokens,
        )
        self._device = "cpu"
        self._batch = BatchSize(1)
        self._model: Any = None
        self._asker: Any = None

    def setup(self, device: str) -> None:
        """Load model and processor, and send a marker through.

        Raises:
            WeightsError: If they cannot be loaded.
            MethodError: If a package is missing, an option does not fit the model, or the preset's frame is not what
                the network gets.
        """
        require_packages(self.name, *self.requirements)
        import torch
        from transformers import AutoModelForImageTextToText, AutoProcessor

        self._require_type()
        self._asker = Asker(self.name, self.processor(AutoProcessor), self.preset, self.options.image_tokens)
        require_frame(self, self.name)
        model = self.load(AutoModelForImageTextToText, dtype=getattr(torch, self.options.dtype))
        self._asker.limit(model.config, self._generation.max_new_tokens)
        config = self._generation.config(model.generation_config, self._asker.tokenizer)
        # Models within the model have settings of their own, and Kosmos-2 generates with an inner one's.
        for part in model.modules():
            if getattr(part, "generation_config", None) is not None:
                part.generation_config = config
        # Of Kosmos-2, transformers counts the padding into the places of all tokens but the first.
        alone = self.options.do_sample or model.config.model_type == "kosmos-2"
        self._batch = BatchSize(1 if alone else sys.maxsize, _INSTEAD)
        self._device = device
        self._model = model.to(device)

    def _require_type(self) -> None:
        """Say which model this is, where it is none that is asked here, before its processor is found to be strange."""
        from transformers import __version__
        from transformers.models.auto.modeling_auto import MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING_NAMES as KNOWN

        config = self.config()
        found = config.get("model_type")
        if found not in KNOWN and "auto_map" not in config:
            raise WeightsError(
                f"the configuration in {self.place()} is of the type {found}, which transformers {__version__} does "
                "not know as a vision-language model; give the weights of one, or get a newer transformers"
            )

    def fingerprint(self) -> str:
        """As of any method, with all of the preset that the text depends on: not with how the text is read."""
        return digest(super().fingerprint(), self.preset.asking())

    def network_input(self, image: Radiograph) -> NetworkInput:
        """What the network gets of an image, and how boxes there are read: with the preset's frame and unit."""
        picture, size = self._asker.picture(image)
        edges = self.convention.sides(size) if self.convention.unit == PIXELS else picture.shape[:0:-1]

        def to_image(box: Box) -> Box:
            return self.convention.in_image(box.scaled(1 / edges[0], 1 / edges[1]), image.size)

        return NetworkInput(picture, to_image)

    def ground(self, image: Radiograph, phrases: Sequence[str]) -> list[Grounding]:
        """Answer every phrase of one image, in order."""
        return self.ground_batch([Query(image, phrase, "") for phrase in phrases])

    def ground_batch(self, queries: Sequence[Query]) -> list[Grounding]:
        """Ask about all queries together, in fewer at a time where the memory does not suffice.

        Raises:
            MethodError: If the memory does not suffice for one, or a phrase cannot be asked about.
        """
        asked = self._asker.asked(queries)
        written = chain.from_iterable(self._batch.run(len(asked), lambda start, stop: self._write(asked[start:stop])))
        return [
            written_answer(
                text.text,
                self.convention,
                one.image.size,
                one.input_size,
                score=text.log_probability,
                most=self.options.boxes,
                truncated=cut,
            )
            for one, (text, cut) in zip(asked, written, strict=True)
        ]

    def _write(self, asked: Sequence[Asked]) -> list[tuple[Generated, bool]]:
        inputs, truncated = self._asker.inputs(asked)
        inputs = inputs.to(self._device, self._model.dtype)
        with exact_inference(), self._seeded(asked):
            found = write(self._model, self._asker.tokenizer, inputs, self._generation)
        return list(zip(found, truncated, strict=True))

    def _seeded(self, asked: Sequence[Asked]) -> AbstractContextManager[None]:
        """Where tokens are drawn, which is done one phrase at a time, they depend on image and phrase alone."""
        one = asked[0]
        return drawing(seed_from(one.image.sha256, one.phrase) // 2) if self.options.do_sample else nullcontext()
