"""Phrases grounded with the cross-attention of a diffusion transformer, given as diffusers networks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from ...batch_size import BatchSize
from ..ldm.attention import ALL_LAYERS, named_layers
from ..ldm.forward import Begun
from ..ldm.noising import NoisedLatents, attention_blocks
from ..ldm.postprocess import check_finite, combine, finish
from ..ldm.precision import DTYPES, exact_float32, products_in
from ..ldm.reading import Phrases, read_phrases, read_together
from ..ldm.whole import WholeForward
from .noise import fixed_times


class Asked(NamedTuple):
    """A phrase about an image.

    Attributes:
        states: Its token states, `[L, D]`, without padding.
        weights: What each token counts, `[L]`; they sum to 1.
        image: The number of its image.
    """

    states: Tensor
    weights: Tensor
    image: int


class TransformerGrounder:
    """Heatmaps of phrases from a frozen diffusion transformer.

    Seeded noise is added to the image's latent at fixed times; the cross-attention of the blocks read is averaged over
    the phrase's tokens, min-max normalised, resized, averaged and blurred, as `CrossAttentionGrounder` does.
    """

    def __init__(
        self,
        transformer: Any,
        vae: Any,
        *,
        scheduler: Mapping[str, Any],
        steps: int = 50,
        read: Sequence[float] = (0.4, 0.6),
        layers: Sequence[str] = (ALL_LAYERS,),
        gaussian_sigma: float = 2.5,
        otsu: bool = False,
        dtype: str = "float32",
    ) -> None:
        """Take the networks, on the device where they are.

        Args:
            transformer: A diffusers transformer whose blocks have a cross-attention `attn2`.
            vae: A diffusers `AutoencoderKL` or `AutoencoderDC`.
            scheduler: The configuration of a diffusers scheduler.
            steps: Noise levels from none to all.
            read: The part of them at which attention is read.
            layers: Blocks, by number; "all" alone for all.
            gaussian_sigma: Standard deviation of the blur in pixels of the input; 0 for none.
            otsu: Whether the map is 0 up to Otsu's threshold.
            dtype: Precision of the transformer's products.

        Raises:
            MethodError: If there is no such block, or the scheduler is unknown.
        """
        known = [f"transformer_blocks.{index}" for index in range(len(transformer.transformer_blocks))]
        self.layers = named_layers(layers, known)
        self.schedule, self.times = fixed_times(scheduler, steps, read)
        self._ratio = _compression(vae)
        self._forward = TransformerForward(transformer.eval(), self.layers, self._ratio)
        self._transformer, self._vae = transformer, vae.eval()
        self._sigma, self._otsu, self._dtype = gaussian_sigma, otsu, DTYPES[dtype]

    @property
    def input_size(self) -> int:
        """The side of the images that the model was trained on, in pixels."""
        return int(self._transformer.config["sample_size"]) * self._ratio

    @torch.no_grad()
    def heatmaps(self, image: Tensor, phrases: Sequence[Asked], seeds: Sequence[int]) -> Tensor:
        """The heatmaps of phrases.

        Args:
            image: `[B, 1, H, W]` in [0, 1].
            phrases: The phrases.
            seeds: Of the noise, one for each image.

        Returns:
            float32 `[P, H, W]` on the CPU; a map of one value is 0.

        Raises:
            MethodError: If a single image does not fit into memory, or the network's numbers overflow.
        """
        latents = self.encode(image)
        device = latents.device
        height, width = latents.shape[-2:]
        config = self._transformer.config
        level = int(config["num_attention_heads"] * config["attention_head_dim"]) * height * width
        batch = BatchSize.within_budget(device, level)
        found: dict[int, list[Tensor]] = {}
        # Phrases of one length go together, so that none is padded for another's sake.
        for length in sorted({len(one.states) for one in phrases}):
            rows = [row for row, one in enumerate(phrases) if len(one.states) == length]
            group = [phrases[row] for row in rows]
            used = sorted({one.image for one in group})
            asked = Phrases(
                torch.stack([one.states for one in group]).float().to(device),
                torch.stack([one.weights for one in group]).to(device),
                torch.tensor([used.index(one.image) for one in group], device=device),
            )
            groups = read_together(asked)
            noised = NoisedLatents(
                self.schedule,
                latents[used],
                [seeds[image] for image in used],
                self.times,
                max(1, batch.rows // len(groups[0].source)),
            )
            with products_in(self._dtype, device):
                layers = read_phrases(self._forward, attention_blocks(self._forward, noised, batch), groups, batch)
            for index, row in enumerate(rows):
                found[row] = [layer[index] for layer in layers]
        maps = [torch.stack(layer) for layer in zip(*(found[row] for row in range(len(phrases))), strict=True)]
        raw = combine(maps, (image.shape[-2], image.shape[-1]), self._sigma)
        check_finite(raw, self._dtype)
        return finish(raw, otsu=self._otsu)

    @torch.no_grad()
    def encode(self, image: Tensor) -> Tensor:
        """Latents `[B, c, h, w]` of images, scaled as the transformer expects; the mean where they are distributed."""
        config, device = self._vae.config, next(self._transformer.parameters()).device
        pixels = (image.float() * 2 - 1).expand(-1, config["in_channels"], -1, -1)
        channels = config.get("block_out_channels") or config["encoder_block_out_channels"]
        batch = BatchSize.within_budget(device, channels[0] * image.shape[-1] * image.shape[-2])

        def work(start: int, stop: int) -> Tensor:
            found = self._vae.encode(pixels[start:stop].to(device))
            return found.latent_dist.mode() if hasattr(found, "latent_dist") else found.latent

        with exact_float32():
            latents = torch.cat(batch.run(len(pixels), work)).float()
        return (latents - (config.get("shift_factor") or 0)) * config["scaling_factor"]


class TransformerForward(WholeForward):
    """A diffusion transformer, called as it is and left once the last block was read."""

    def __init__(self, transformer: Any, layers: Sequence[str], ratio: int) -> None:
        """Find the layers.

        Args:
            transformer: The network.
            layers: The blocks that `attend` reads.
            ratio: Pixels along the side of a latent's place.
        """
        super().__init__(transformer, layers, compile_it=False)
        self._time_scale = float(transformer.config.get("timestep_scale") or 1)
        self._sized = bool(getattr(transformer, "use_additional_conditions", False))
        self._ratio = ratio

    def _call(self, begun: Begun, context: Tensor) -> Tensor:
        more: dict[str, Any] = {}
        if self._sized:
            rows, height, width = len(begun.hidden), *begun.hidden.shape[-2:]
            size = torch.tensor([[height, width]], device=context.device, dtype=torch.float32) * self._ratio
            more["added_cond_kwargs"] = {
                "resolution": size.expand(rows, -1),
                "aspect_ratio": (size[:, :1] / size[:, 1:]).expand(rows, -1),
            }
        return self._unet(
            begun.hidden,
            encoder_hidden_states=context,
            timestep=begun.time * self._time_scale,
            return_dict=False,
            **more,
        )[0]


def _compression(vae: Any) -> int:
    """Pixels of an image along the side of a latent's place."""
    channels = vae.config.get("block_out_channels") or vae.config["encoder_block_out_channels"]
    return 2 ** (len(channels) - 1)
