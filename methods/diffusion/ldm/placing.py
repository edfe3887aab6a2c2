"""Which tokens of phrases a book of embeddings changes, and which embeddings there are to train."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from ....core import MethodError
from ....core.anatomy import locations_of
from ....core.place_words import is_place_word, named_place, spots_of
from .phrases import TokenizedPhrase
from .recipes import Trained

if TYPE_CHECKING:
    import torch


def word_weights(texts: Sequence[TokenizedPhrase], ids: Sequence[int]) -> torch.Tensor:
    """Which token is which row of a book of words: `[P, L, K]`, 1 or 0."""
    import torch

    tokens = torch.tensor([text.ids for text in texts])
    return (tokens[:, :, None] == torch.tensor(ids)).float()


def location_weights(
    texts: Sequence[TokenizedPhrase], phrases: Sequence[str], locations: Sequence[str]
) -> torch.Tensor:
    """How much of each location's vector each token gets, `[P, L, K]`.

    The content words of a phrase get the mean of the vectors of the locations that it names; a location without a
    vector adds nothing.
    """
    import torch

    number = {location: index for index, location in enumerate(locations)}
    weights = torch.zeros(len(texts), len(texts[0].ids), len(locations))
    for row, (text, phrase) in enumerate(zip(texts, phrases, strict=True)):
        named = locations_of(phrase)
        for location in named:
            if location in number:
                weights[row, list(text.content), number[location]] = 1 / len(named)
    return weights


class Rows(NamedTuple):
    """The rows of an embedding table that learn.

    Attributes:
        ids: The rows, ascending.
        frozen: Words of places that do not learn, since words of no place or of a finding are made of the same tokens.
    """

    ids: tuple[int, ...]
    frozen: tuple[str, ...]


def rows_to_train(texts: Iterable[TokenizedPhrase], pathologies: Iterable[str], trained: Trained) -> Rows:
    """The rows that make up the words of places in phrases, and no other word there.

    Args:
        texts: The phrases.
        pathologies: The names of their findings, whose own words stay as they are; but for cardiomegaly's, which names
            its place.
        trained: Which words learn.

    Raises:
        MethodError: If no row is left.
    """
    kept = {word for name in pathologies if not spots_of(name) for word in name.lower().split()}
    learning: dict[int, set[str]] = {}
    other: set[int] = set()
    for text in texts:
        for token, word in zip(text.ids, text.words, strict=True):
            if word and is_place_word(word) and word not in kept and _learns(word, trained):
                learning.setdefault(token, set()).add(word)
            else:
                other.add(token)
    ids = sorted(set(learning) - other)
    if not ids:
        raise MethodError(
            "no phrase has a word of a place whose embedding could learn: each is made of pieces of other words; take "
            "the recipe vectors"
        )
    words = {word for named in learning.values() for word in named}
    moved = {word for token in ids for word in learning[token]}
    return Rows(tuple(ids), tuple(sorted(words - moved)))


def tokens_of(tokenizer: Any, ids: Sequence[int]) -> list[str]:
    """The tokens of rows, as the tokenizer spells them."""
    return [str(token) for token in tokenizer.convert_ids_to_tokens(list(ids))]


def _learns(word: str, trained: Trained) -> bool:
    return trained is Trained.WORDS or any(named_place(word))
