"""Phrases as token states, and which tokens of a phrase its map is averaged over."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ....core import MethodError
from .options import Tokens

if TYPE_CHECKING:
    import torch

FUNCTION_WORDS = frozenset(
    """a an and are as at be been by can could for from has have in is it its may no not of on or seen that the there
    these this to was were which with within without""".split()  # noqa: SIM905  (a list of forty strings reads worse)
)
"""Words that `Tokens.CONTENT` and `Tokens.CONTENT_FIRST` leave out."""


@dataclass(frozen=True)
class TokenizedPhrase:
    """A phrase as its tokenizer sees it.

    Attributes:
        ids: Token ids with special tokens, padded to the model's length.
        attention_mask: 1 for the tokens that are not padding.
        chosen: The positions whose attention is averaged.
        truncated: Whether the phrase is longer than what is read.
        words: The word that each token is a part of, in lower case; "" for punctuation and special tokens.
    """

    ids: tuple[int, ...]
    attention_mask: tuple[int, ...]
    chosen: tuple[int, ...]
    truncated: bool = False
    words: tuple[str, ...] = ()

    @property
    def content(self) -> tuple[int, ...]:
        """The positions of all words but function words."""
        return tuple(place for place, word in enumerate(self.words) if _is_content(word))


def tokenize(tokenizer: Any, phrase: str, pathology: str, tokens: Tokens, length: int) -> TokenizedPhrase:
    """Tokenize a phrase and choose its tokens.

    What does not fit into the model's length is cut off, as in the paper's code.

    Args:
        tokenizer: A Hugging Face tokenizer.
        phrase: The phrase.
        pathology: The sample's class.
        tokens: Which tokens count.
        length: The model's number of tokens.

    Raises:
        MethodError: If no token is left to average over.
    """
    encoded = tokenizer(phrase, padding="max_length", max_length=length, truncation=True, return_offsets_mapping=True)
    spans = [(start, stop) for start, stop in encoded["offset_mapping"]]
    special = tokenizer.get_special_tokens_mask(encoded["input_ids"], already_has_special_tokens=True)
    unknown = tokenizer.unk_token_id
    inner = [
        position
        for position, (start, stop) in enumerate(spans)
        if stop > start
        and encoded["attention_mask"][position]
        # An unknown word counts as special for some tokenizers; it has a place in the phrase all the same.
        and (not special[position] or encoded["input_ids"][position] == unknown)
    ]
    if not inner:
        raise MethodError(f"the phrase {phrase!r} has no tokens to ground; give it a word")
    words = {position: _word_at(phrase, spans[position]) for position in inner}
    chosen = [position for position in inner if _counts(words[position][0], pathology, tokens)]
    if tokens is Tokens.CONTENT_FIRST:
        first = {start: position for position, (_, start) in reversed(words.items())}
        chosen = [position for position in chosen if first[words[position][1]] == position]
    if not chosen:
        wanted = f"word of {pathology!r}" if tokens is Tokens.PATHOLOGY else "content word"
        raise MethodError(
            f"the phrase {phrase!r} has no {wanted} among the {length} tokens that are read; use tokens=phrase for "
            "such phrases"
        )
    longer = tokenizer(phrase, max_length=length + 1, truncation=True)["input_ids"]
    return TokenizedPhrase(
        tuple(encoded["input_ids"]),
        tuple(encoded["attention_mask"]),
        tuple(chosen),
        len(longer) > length,
        tuple(words[position][0] if position in words else "" for position in range(length)),
    )


def tokenize_empty(tokenizer: Any, length: int) -> TokenizedPhrase:
    """The empty phrase, which the unconditional forwards are about."""
    encoded = tokenizer("", padding="max_length", max_length=length, truncation=True)
    return TokenizedPhrase(tuple(encoded["input_ids"]), tuple(encoded["attention_mask"]), ())


def token_tensors(phrases: Sequence[TokenizedPhrase]) -> tuple[torch.Tensor, torch.Tensor]:
    """Token ids and attention mask, both `[P, L]`."""
    import torch

    return (
        torch.tensor([phrase.ids for phrase in phrases]),
        torch.tensor([phrase.attention_mask for phrase in phrases]),
    )


def token_mask(phrases: Sequence[TokenizedPhrase]) -> torch.Tensor:
    """The chosen positions as bool `[P, L]`."""
    import torch

    mask = torch.zeros(len(phrases), len(phrases[0].ids), dtype=torch.bool)
    for row, phrase in enumerate(phrases):
        mask[row, list(phrase.chosen)] = True
    return mask


def _word_at(phrase: str, span: tuple[int, int]) -> tuple[str, int]:
    """The whole word that a token is a part of, in lower case, and where it starts; "" and -1 for punctuation."""
    for word in re.finditer(r"\w+", phrase):
        if word.start() <= span[0] < word.end() or span[0] <= word.start() < span[1]:
            return word.group().lower(), word.start()
    return "", -1


def _is_content(word: str) -> bool:
    return bool(word) and word not in FUNCTION_WORDS


def _counts(word: str, pathology: str, tokens: Tokens) -> bool:
    if tokens is Tokens.PHRASE:
        return True
    if tokens in (Tokens.CONTENT, Tokens.CONTENT_FIRST):
        return _is_content(word)
    # "effusions" is a word of "Pleural Effusion".
    return any(word.startswith(part) for part in re.findall(r"\w+", pathology.lower()))
