"""Cross-attention reduced to a phrase's tokens, and the layers that it is read from."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from ....core import MethodError
from .monai import layers_in_monai_order

ALL_LAYERS = "all"
"""Stands for every cross-attention layer."""
_MIDDLE_BLOCK = "mid_block.attentions.0"
PAPER_LAYERS = (-1, 0, 2, 3)
"""The paper's layers 3, 4, 6 and 7, counted from the middle block's: the one before it, itself, two after it."""


def attention_map(attn: Any, hidden: Tensor, context: Tensor, token_weights: Tensor) -> Tensor:
    """The attention of each place to a phrase's tokens; `attention_maps` for one weighting `[B, L]`.

    Returns:
        float32 `[B, N]`.
    """
    return attention_maps(attn, hidden, context, token_weights[..., None])[..., 0]


def attention_maps(attn: Any, hidden: Tensor, context: Tensor, token_weights: Tensor) -> Tensor:
    """The attention of each place to the tokens, weighted in several ways.

    The softmax is over all tokens and in float32 whatever the network's precision; the heads are averaged.

    Args:
        attn: A diffusers `Attention`.
        hidden: Its input, `[B, N, C]`.
        context: Token states, `[B, L, D]`.
        token_weights: What each token counts, `[B, L, K]`; columns sum to 1 for a mean.

    Returns:
        float32 `[B, N, K]`.
    """
    if attn.norm_cross is not None:
        context = attn.norm_encoder_hidden_states(context)
    query, key = attn.to_q(hidden), attn.to_k(context)
    if attn.norm_q is not None:
        query = attn.norm_q(query)
    if attn.norm_k is not None:
        key = attn.norm_k(key)
    query, key = (_by_head(projected, attn.heads) for projected in (query, key))
    with torch.autocast(hidden.device.type, enabled=False):
        scores = query.float() @ key.float().transpose(-1, -2)
        probabilities = (scores * attn.scale).softmax(dim=-1).mean(dim=1)
        return probabilities @ token_weights.float()


def _by_head(projected: Tensor, heads: int) -> Tensor:
    batch, length, channels = projected.shape
    return projected.view(batch, length, heads, channels // heads).transpose(1, 2)


def choose_layers(unet: Any, layers: Sequence[int | str] | None) -> list[str]:
    """The names of the layers to read, in the order they are computed in.

    Args:
        unet: A diffusers `UNet2DConditionModel`.
        layers: Names as of `layers_in_monai_order`, or indices into it; None for the paper's, which are counted from
            the middle block so that they are the same places in a network of another depth; "all" alone for all.

    Raises:
        MethodError: If there is no such layer.
    """
    known = layers_in_monai_order(unet)
    if layers is None:
        middle = known.index(_MIDDLE_BLOCK) if _MIDDLE_BLOCK in known else -1
        if middle < 1 or middle + max(PAPER_LAYERS) >= len(known):
            raise MethodError(f"the network has not the layers that the paper reads; name some of {', '.join(known)}")
        layers = [middle + offset for offset in PAPER_LAYERS]
    return named_layers(layers, known)


def named_layers(layers: Sequence[int | str], known: list[str]) -> list[str]:
    """The names of layers, in the order they are computed in.

    Args:
        layers: Names, indices into `known`, or "middle", "middle+1" and so on, counted from the middle block's; "all"
            alone for all.
        known: All names, in the order they are computed in.

    Raises:
        MethodError: If there is no such layer.
    """
    if list(layers) == [ALL_LAYERS]:
        return known
    chosen = {_layer_name(layer, known) for layer in layers}
    if not chosen:
        raise MethodError(f"no layer was named; name some of {', '.join(known)}")
    return [name for name in known if name in chosen]


def _layer_name(layer: int | str, known: list[str]) -> str:
    counted = None if isinstance(layer, int) else re.fullmatch(r"middle([+-]\d+)?", layer)
    if counted and _MIDDLE_BLOCK in known:
        layer = known.index(_MIDDLE_BLOCK) + int(counted[1] or 0)
    if isinstance(layer, int) or layer.isdecimal():
        if not 0 <= int(layer) < len(known):
            raise MethodError(f"there is no layer {layer}; the network has 0 to {len(known) - 1}: {', '.join(known)}")
        return known[int(layer)]
    if layer not in known:
        raise MethodError(f"there is no layer {layer!r}; the network has {', '.join(known)}")
    return layer


def block_of(unet: Any, layer: str) -> Any:
    """The transformer block of a layer's name, which may be that of a transformer with one block."""
    module = unet.get_submodule(layer)
    return module.transformer_blocks[0] if hasattr(module, "transformer_blocks") else module
