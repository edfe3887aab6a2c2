"""The network of `clip-phantom`, and the cosines of its patches."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from data import Images, Statement, other_side
from initial import sine_positions, whitened_patches
from numpy.typing import NDArray
from open_clip.model import CLIP
from tokenizer import MAX_TOKENS
from torch import Tensor
from torch.nn.functional import normalize

MEAN, STD = 0.4, 0.25
MODEL: dict[str, Any] = {
    "embed_dim": 128,
    "vision_cfg": {
        "image_size": 256, "patch_size": 16, "width": 128, "layers": 4, "head_width": 32, "pool_type": "avg",
    },
    "text_cfg": {"context_length": MAX_TOKENS, "width": 128, "heads": 4, "layers": 2, "hf_tokenizer_name": "local"},
    "init_logit_scale": 2.3,
    "init_logit_bias": -5.0,
}  # fmt: skip


@torch.no_grad()
def begin_well(model: CLIP, images: Images) -> None:
    """Start from whitened patches and sine positions: random ones learn nothing for hundreds of steps."""
    vision = MODEL["vision_cfg"]
    size, width = vision["patch_size"], vision["width"]
    filters = whitened_patches(images.pixels[:500], size, width) * (255 * STD)
    model.visual.conv1.weight.copy_(filters[:, None].expand(-1, 3, -1, -1) / 3)
    model.visual.positional_embedding[1:] = sine_positions(vision["image_size"] // size, width)


def as_input(pixels: NDArray[np.uint8]) -> Tensor:
    """Images `[B, H, W]` as the network takes them, but for the three equal channels."""
    return torch.from_numpy(pixels).float().div_(255).sub_(MEAN).div_(STD)


def exposed(pixels: Tensor, draws: torch.Generator) -> Tensor:
    """Images as they would be at other exposures, which vary more than the film's own do."""
    return pixels * (1 + 0.2 * (torch.rand(len(pixels), 1, 1, generator=draws) - 0.5))


def embed_patches(model: CLIP, pixels: Tensor) -> Tensor:
    """Projected patches of unit length, `[B, patches, d]`."""
    with torch.autocast("cpu", torch.bfloat16):
        found = model.visual.forward_intermediates(
            pixels[:, None].expand(-1, 3, -1, -1), indices=1, normalize_intermediates=True, output_fmt="NLC",
            intermediates_only=True,
        )["image_intermediates"][-1]  # fmt: skip
        patches = found @ model.visual.proj
    return normalize(patches.float(), dim=-1)


def embed_phrases(model: CLIP, tokenizer: Any, phrases: list[str]) -> Tensor:
    """Phrases of unit length, `[M, d]`."""
    ids = tokenizer(phrases, padding="max_length", max_length=MAX_TOKENS, truncation=True, return_tensors="pt")
    with torch.autocast("cpu", torch.bfloat16):
        return normalize(model.encode_text(ids.input_ids).float(), dim=-1)


class Phrases:
    """The phrases of a batch: those said of its images, and the same about the other side.

    Attributes:
        texts: `M` phrases.
        pathologies: What each is about.
        said: Whether each phrase was said of each image, `[B, M]`.
        false: Whether it does not fit the image, `[B, M]`: the image is without the finding, or has it on the other
            side. Of other images with the finding nothing is known: they may or may not have it on that side.
    """

    def __init__(self, statements: list[tuple[Statement, ...]]) -> None:
        self.texts: list[str] = []
        self.pathologies: list[str] = []
        own: list[int] = []
        true: list[bool] = []
        for index, mine in enumerate(statements):
            for one in mine:
                changed = other_side(one, mine)
                for text in (one.phrase, changed):
                    if text is not None:
                        self.texts.append(text)
                        self.pathologies.append(one.pathology)
                        own.append(index)
                        true.append(text is one.phrase)
        has = [{one.pathology for one in mine} for mine in statements]
        self.false = torch.tensor([[name not in findings for name in self.pathologies] for findings in has])
        mine = torch.zeros_like(self.false)
        mine[own, torch.arange(len(own))] = True
        right = torch.tensor(true)
        self.said = mine & right
        self.false |= mine & ~right
