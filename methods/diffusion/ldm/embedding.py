"""What a book of embeddings does at a text encoder's input, and whether it is of that encoder."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

from ....core import WeightsError
from ....core.stderr import say
from .codebook import Codebook, read_book
from .phrases import TokenizedPhrase
from .placing import location_weights, word_weights

Change = Callable[[Tensor], Tensor]
"""What is done to the input embeddings `[P, L, D]` of phrases."""


def fitting_book(place: str, model: Any) -> Codebook:
    """A book, where it was trained for a model's text encoder; of another UNet a warning is said.

    Args:
        place: Its folder.
        model: The `LoadedModel` that is to read it.

    Raises:
        WeightsError: If it is damaged, or of another text encoder.
    """
    book = read_book(place)
    if book.about["encoder"] != encoder_digest(model.text_encoder, model.tokenizer):
        raise WeightsError(
            f"the embeddings in {place} were trained for another text encoder or tokenizer than that of {model.name}; "
            "train them for this one with `groundcxr tune`, or leave embeddings out"
        )
    if book.about["unet"] != network_digest(model.unet):
        say(f"warning: the embeddings in {place} were trained with another UNet than that of {model.name}")
    return book


def change_by(book: Codebook, texts: Sequence[TokenizedPhrase], phrases: Sequence[str]) -> Change:
    """What a book does to the embeddings of phrases.

    Args:
        book: The book.
        texts: The phrases, tokenized.
        phrases: The phrases themselves; "" for the empty one, which stays as it is.
    """
    if book.locations:
        return change_of(book.vectors, location_weights(texts, phrases, book.locations), replaces=False)
    return change_of(book.vectors, word_weights(texts, book.ids), replaces=True)


def change_of(vectors: Tensor, weights: Tensor, *, replaces: bool) -> Change:
    """What vectors do to the embeddings of phrases.

    Args:
        vectors: `[K, D]`.
        weights: How much of each vector each token gets, `[P, L, K]`.
        replaces: Whether a token that gets any loses its own embedding, or keeps it.
    """

    def change(embedded: Tensor) -> Tensor:
        given = weights.to(embedded) @ vectors.to(embedded)
        if replaces:
            return torch.where(weights.to(embedded.device).any(2, keepdim=True), given, embedded)
        return embedded + given

    return change


@contextmanager
def changed(text_encoder: Any, change: Change | None) -> Iterator[None]:
    """Within it a transformers text encoder sees changed input embeddings; its table stays as it is."""
    if change is None:
        yield
        return
    table = text_encoder.get_input_embeddings()
    hook = table.register_forward_hook(lambda _module, _inputs, embedded: change(embedded))
    try:
        yield
    finally:
        hook.remove()


def network_digest(network: torch.nn.Module, *more: object) -> str:
    """SHA-256 over a network's parameters in float32, in order: the same of a hub's copy and of a local one."""
    whole = hashlib.sha256(json.dumps(more, sort_keys=True).encode())
    for parameter in network.parameters():
        values = parameter.detach().to("cpu", torch.float32).contiguous()
        whole.update(str(tuple(values.shape)).encode())
        whole.update(values.numpy().data)
    return whole.hexdigest()


def encoder_digest(text_encoder: Any, tokenizer: Any) -> str:
    """What tells a text encoder with its tokenizer from others."""
    return network_digest(text_encoder, tokenizer.get_vocab())
