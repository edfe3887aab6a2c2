"""A vision-language model behind a server of the user's own that speaks OpenAI's chat API: vLLM, SGLang, llama.cpp."""

from __future__ import annotations

import base64
import io
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from ...core import BOX, Box, Grounding, MethodError, Query, Radiograph
from ...core.fingerprint import digest
from ..base import GroundingMethod, SomeFailed
from ..marker import NetworkInput, require_frame
from ..options import require_at_least_one
from ..registry import register_method
from ..requirements import require_packages
from .address import address_of
from .known_models import known_model
from .pictures import padded_to_square, resized
from .preset_choice import ASKED, chosen_preset
from .preset_type import PHRASE
from .presets import PRESETS
from .reading import written_answer
from .server import ChatServer, RequestFailed

if TYPE_CHECKING:
    from PIL.Image import Image

_NO_ANSWER = {"answers": False}
_PRESETS = [name for name in ASKED if PRESETS[name].chat]


@dataclass(frozen=True)
class EndpointOptions:
    """Which server and model, how they are asked, and how patiently."""

    base_url: str = field(
        default="http://127.0.0.1:8000/v1", metadata={"help": "where the server is; a path of /v1 may be left out"}
    )
    model: str = field(default="", metadata={"help": "the model's name, as the server lists it under /v1/models"})
    revision: str = field(
        default="",
        metadata={
            "help": "which weights these are, in your words (a commit, a date): no server tells, and nothing is hashed"
        },
    )
    preset: str = field(
        default="",
        metadata={
            "help": f"how the model is asked and what its numbers mean: {', '.join(_PRESETS)}, or a FILE.toml; empty: "
            "that of the model's name, where it is known"
        },
    )
    prompt: str = field(
        default="", metadata={"help": "what is asked in place of the preset's prompt, with {phrase} for the phrase"}
    )
    max_pixels: int | None = field(
        default=None,
        metadata={"help": "the largest area in pixels that an image is sent with. None: the preset's, or all of it"},
    )
    max_new_tokens: int | None = field(
        default=None, metadata={"help": "the most tokens of an answer. None: the preset's"}
    )
    boxes: int = field(default=1, metadata={"help": "how many of an answer's boxes count, from the first on"})
    repetition_penalty: float = field(
        default=1.0,
        metadata={
            "help": "1 for none, which is sent too, since a server else takes the checkpoint's; 0 sends nothing, for "
            "servers that do not know it"
        },
    )
    concurrency: int = field(default=16, metadata={"help": "how many questions are asked at once", **_NO_ANSWER})
    timeout: float = field(default=300.0, metadata={"help": "seconds until an answer must be there", **_NO_ANSWER})
    retries: int = field(
        default=5,
        metadata={"help": "how often a question is asked again, after 1, 2, 4, ... seconds", **_NO_ANSWER},
    )
    api_key_env: str = field(
        default="", metadata={"help": "the environment variable that holds the server's key", **_NO_ANSWER}
    )
    allow_remote: bool = field(
        default=False,
        metadata={
            "help": "ask a server on another machine; images and phrases are sent there. PhysioNet's rules for "
            "credentialed data (MS-CXR, MIMIC-CXR) forbid passing them on to third parties, which online services and "
            "their APIs are; a machine of your own institution is yours to judge",
            **_NO_ANSWER,
        },
    )

    def __post_init__(self) -> None:
        require_at_least_one(self, "max_pixels", "max_new_tokens", "boxes", "concurrency")
        if self.retries < 0:
            raise ValueError(f"retries is {self.retries}; it must be at least 0")
        if not (self.timeout > 0 and math.isfinite(self.timeout)):
            raise ValueError(f"timeout is {self.timeout}; it must be above 0 seconds")
        if not (self.repetition_penalty >= 0 and math.isfinite(self.repetition_penalty)):
            raise ValueError(f"repetition_penalty is {self.repetition_penalty}; it must be above 0, or 0 for none sent")
        if self.prompt and PHRASE not in self.prompt:
            raise ValueError(f"the prompt {self.prompt!r} has no {PHRASE} in it, so that all phrases would be one")


@register_method("endpoint")
class Endpoint(GroundingMethod):
    """A model that a server of yours has loaded (vLLM, SGLang, llama.cpp, Ollama), asked and read as `vlm` does.

    All phrases of a batch of images are asked at once. A question that fails is asked again, and costs its own sample
    only; a server that has stopped answering ends the run, which the same command takes up again.

    The server's weights cannot be hashed: results name the model and the server as they say themselves. A box's score
    is the mean log-probability of the answer's tokens where the server tells it; all boxes of an answer have the same.
    """

    Options: ClassVar[type[Any]] = EndpointOptions
    requirements: ClassVar[tuple[str, ...]] = ("httpx",)
    kind: ClassVar[str] = "box"
    emits = frozenset({BOX})
    licence = "of the weights that are served"

    def __init__(self, options: Any = None) -> None:
        """Find the preset and check the address; nothing is asked yet.

        Args:
            options: An `EndpointOptions`.

        Raises:
            UnknownNameError: If there is no such preset.
            MethodError: If no model is named, the preset cannot be asked through a chat, or the address is not one of
                this machine.
        """
        super().__init__(options)
        if not self.options.model:
            raise MethodError("endpoint needs its option model=NAME, a model as the server lists it under /v1/models")
        self._address = address_of(self.options.base_url, allow_remote=self.options.allow_remote)
        given = self.options
        self._preset = chosen_preset(self.name, given.model, given.preset, given.prompt, given.max_new_tokens)
        if not self._preset.chat:
            raise MethodError(
                f"the preset {self._preset.name} asks without a chat template, and a server's chat would put one "
                "around it; use --method vlm"
            )
        # What was found stands among the options too, so that it is known and in the fingerprint.
        self.options = replace(given, preset=given.preset or self._preset.name)
        self._server: ChatServer | None = None
        known = known_model(self.options.model)
        if known is not None:
            self.trained_on, self.licence = known.trained_on, known.licence
        self.note = "weights served under this name and not hashed"

    def setup(self, device: str) -> None:
        """Find the server; where the model computes is the server's own affair.

        Raises:
            MethodError: If httpx or the key is missing, nothing answers, or the model is not served.
        """
        require_packages(self.name, *self.requirements)
        options = self.options
        key = os.environ.get(options.api_key_env, "").strip() if options.api_key_env else None
        if options.api_key_env and not key:
            raise MethodError(
                f"the environment variable {options.api_key_env} is to hold the server's key and is not set; set it"
            )
        require_frame(self, self.name)
        self._server = ChatServer(self._address, key, options.timeout, options.retries, options.concurrency)
        self._server.meet(options.model)
        self.answered_by = self._server.told

    def weights_id(self) -> str | None:
        """The model's name and, where it was given, its revision."""
        options = self.options
        return f"{options.model}@{options.revision}" if options.revision else options.model

    def weights_fingerprint(self) -> str:
        """The same, said to be no hash."""
        return f"not hashed: {self.weights_id()}"

    def options_dict(self) -> dict[str, Any]:
        """The options; of an address on another machine no host."""
        return {**super().options_dict(), "base_url": self._address.published}

    def fingerprint(self) -> str:
        """As of any method, with the address, and with all that the preset asks."""
        return digest(super().fingerprint(), self._address.base, self._preset.asking())

    def network_input(self, image: Radiograph) -> NetworkInput:
        """The picture that is sent, and how boxes in it are read."""
        picture, convention = self._picture(image), self._preset.convention

        def to_image(box: Box) -> Box:
            return convention.in_image(box.scaled(1 / picture.width, 1 / picture.height), image.size)

        return NetworkInput(np.asarray(picture), to_image)

    def ground_batch(self, queries: Sequence[Query]) -> list[Grounding]:
        """Ask about all queries at once.

        Raises:
            SomeFailed: With the other answers, if the server has none to some.
            GoneError: If it has stopped answering, or would refuse every question.
        """
        if self._server is None:
            raise MethodError("endpoint is asked before it is set up")
        images = {query.image.sha256: query.image for query in queries}
        pictures = {key: self._picture(image) for key, image in images.items()}
        urls = {key: _data_url(picture) for key, picture in pictures.items()}
        replies = self._server.ask([self._question(urls[query.image.sha256], query.phrase) for query in queries])
        answers: list[Grounding | Exception] = []
        for query, reply in zip(queries, replies, strict=True):
            if isinstance(reply, RequestFailed):
                answers.append(reply)
                continue
            answers.append(
                written_answer(
                    reply.text,
                    self._preset.convention,
                    query.image.size,
                    pictures[query.image.sha256].size,
                    score=reply.score,
                    most=self.options.boxes,
                )
            )
        given = [answer for answer in answers if isinstance(answer, Grounding)]
        if len(given) < len(answers):
            raise SomeFailed(answers)
        return given

    def _picture(self, image: Radiograph) -> Image:
        """The 8-bit picture in the preset's frame, of a size that the server has no reason to change."""
        picture = image.as_pil()
        if self._preset.convention.frame == "padded-square":
            picture = padded_to_square(picture)
        preset, most = self._preset, self.options.max_pixels
        if preset.multiple_of is None and most is not None and picture.width * picture.height > most:
            preset = replace(preset, multiple_of=1)
        return resized(picture, preset.input_size(picture.size, most))

    def _question(self, url: str, phrase: str) -> Mapping[str, Any]:
        preset, penalty = self._preset, self.options.repetition_penalty
        content = [
            {"type": "image_url", "image_url": {"url": url}},
            {"type": "text", "text": preset.asked(phrase)},
        ]
        return {
            "model": self.options.model,
            "messages": [{"role": "user", "content": content}],
            "max_tokens": preset.max_new_tokens,
            "temperature": 0,
            # Beyond OpenAI's API, and known to vLLM and SGLang: without them a checkpoint's own settings act, and
            # tokens that a preset's grammar is made of are left out of the text.
            **({"repetition_penalty": penalty} if penalty else {}),
            **({} if preset.skip_special_tokens else {"skip_special_tokens": False}),
        }


def _data_url(picture: Image) -> str:
    """A picture as a PNG in a data URL (RFC 2397); little compressed, since it goes no way."""
    content = io.BytesIO()
    picture.save(content, "PNG", compress_level=1)
    return f"data:image/png;base64,{base64.b64encode(content.getvalue()).decode()}"
