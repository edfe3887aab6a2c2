"""What a vision-language model writes: batches that equal single calls, and how likely it found its own words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Generated:
    """What a model wrote.

    Attributes:
        text: Without the token that ends it.
        log_probability: Mean of the natural logarithms of its tokens' probabilities, the end's included.
    """

    text: str
    log_probability: float


@dataclass(frozen=True)
class Generation:
    """How a text is generated; nothing that a checkpoint says of it acts, but which tokens begin, end and pad.

    Attributes:
        max_new_tokens: The most tokens that are written.
        num_beams: Width of the beam search; 1 is greedy.
        repetition_penalty: 1 for none. Others act in greedy search too, and hit the digits that coordinates repeat.
        do_sample: Whether tokens are drawn; by the checkpoint's own temperature, top_k and top_p.
        skip_special_tokens: Whether special tokens are left out of the text.
    """

    max_new_tokens: int
    num_beams: int = 1
    repetition_penalty: float = 1.0
    do_sample: bool = False
    skip_special_tokens: bool = True

    def config(self, own: Any, tokenizer: Any) -> Any:
        """A `GenerationConfig` with these settings, and the special tokens of a checkpoint, else its tokenizer's."""
        from transformers import GenerationConfig

        kept = ("bos_token_id", "eos_token_id", "pad_token_id")
        found = {name: getattr(own, name, None) for name in kept}
        found = {name: getattr(tokenizer, name) if value is None else value for name, value in found.items()}
        if self.do_sample:
            found |= {name: getattr(own, name, None) for name in ("temperature", "top_k", "top_p")}
        return GenerationConfig(
            **found,
            max_new_tokens=self.max_new_tokens,
            num_beams=self.num_beams,
            repetition_penalty=self.repetition_penalty,
            do_sample=self.do_sample,
            length_penalty=1.0,
        )


def write(model: Any, tokenizer: Any, inputs: Mapping[str, Any], generation: Generation) -> list[Generated]:
    """What a model writes to each prompt of a batch that is padded on the left.

    Args:
        model: A model of transformers that generates, whose `generation_config` is that of `Generation.config`.
        tokenizer: Its tokenizer.
        inputs: What its processor made, on the model's device.
        generation: The settings.
    """
    likelihoods = None if generation.num_beams > 1 else _Likelihoods()
    found = model.generate(
        **inputs,
        return_dict_in_generate=True,
        output_scores=likelihoods is None,
        logits_processor=[] if likelihoods is None else [likelihoods],
    )
    start = 1 if model.config.is_encoder_decoder else inputs["input_ids"].shape[1]
    answers = found.sequences[:, start:]
    if likelihoods is None:
        # Of a beam it is the sum of the logarithms over the number of tokens, by the length penalty of 1.
        likely = [[mean] for mean in found.sequences_scores.tolist()]
    else:
        likely = likelihoods.of(answers).tolist()
    ends = _ends(model.generation_config.eos_token_id)
    written: list[Generated] = []
    for ids, values in zip(answers.tolist(), likely, strict=True):
        end = next((place for place, token in enumerate(ids) if token in ends), len(ids))
        text = tokenizer.decode(ids[:end], skip_special_tokens=generation.skip_special_tokens)
        counted = values[: end + 1]
        written.append(Generated(text, sum(counted) / len(counted)))
    return written


class _Likelihoods:
    """Watches a generation for the log-probabilities of its tokens.

    It keeps one number a token: all scores of an answer of 1,000 tokens would be gigabytes.
    """

    def __init__(self) -> None:
        self._tokens: list[Any] = []
        self._next: Any = None

    def __call__(self, input_ids: Any, scores: Any) -> Any:
        """Take the scores `[n, vocabulary]` of the token that follows `input_ids` `[n, length]`, and leave them."""
        self._keep(input_ids[:, -1:])
        self._next = scores.float().log_softmax(dim=-1)
        return scores

    def of(self, answers: Any) -> Any:
        """The log-probabilities of all tokens `[n, length]` of the answers."""
        import torch

        self._keep(answers[:, -1:])
        return torch.cat(self._tokens, dim=1)

    def _keep(self, tokens: Any) -> None:
        if self._next is not None:
            self._tokens.append(self._next.gather(1, tokens))


def _ends(tokens: int | Sequence[int] | None) -> set[int]:
    return set() if tokens is None else {tokens} if isinstance(tokens, int) else set(tokens)
