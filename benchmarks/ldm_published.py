"""The published procedure of Vilouras et al. (IEEE JBHI 2024), written plainly: what `benchmarks/ldm.py` compares to.

One image and one phrase at a time; at every step one forward of batch 2, for the empty phrase and for the phrase; the
attention of all layers formed and kept on the CPU; then the map, as in the public code's order.
"""

from __future__ import annotations

from typing import Any

import torch
from diffusers.models.attention_processor import AttnProcessor
from scipy.ndimage import gaussian_filter
from torch import Tensor
from torchvision.transforms import Resize

from groundcxr.methods.diffusion.ldm.schedule import NoiseSchedule


class Published:
    """The procedure on a network.

    Attributes:
        forwards: UNet forwards so far, of batch 2.
        kept_bytes: The most bytes of attention kept at a time.
    """

    def __init__(self, unet: Any, vae: Any, layers: list[str], steps: int, read: range) -> None:
        self.unet, self.vae, self.layers, self.read = unet, vae, layers, read
        self.schedule = NoiseSchedule.of()
        self.timesteps, self.stride = self.schedule.timesteps(steps), self.schedule.stride(steps)
        self.forwards = 0
        self.kept_bytes = 0

    @torch.no_grad()
    def raw_map(self, image: Tensor, empty: Tensor, phrase: Tensor, span: tuple[int, int]) -> Tensor:
        """The map before post-processing, `[H, W]`, of one image `[1, 1, H, W]` and one phrase `[1, L, D]`."""
        kept: dict[str, list[Tensor]] = {}
        usual = self.unet.attn_processors
        self.unet.set_attn_processor({name: _Keeping(kept.setdefault(name, [])) for name in usual})
        latents = self.vae.encode(image).latent_dist.mean * self.vae.config.scaling_factor
        context = torch.cat([empty, phrase])
        for t in self.timesteps:
            both = self.unet(torch.cat([latents, latents]), t, context).sample
            without, _ = both.chunk(2)
            latents = self.schedule.advance(latents, without, t, self.stride)
            self.forwards += 1
        self.unet.set_attn_processor(usual)
        total = sum(one.numel() * one.element_size() for maps in kept.values() for one in maps)
        self.kept_bytes = max(self.kept_bytes, total)
        maps = [self._layer_map(kept[_processor(layer)], image.shape[-1], span) for layer in self.layers]
        return torch.from_numpy(gaussian_filter(torch.stack(maps).mean((0, 1)).numpy(), (2.5, 2.5)))

    def _layer_map(self, kept: list[Tensor], size: int, span: tuple[int, int]) -> Tensor:
        steps = torch.stack(kept, -1)[1]
        side = round(steps.shape[0] ** 0.5)
        maps = steps[:, span[0] : span[1], self.read.start : self.read.stop].mean(1).reshape(side, side, -1)
        low, high = maps.amin((0, 1)), maps.amax((0, 1))
        return Resize(size)(((maps - low) / (high - low)).permute(2, 0, 1))


class _Keeping:
    def __init__(self, kept: list[Tensor]) -> None:
        self.kept = kept

    def __call__(self, attn: Any, hidden_states: Tensor, encoder_hidden_states: Tensor | None = None, **_: Any) -> Any:
        usual = attn.get_attention_scores

        def noted(*given: Any) -> Tensor:
            probabilities = usual(*given)
            self.kept.append(probabilities.cpu())
            return probabilities

        attn.get_attention_scores = noted
        try:
            return AttnProcessor()(attn, hidden_states, encoder_hidden_states)
        finally:
            del attn.get_attention_scores


def _processor(layer: str) -> str:
    return f"{layer}.transformer_blocks.0.attn2.processor"
