"""The ResNet-50s of GLoRIA, AFLoc and KAD, with their parameters named as in the authors' files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn
from torchvision.models import resnet50

_RESIZED = 299


class LocalEncoder(nn.Module):
    """The third stage, projected place by place: GLoRIA's and AFLoc's image encoder."""

    def __init__(self, width: int, others: Mapping[str, int]) -> None:
        """Build it.

        Args:
            width: Of the embeddings.
            others: Further projections in the file, which the map does not use: name -> channels.
        """
        super().__init__()
        self.model: Any = resnet50(weights=None)
        del self.model.fc
        self.global_embedder = nn.Linear(2048, width)
        self.local_embedder = nn.Conv2d(1024, width, 1, bias=False)
        for name, channels in others.items():
            self.add_module(name, nn.Conv2d(channels, width, 1, bias=False))

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        """Embeddings `[n, 19, 19, width]` of normalised pixels `[n, 3, 224, 224]`."""
        size = (_RESIZED, _RESIZED)
        pixels = nn.functional.interpolate(pixels, size, mode="bilinear", align_corners=True)
        net = self.model
        stem = net.maxpool(net.relu(net.bn1(net.conv1(pixels))))
        return self.local_embedder(net.layer3(net.layer2(net.layer1(stem)))).permute(0, 2, 3, 1)


class PooledEncoder(nn.Module):
    """The last stage through two linear layers: KAD's image encoder, which names every parameter of the trunk twice."""

    def __init__(self, width: int) -> None:
        """Build it.

        Args:
            width: Of the embeddings.
        """
        super().__init__()
        self.resnet = resnet50(weights=None)
        channels = self.resnet.fc.in_features
        self.res_features = nn.Sequential(*list(self.resnet.children())[:-2])
        self.res_l1 = nn.Linear(channels, channels)
        self.res_l2 = nn.Linear(channels, width)

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        """Embeddings `[n, h, w, width]` of normalised pixels `[n, 3, 32 h, 32 w]`."""
        places = self.res_features(pixels).permute(0, 2, 3, 1)
        return self.res_l2(torch.relu(self.res_l1(places)))
