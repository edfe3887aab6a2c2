"""From images and phrases to what a vision-language model of transformers gets, with what that says of its frame."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ...core import ImageSize, MethodError, Query, Radiograph
from .pictures import as_rgb, network_picture, padded_to_square, resized
from .presets import Preset

if TYPE_CHECKING:
    from PIL.Image import Image


@dataclass(frozen=True)
class Asked:
    """One phrase about one image.

    Attributes:
        image: What is asked about.
        phrase: What is asked for, as far as the model reads it.
        picture: The image as the processor gets it.
        prompt: The whole prompt, with the place of the image.
        truncated: Whether the phrase's end was cut off, since the model reads no more.
    """

    image: Radiograph
    phrase: str
    picture: Image
    prompt: str
    truncated: bool = False

    @property
    def input_size(self) -> ImageSize:
        """(width, height) of the picture, which conventions in pixels count."""
        return self.picture.size


class Asker:
    """Makes a model's inputs by a preset."""

    def __init__(self, method: str, processor: Any, preset: Preset, image_tokens: int | None) -> None:
        """Take a processor, and find how it is to treat images.

        Args:
            method: The method's name, for messages.
            processor: Of the model.
            preset: How it is asked.
            image_tokens: The most tokens that an image may take; None for the preset's or the processor's own limit.

        Raises:
            MethodError: If the preset needs a chat template and there is none, or image_tokens cannot be kept.
        """
        self._method, self._processor, self._preset = method, processor, preset
        self.tokenizer = processor.tokenizer
        # Padding on the right, which most of these tokenizers do, would stand between prompt and answer.
        self.tokenizer.padding_side = "left"
        if self.tokenizer.pad_token_id is None:
            self.tokenizer.pad_token = self.tokenizer.eos_token
        self._most_tokens: int | None = None
        if preset.chat and not (processor.chat_template or self.tokenizer.chat_template):
            raise MethodError(
                f"method {method} finds no chat template beside the weights, and the preset {preset.name} asks through "
                "one; get chat_template.jinja or .json of the repository too, or give a preset file with chat = false"
            )
        self._settings = dict(preset.processor)
        self._multiple: int | None = None
        self._most_pixels: int | None = None
        images = processor.image_processor
        if hasattr(images, "merge_size"):
            if "size" in self._settings:
                raise MethodError(
                    f"the preset {preset.name} gives the processor a size, and pictures of {type(images).__name__} are "
                    "resized before it gets them; give the area as max_pixels in its place"
                )
            multiple = self._multiple = images.patch_size * images.merge_size
            self._most_pixels = image_tokens * multiple**2 if image_tokens else preset.max_pixels
            self._most_pixels = self._most_pixels or images.size["longest_edge"]
        elif image_tokens is not None:
            self._settings["max_patches"] = self._most_tiles(image_tokens)

    def limit(self, config: Any, max_new_tokens: int) -> None:
        """Learn how long a prompt may be.

        Args:
            config: The model's configuration.
            max_new_tokens: What the answer may take.

        Raises:
            MethodError: If the answer would take all that the model reads.
        """
        positions = getattr(config.get_text_config(), "max_position_embeddings", None)
        if positions is not None and positions <= max_new_tokens:
            raise MethodError(
                f"max_new_tokens is {max_new_tokens}, and the model reads {positions} tokens in all, image and prompt "
                "among them; give fewer"
            )
        self._most_tokens = None if positions is None else positions - max_new_tokens

    def asked(self, queries: Sequence[Query]) -> list[Asked]:
        """The pictures and prompts of queries; each image is prepared once.

        Raises:
            MethodError: If a phrase holds a token that is reserved.
        """
        pictures = {query.image.sha256: query.image for query in queries}
        prepared = {key: self._prepared(image) for key, image in pictures.items()}
        return [
            Asked(query.image, query.phrase, prepared[query.image.sha256], self._prompt(query.phrase))
            for query in queries
        ]

    def inputs(self, asked: Sequence[Asked]) -> tuple[Any, list[bool]]:
        """What the model gets, padded on the left, and of which phrases the end was cut off to fit into that.

        Raises:
            MethodError: If one does not fit all the same, or the processor resized a picture on its own.
        """
        made = self._processed(asked)
        while max(over := self._over(made)) > 0:
            # Not always once: what a tokenizer makes of the rest may be longer than the rest of what it had made.
            asked = [self._shortened(one, more) if more > 0 else one for one, more in zip(asked, over, strict=True)]
            made = self._processed(asked)
        return made, [one.truncated for one in asked]

    def _over(self, made: Any) -> list[int]:
        """How many tokens each prompt has more than the model reads beside its answer."""
        if self._most_tokens is None:
            return [0]
        return [length - self._most_tokens for length in made["attention_mask"].sum(dim=1).tolist()]

    def _processed(self, asked: Sequence[Asked]) -> Any:
        prompts = [one.prompt for one in asked]
        settings = dict(self._settings)
        bos = self.tokenizer.bos_token
        if self._preset.chat and bos and prompts[0].startswith(bos):
            settings["add_special_tokens"] = False  # the template has written it
        if self._multiple is not None:
            areas = [one.picture.width * one.picture.height for one in asked]
            settings["size"] = {"shortest_edge": self._multiple**2, "longest_edge": max(areas)}
        made = self._processor(
            images=[[one.picture] for one in asked], text=prompts, padding=True, return_tensors="pt", **settings
        )
        made.pop("labels", None)  # PaliGemma's, for training
        if self._multiple is not None:
            patch = self._processor.image_processor.patch_size
            for one, (_, rows, columns) in zip(asked, made["image_grid_thw"].tolist(), strict=True):
                if one.input_size != (columns * patch, rows * patch):
                    raise MethodError(
                        f"the processor resized a picture of {one.input_size} to {(columns * patch, rows * patch)} "
                        "pixels (width, height), so that coordinates would be read in another frame"
                    )
        return made

    def picture(self, image: Radiograph) -> tuple[NDArray[np.float32], ImageSize]:
        """What the network gets of an image, `[channels, h, w]`, and (width, height) of what its processor got."""
        one = Asked(image, "x", self._prepared(image), self._prompt("x"))
        return network_picture(self._processed([one]), self._processor.image_processor), one.input_size

    def _prepared(self, image: Radiograph) -> Image:
        picture = as_rgb(image)
        if self._preset.convention.frame == "padded-square":
            picture = padded_to_square(picture)
        if self._multiple is None:
            return picture
        # The processor's multiple, whatever the preset's: a fine-tuned model may write another family's convention.
        sized = replace(self._preset, multiple_of=self._multiple)
        return resized(picture, sized.input_size(picture.size, self._most_pixels))

    def _prompt(self, phrase: str) -> str:
        tokens = (*self.tokenizer.all_special_tokens, getattr(self._processor, "image_token", None))
        reserved = next((token for token in tokens if token and token in phrase), None)
        if reserved is not None:
            raise MethodError(f"the phrase holds {reserved}, which the model reserves; leave it out")
        text = self._preset.asked(phrase)
        if not self._preset.chat:
            # PaliGemma's processor ends the prompt with a line of its own.
            return getattr(self._processor, "image_token", "") + text.rstrip("\n")
        content = [{"type": "image"}, {"type": "text", "text": text}]
        message = {"role": "user", "content": content}
        return self._processor.apply_chat_template([message], add_generation_prompt=True, tokenize=False)

    def _shortened(self, one: Asked, over: int) -> Asked:
        """The same with so many tokens fewer of the phrase's end."""
        tokens = self.tokenizer(one.phrase, add_special_tokens=False)["input_ids"]
        kept = self.tokenizer.decode(tokens[: max(0, len(tokens) - over)]).rstrip("\ufffd ")
        if not kept:
            raise MethodError(
                f"image and prompt take {over} tokens more than the {self._most_tokens} that the model reads beside "
                "its answer; give fewer image_tokens or max_new_tokens"
            )
        return replace(one, phrase=kept, prompt=self._prompt(kept), truncated=True)

    def _most_tiles(self, image_tokens: int) -> int:
        images = self._processor.image_processor
        each = getattr(self._processor, "image_seq_length", None)
        if not hasattr(images, "max_patches") or each is None:
            raise MethodError(
                f"method {self._method} cannot keep image_tokens={image_tokens} with {type(images).__name__}, which "
                "makes a fixed number of them; leave the option out"
            )
        # Several tiles come with an overview; a single one has none.
        tiles = image_tokens // each
        if tiles < 1:
            raise MethodError(f"image_tokens is {image_tokens}, and a single tile takes {each}; give at least as many")
        return max(1, tiles - 1)
