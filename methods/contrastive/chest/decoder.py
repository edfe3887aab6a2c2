"""The decoder of CARZero and KAD, whose attention over an image's places is the map."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import nn

from .checkpoint import depth, rows

_HEADS = 4


class FusionDecoder(nn.Module):
    """A phrase asks the places of an image; four layers, named as in the authors' files, which name one norm twice."""

    def __init__(
        self, width: int, state: Mapping[str, torch.Tensor], prefix: str = "", *, self_attention: bool
    ) -> None:
        """Build it.

        Args:
            width: Of places and phrases.
            state: A state dict, for the number of layers and their width; the published where it has none.
            prefix: Of the names there.
            self_attention: Whether a phrase asks itself first. Its weights exist in either case.
        """
        super().__init__()
        hidden = rows(state, f"{prefix}decoder.layers.0.linear1.weight", 1024)
        layers = [_Layer(width, hidden) for _ in range(depth(state, f"{prefix}decoder.layers", 4))]
        self.decoder_norm = nn.LayerNorm(width)
        self.decoder = nn.ModuleDict({"layers": nn.ModuleList(layers), "norm": self.decoder_norm})
        self._layers = layers
        self._self_attention = self_attention

    def forward(self, places: torch.Tensor, phrases: torch.Tensor) -> torch.Tensor:
        """The attention of every layer, mean of its heads, `[layers, m, n]`; it sums to one over the places.

        Args:
            places: Of one image, `[n, width]`.
            phrases: `[m, width]`; each is asked alone.
        """
        memory = self.decoder_norm(places).expand(len(phrases), -1, -1)
        asked = self.decoder_norm(phrases)[:, None]
        found = []
        for layer in self._layers:
            asked, attention = layer(asked, memory, self._self_attention)
            found.append(attention[:, 0])
        return torch.stack(found)


class _Layer(nn.Module):
    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.self_attn = nn.MultiheadAttention(width, _HEADS, batch_first=True)
        self.multihead_attn = nn.MultiheadAttention(width, _HEADS, batch_first=True)
        self.linear1 = nn.Linear(width, hidden)
        self.linear2 = nn.Linear(hidden, width)
        self.norm1 = nn.LayerNorm(width)
        self.norm2 = nn.LayerNorm(width)
        self.norm3 = nn.LayerNorm(width)

    def forward(
        self, asked: torch.Tensor, memory: torch.Tensor, self_attention: bool
    ) -> tuple[torch.Tensor, torch.Tensor]:
        if self_attention:
            own = self.norm1(asked)
            asked = asked + self.self_attn(own, own, own, need_weights=False)[0]
        found, attention = self.multihead_attn(self.norm2(asked), memory, memory)
        asked = asked + found
        return asked + self.linear2(torch.relu(self.linear1(self.norm3(asked)))), attention
