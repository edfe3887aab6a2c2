"""The vision transformer of CARZero and MaCo, and the decoder of CARZero and KAD whose attention is the map."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from timm.models.vision_transformer import VisionTransformer
from torch import nn

from .checkpoint import depth, rows

WIDTH = 768
"""Of image and text embeddings alike."""
_HEADS = 4


def vision_transformer(state: Mapping[str, torch.Tensor], prefix: str = "") -> VisionTransformer:
    """A ViT-B/16 at 224 pixels, named as masked autoencoders name theirs, that answers with all its tokens.

    Args:
        state: A state dict, for its number of blocks and their width; ViT-B's where it has none.
        prefix: Of the names there.
    """
    hidden = rows(state, f"{prefix}blocks.0.mlp.fc1.weight", 4 * WIDTH)
    return VisionTransformer(
        img_size=224,
        patch_size=16,
        embed_dim=WIDTH,
        depth=depth(state, f"{prefix}blocks", 12),
        num_heads=12,
        mlp_ratio=hidden / WIDTH,
        num_classes=0,
        global_pool="",
    )


class FusionDecoder(nn.Module):
    """A phrase asks the places of an image; four layers, named as in the authors' files, which name one norm twice."""

    def __init__(self, state: Mapping[str, torch.Tensor], prefix: str = "", *, self_attention: bool) -> None:
        """Build it.

        Args:
            state: A state dict, for the number of layers and their width; the published where it has none.
            prefix: Of the names there.
            self_attention: Whether a phrase asks itself first. Its weights exist in either case.
        """
        super().__init__()
        hidden = rows(state, f"{prefix}decoder.layers.0.linear1.weight", 1024)
        layers = [_Layer(hidden) for _ in range(depth(state, f"{prefix}decoder.layers", 4))]
        self.decoder_norm = nn.LayerNorm(WIDTH)
        self.decoder = nn.ModuleDict({"layers": nn.ModuleList(layers), "norm": self.decoder_norm})
        self._layers = layers
        self._self_attention = self_attention

    def forward(self, places: torch.Tensor, phrases: torch.Tensor) -> torch.Tensor:
        """The attention of every layer, mean of its heads, `[layers, m, n]`; it sums to one over the places.

        Args:
            places: Of one image, `[n, 768]`.
            phrases: `[m, 768]`; each is asked alone.
        """
        memory = self.decoder_norm(places).expand(len(phrases), -1, -1)
        asked = self.decoder_norm(phrases)[:, None]
        found = []
        for layer in self._layers:
            asked, attention = layer(asked, memory, self._self_attention)
            found.append(attention[:, 0])
        return torch.stack(found)


class _Layer(nn.Module):
    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.self_attn = nn.MultiheadAttention(WIDTH, _HEADS, batch_first=True)
        self.multihead_attn = nn.MultiheadAttention(WIDTH, _HEADS, batch_first=True)
        self.linear1 = nn.Linear(WIDTH, hidden)
        self.linear2 = nn.Linear(hidden, WIDTH)
        self.norm1 = nn.LayerNorm(WIDTH)
        self.norm2 = nn.LayerNorm(WIDTH)
        self.norm3 = nn.LayerNorm(WIDTH)

    def forward(
        self, asked: torch.Tensor, memory: torch.Tensor, self_attention: bool
    ) -> tuple[torch.Tensor, torch.Tensor]:
        if self_attention:
            own = self.norm1(asked)
            asked = asked + self.self_attn(own, own, own, need_weights=False)[0]
        found, attention = self.multihead_attn(self.norm2(asked), memory, memory)
        asked = asked + found
        return asked + self.linear2(torch.relu(self.linear1(self.norm3(asked)))), attention
