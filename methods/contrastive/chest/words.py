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

    def sentences(self, phrases: Sequence[str]) -> torch.Tensor:
        """The sentence of every phrase, `[m, d]`.

        Raises:
            MethodError: If one has no words.
        """
        import torch

        return torch.stack([found.sentence for found in self.encode(phrases)])

    def truncated(self, phrases: Sequence[str]) -> list[bool]:
        """Whether each phrase has more tokens than are read."""
        return [len(self._tokenizer(_text(phrase))["input_ids"]) > self._most for phrase in phrases]

    @property
    def _most(self) -> int:
        return min(MOST_TOKENS, self._bert.config.max_position_embeddings)

    def _encode(self, phrase: str) -> EncodedWords:
        import torch

        # Padded like the authors' texts, since kernels round a sum by its length, which GLoRIA's softmax makes larger.
        padded = {"truncation": True, "padding": "max_length", "max_length": self._most}
        found = self._tokenizer(_text(phrase), return_tensors="pt", **padded).to(self._bert.device)
        states = self._bert(**found, output_hidden_states=True).hidden_states[-_LAYERS:]
        ids = found["input_ids"][found["attention_mask"].bool()].tolist()
        starts = [not piece.startswith("##") for piece in self._tokenizer.convert_ids_to_tokens(ids)]
        word = torch.tensor(starts, device=states[0].device).cumsum(0) - 1
        empty = states[0].new_zeros(sum(starts), states[0].shape[-1])
        words = torch.stack([empty.index_add(0, word, tokens[0, : len(ids)]) for tokens in states]).sum(0)
        # The authors' mean goes over the padding too, which they have set to zero.
        return EncodedWords(words[:-1], words.sum(0) / MOST_TOKENS)


def _text(phrase: str) -> str:
    return " ".join(spoken_words(phrase))
