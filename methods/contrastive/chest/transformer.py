"""The vision transformer of CARZero and MaCo."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from timm.models.vision_transformer import VisionTransformer
from torch import nn

from .checkpoint import depth, rows

WIDTH = 768
"""Of its tokens, and of the texts that these two compare with them."""


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


class PatchEncoder(nn.Module):
    """CARZero's image encoder."""

    def __init__(self, model: VisionTransformer) -> None:
        """Take the transformer."""
        super().__init__()
        self.model = model

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        """The class token and the patches after the last norm, `[n, 197, 768]`, of pixels `[n, 3, 224, 224]`."""
        return self.model.forward_features(pixels)
