"""The network behind `florence`: loaded from either layout, and asked about images that are encoded once."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ...core import MethodError, WeightsError
from ..hub import unloadable
from ..pretrained import PretrainedMethod, check_loaded, quietly
from ..random_weights import drawing
from .florence_original import LOCATIONS, add_tokens, generation_settings, is_original, native_config, native_state

if TYPE_CHECKING:
    from PIL.Image import Image
    from torch import Tensor

_PHRASES_AT_ONCE = 16


@dataclass(frozen=True)
class Settings:
    """How an answer is generated.

    Attributes:
        num_beams: Width of the beam search; 1 is greedy.
        max_new_tokens: The most tokens of an answer.
    """

    num_beams: int
    max_new_tokens: int


@dataclass(frozen=True)
class Text:
    """What was written.

    Attributes:
        text: With its special tokens, which are the grammar.
        score: exp(log-probability / length), from 0 to 1.
        truncated: Whether the prompt is longer than what the network reads.
    """

    text: str
    score: float
    truncated: bool


class FlorenceNetwork:
    """A Florence-2 with its tokenizer and image processor.

    Args:
        model: `Florence2ForConditionalGeneration`, with its settings of generation.
        tokenizer: With the location tokens.
        image_processor: What makes the network's input of a picture.
    """

    def __init__(self, model: Any, tokenizer: Any, image_processor: Any) -> None:
        self.model, self.tokenizer, self.image_processor = model, tokenizer, image_processor

    def to(self, device: str) -> None:
        """Move the weights."""
        self.model.to(device)

    def pixels(self, pictures: Sequence[Image]) -> Tensor:
        """The network's input `[n, 3, h, w]`."""
        return self.image_processor(images=list(pictures), return_tensors="pt")["pixel_values"]

    def encode(self, pictures: Sequence[Image]) -> Tensor:
        """What the language model gets of pictures, `[n, tokens, width]`; each goes through alone."""
        import torch

        device = self.model.device
        made = [self.model.get_image_features(self.pixels([one]).to(device)).pooler_output for one in pictures]
        return torch.cat(made)

    def refuse_special(self, prompt: str) -> None:
        """Refuse a prompt that holds a token of the tokenizer's own: it would end the question, or name a place.

        Raises:
            MethodError: Naming it.
        """
        found = next((token for token in self.tokenizer.all_special_tokens if token in prompt), None)
        if found is None:
            found = next((token for token in self.tokenizer.get_added_vocab() if token in prompt), None)
        if found is not None:
            raise MethodError(f"a phrase holds {found}, which the tokenizer of florence reserves; leave it out")

    def write(self, seen: Tensor, rows: Sequence[int], prompts: Sequence[str], settings: Settings) -> list[Text]:
        """What the model writes to each prompt.

        Args:
            seen: What `encode` gives.
            rows: The picture of each prompt, as a row of `seen`.
            prompts: The prompts.
            settings: Of generation.
        """
        texts: list[Text] = []
        for start in range(0, len(prompts), _PHRASES_AT_ONCE):
            part = slice(start, start + _PHRASES_AT_ONCE)
            texts += self._write(seen[list(rows[part])], prompts[part], settings)
        return texts

    def _write(self, seen: Tensor, prompts: Sequence[str], settings: Settings) -> list[Text]:
        import torch
        from transformers.modeling_outputs import BaseModelOutput

        inner, device = self.model.model, self.model.device
        most = self.model.config.text_config.max_position_embeddings - seen.shape[1]
        ids, cut = zip(*(self._ids(prompt, most) for prompt in prompts), strict=True)
        longest = max(map(len, ids))
        padded = [[*row, *[self.tokenizer.pad_token_id] * (longest - len(row))] for row in ids]
        # What stands before the text is the image, in which nothing is padding.
        mask = torch.tensor(
            [[1] * (seen.shape[1] + len(row)) + [0] * (longest - len(row)) for row in ids], device=device
        )
        words = inner.get_input_embeddings()(torch.tensor(padded, device=device))
        states = inner.language_model.encoder(
            inputs_embeds=torch.cat([seen.to(words.dtype), words], dim=1), attention_mask=mask
        ).last_hidden_state
        made = self.model.generate(
            encoder_outputs=BaseModelOutput(last_hidden_state=states),
            attention_mask=mask,
            num_beams=settings.num_beams,
            max_new_tokens=settings.max_new_tokens,
            do_sample=False,
            repetition_penalty=1.0,
            length_penalty=1.0,
            # The place that the image takes in a prompt is no word of an answer.
            suppress_tokens=[self.model.config.image_token_id],
            output_scores=True,
            return_dict_in_generate=True,
        )
        scores = _scores(self.model, made, self.tokenizer.pad_token_id)
        written = self.tokenizer.batch_decode(made.sequences, skip_special_tokens=False)
        written = [text.replace(self.tokenizer.pad_token, "") for text in written]
        return [Text(text, score, long) for text, score, long in zip(written, scores, cut, strict=True)]

    def _ids(self, prompt: str, most: int) -> tuple[list[int], bool]:
        """A prompt's tokens, between those of beginning and end, and whether some were left out."""
        inner = self.tokenizer(prompt, add_special_tokens=False)["input_ids"]
        kept = inner[: most - 2]
        return [self.tokenizer.bos_token_id, *kept, self.tokenizer.eos_token_id], len(kept) < len(inner)


def _scores(model: Any, made: Any, pad: int) -> list[float]:
    """exp(log-probability / length) of each text."""
    if getattr(made, "sequences_scores", None) is not None:
        return [math.exp(score) for score in made.sequences_scores.tolist()]
    steps = model.compute_transition_scores(made.sequences, made.scores, normalize_logits=True)
    # The first token is given; what follows the end is padding.
    counts = made.sequences[:, -steps.shape[1] :] != pad
    return [math.exp(row[keep].mean().item()) for row, keep in zip(steps, counts, strict=True)]


def load_network(method: PretrainedMethod) -> FlorenceNetwork:
    """The network of a method's weights, in whichever layout they are.

    Raises:
        WeightsError: If they are missing, unusable or incomplete, or the tokenizer does not belong to them.
    """
    import torch
    from transformers import Florence2ForConditionalGeneration, Florence2Processor

    method.require_type("florence2")
    if is_original(method.config()):
        return _converted(method)
    processor = method.processor(Florence2Processor)
    model = method.load(Florence2ForConditionalGeneration, dtype=torch.float32)
    first, last = (processor.tokenizer.convert_tokens_to_ids(f"<loc_{number}>") for number in (0, LOCATIONS - 1))
    if first is None or last is None or last - first != LOCATIONS - 1:
        raise WeightsError(
            f"the tokenizer in {method.place()} lacks the {LOCATIONS} location tokens; get the files again"
        )
    return FlorenceNetwork(model, processor.tokenizer, processor.image_processor)


def _converted(method: PretrainedMethod) -> FlorenceNetwork:
    import torch
    from transformers import BartTokenizerFast, CLIPImageProcessor, Florence2Config, Florence2ForConditionalGeneration

    from ..state import read_shards
    from ..weight_files import check_values

    config = method.config()
    settings = native_config(config)
    vocabulary = settings["text_config"]["vocab_size"]
    tokenizer = method.processor(BartTokenizerFast)
    add_tokens(tokenizer, vocabulary - 1)
    image_processor = method.processor(CLIPImageProcessor)
    network = Florence2Config(**settings)
    if method.seed is not None:
        with drawing(method.seed):
            model = Florence2ForConditionalGeneration(network)
    else:
        files = [file for file in method.repository().weights() if file.suffix != ".json"]
        what = f"the model in {files[0]}"
        state = native_state(read_shards(files, what), vocabulary)
        try:
            with quietly():
                made: Any = Florence2ForConditionalGeneration.from_pretrained(
                    None,
                    config=network,
                    state_dict=state,
                    output_loading_info=True,
                    ignore_mismatched_sizes=True,
                    dtype=torch.float32,
                )
        except Exception as error:  # transformers raises many types for weights of another model
            raise unloadable(method.name, f"the model in {method.place()}", error) from error
        model, report = made
        check_loaded(report, f"{what}, converted,")
        check_values(model, what)
    for name, value in generation_settings(config).items():
        setattr(model.generation_config, name, value)
    return FlorenceNetwork(model.eval(), tokenizer, image_processor)
