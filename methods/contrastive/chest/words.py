"""The text encoder that GLoRIA, CARZero and AFLoc share: a BERT whose word pieces are summed into words."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from ....core import MethodError

if TYPE_CHECKING:
    import torch

MOST_TOKENS = 97
"""Tokens that are read, the first and the last one included."""
_LAYERS = 4


class EncodedWords(NamedTuple):
    """One phrase.

    Attributes:
        words: Of the class token and of every word, without the separator at the end, `[1 + n, d]`.
        sentence: Of all of these and the separator, as the authors average it, `[d]`.
    """

    words: torch.Tensor
    sentence: torch.Tensor


def spoken_words(phrase: str) -> list[str]:
    """The words of a phrase as the authors choose them, in lower case and without what is not ASCII.

    Their code drops a sentence of one word, so that nothing is left of "Cardiomegaly"; where nothing would be left,
    such sentences stay.

    Raises:
        MethodError: If there are none.
    """
    sentences = [part for item in re.split(r"[0-9]+\.", phrase.replace("\n", " ")) for part in item.split(".")]
    found = [re.findall(r"\w+", sentence.lower()) for sentence in sentences]
    longer = [word.encode("ascii", "ignore").decode() for words in found if len(words) > 1 for word in words]
    single = [word.encode("ascii", "ignore").decode() for words in found for word in words]
    chosen = [word for word in longer if word] or [word for word in single if word]
    if not chosen:
        raise MethodError("the phrase holds no word that the text encoder reads; give it words of letters or digits")
    return chosen


class WordEncoder:
    """Encodes phrases one by one, so that none depends on what is asked beside it."""

    def __init__(self, tokenizer: Any, bert: Any) -> None:
        """Take both parts.

        Args:
            tokenizer: A tokenizer of word pieces.
            bert: A `BertModel` of transformers.
        """
        self._tokenizer = tokenizer
        self._bert = bert

    def encode(self, phrases: Sequence[str]) -> list[EncodedWords]:
        """Words and sentence of every phrase.

        Raises:
            MethodError: If one has no words.
        """
        return [self._encode(phrase) for phrase in phrases]

    def truncated(self, phrases: Sequence[str]) -> list[bool]:
        """Whether each phrase has more tokens than are read."""
        return [len(self._tokenizer(_text(phrase))["input_ids"]) > MOST_TOKENS for phrase in phrases]

    def _encode(self, phrase: str) -> EncodedWords:
        import torch

        found = self._tokenizer(_text(phrase), truncation=True, max_length=MOST_TOKENS, return_tensors="pt")
        ids = found["input_ids"].to(self._bert.device)
        states = self._bert(ids, output_hidden_states=True).hidden_states
        tokens = torch.stack(states[-_LAYERS:]).sum(0)[0]
        pieces = self._tokenizer.convert_ids_to_tokens(ids[0].tolist())
        word = torch.tensor([not piece.startswith("##") for piece in pieces], device=tokens.device).cumsum(0) - 1
        words = tokens.new_zeros(int(word[-1]) + 1, tokens.shape[1]).index_add_(0, word, tokens)
        # The authors' mean goes over a padded sentence, whose padding is zero.
        return EncodedWords(words[:-1], words.sum(0) / MOST_TOKENS)


def _text(phrase: str) -> str:
    return " ".join(spoken_words(phrase))
