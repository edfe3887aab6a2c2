"""Phrases grounded with the cross-attention of a latent diffusion model, given as diffusers networks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ....core import MethodError, WeightsError
from ...batch_size import BatchSize
from ...repository import read_config
from .arguments import check_image, check_width, images_of, per_image, token_weights
from .attention import choose_layers
from .bimodal_runs import Posterior, read_bimodal
from .forward import Forward
from .inversion import invert
from .monai import autoencoder_from_monai, read_weights, unet_from_monai
from .noising import NoisedLatents, attention_blocks, difference_blocks, difference_times
from .options import Extraction
from .postprocess import check_finite, combine, finish
from .precision import DTYPES, exact_float32
from .reading import Block, Phrases, read_phrases, read_together
from .schedule import NoiseSchedule, last_four_fifths, middle_fifth, sampler_of
from .split import SplitForward, is_plain
from .whole import WholeForward


class CrossAttentionGrounder:
    """Heatmaps of phrases from a frozen latent diffusion model (Vilouras et al., IEEE JBHI 2024, arXiv:2404.12920).

    The image's latent is inverted with DDIM without guidance. At the steps read, the cross-attention of the layers
    read is averaged over the phrase's tokens, min-max normalised, resized and averaged; then blurred, min-max
    normalised and masked at Otsu's threshold. The map is that of the paper's code; what cannot change it is left out.
    """

    def __init__(
        self,
        unet: Any,
        vae: Any,
        *,
        scheduler: Any = None,
        num_inversion_steps: int = 300,
        layers: Sequence[int | str] | None = None,
        pixel_range: tuple[float, float] = (0, 1),
        step_range: tuple[int, int] | None = None,
        extraction: str = "inversion",
        gaussian_sigma: float = 2.5,
        otsu: bool = True,
        dtype: str = "float32",
        compile: bool = False,
        max_batch: int | None = None,
    ) -> None:
        """Take the networks, on the device where they are.

        Args:
            unet: A diffusers `UNet2DConditionModel`.
            vae: A diffusers `AutoencoderKL`.
            scheduler: A diffusers scheduler or its configuration; None for the paper's schedule.
            num_inversion_steps: Inversion steps asked for; the paper's code makes 334 of 300. Of "bimodal", the steps
                from noise to image.
            layers: Cross-attention layers to read, by name or by the paper's number; None for the paper's, "all" alone
                for all.
            pixel_range: What the autoencoder takes for black and white.
            step_range: First step read and the one after the last; None for the paper's, the middle fifth; of
                "bimodal", the last four fifths.
            extraction: "inversion"; "noise-once", the attention at the same steps, but of the latent with seeded noise
                added instead of inverted; or "noise-difference", which reads no attention but how the phrase changes
                the network's prediction (the mask step of DiffEdit, Couairon et al., ICLR 2023); or "bimodal", the
                attention merged with what image and phrase draw it to on their own (Nuetzel et al., MIDL 2025).
            gaussian_sigma: Standard deviation of the blur in pixels of the input; 0 for none.
            otsu: Whether the map is 0 up to Otsu's threshold.
            dtype: Precision of the UNet: "float32", "bfloat16" or "float16", in which a copy of it computes where it
                is in another; latents, the softmax of the attention that is read, and maps are float32.
            compile: Whether the UNet is compiled with `torch.compile`.
            max_batch: The most rows that are worked on at once; None for what fits into half of the free memory.

        Raises:
            MethodError: If an argument is none of these, or the network has no such layers or steps.
        """
        if extraction not in tuple(Extraction):
            raise MethodError(f"extraction is {extraction!r}; it must be one of {', '.join(Extraction)}")
        if dtype not in DTYPES:
            raise MethodError(f"dtype is {dtype!r}; it must be one of {', '.join(DTYPES)}")
        if not 0 <= gaussian_sigma < float("inf"):
            raise MethodError(f"gaussian_sigma is {gaussian_sigma}; it must be a number that is not negative")
        if max_batch is not None and max_batch < 1:
            raise MethodError(f"max_batch is {max_batch}; it must be at least 1")
        if not (isinstance(pixel_range, Sequence) and len(pixel_range) == 2 and pixel_range[0] < pixel_range[1]):
            raise MethodError(f"pixel_range is {pixel_range}; it must be what black and white are, such as (-1, 1)")
        self.schedule = NoiseSchedule.of(scheduler)
        self.num_inversion_steps = num_inversion_steps
        self.timesteps = self.schedule.timesteps(num_inversion_steps)
        self._sampler: Any = None
        if extraction == Extraction.BIMODAL:
            self._sampler = sampler_of(scheduler, num_inversion_steps)
            # From noise to image, as they are taken.
            self.timesteps = self._sampler.timesteps.tolist()
        usual = last_four_fifths if self._sampler else middle_fifth
        self.steps_read = usual(num_inversion_steps) if step_range is None else range(*step_range)
        if not 0 <= self.steps_read.start < self.steps_read.stop <= len(self.timesteps):
            raise MethodError(
                f"steps {self.steps_read.start} to {self.steps_read.stop} cannot be read; {num_inversion_steps} "
                f"steps are numbered 0 to {len(self.timesteps) - 1}"
            )
        self.layers = choose_layers(unet, layers)
        self.extraction = extraction
        self.pixel_range = pixel_range
        self.gaussian_sigma = gaussian_sigma
        self.otsu = otsu
        self._dtype = DTYPES[dtype]
        # Half the traffic of autocast, whose norms are in float32: 1.3 times as fast on an H100, and rounded alike.
        # Module's own `to`, since diffusers' warns of every cast.
        self._unet: Any = unet if unet.dtype is self._dtype else torch.nn.Module.to(deepcopy(unet), self._dtype)
        self._unet.eval()
        self._vae = vae.eval()
        if self.device.type != "cuda" or compile:
            # The layout in which CPUs convolve faster, and compiled parts were timed; the values stay what they are.
            self._unet.to(memory_format=torch.channels_last)
        self.forward: Forward = (SplitForward if is_plain(unet) else WholeForward)(self._unet, self.layers, compile)
        self._max_batch = max_batch

    @classmethod
    def from_monai(
        cls, unet_file: str | Path, autoencoder_file: str | Path, config: Mapping[str, Any] | str | Path, **options: Any
    ) -> CrossAttentionGrounder:
        """The grounder of a MONAI checkpoint.

        Args:
            unet_file: State dict of its `DiffusionModelUNet`, safetensors or a PyTorch file.
            autoencoder_file: State dict of its `AutoencoderKL`.
            config: A mapping, or a JSON file, with `unet` and `autoencoder` (the networks' arguments), `scheduler`,
                `num_timesteps`, `step_range`, `layer_indices`, `scale_factor` and `gaussian_sigma`.
            options: Further arguments of the class.

        Raises:
            WeightsError: If the weights cannot be read or do not fit the configuration.
        """
        if not isinstance(config, Mapping):
            config = read_config(Path(config))
        settings: Mapping[str, Any] = config  # type: ignore[assignment]
        try:
            unet_config, vae_config, scale = settings["unet"], settings["autoencoder"], settings["scale_factor"]
        except KeyError as error:
            raise WeightsError(f"the configuration of the checkpoint lacks {error.args[0]!r}") from error
        unet = unet_from_monai(read_weights(unet_file), unet_config, file=unet_file)
        vae = autoencoder_from_monai(read_weights(autoencoder_file), vae_config, scale, file=autoencoder_file)
        names = {"num_inversion_steps": "num_timesteps", "layers": "layer_indices"}
        for name in ("scheduler", "num_inversion_steps", "step_range", "layers", "gaussian_sigma"):
            if names.get(name, name) in settings:
                options.setdefault(name, settings[names.get(name, name)])
        return cls(unet, vae, **options)

    @torch.no_grad()
    def heatmaps(
        self,
        image: Tensor,
        uncond_embeds: Tensor,
        phrase_embeds: Tensor,
        token_spans: Sequence[tuple[int, int]] | None = None,
        image_index: Sequence[int] | None = None,
        postprocess: bool = True,
        token_mask: Tensor | None = None,
        seeds: Sequence[int] | None = None,
    ) -> Tensor:
        """The heatmaps of phrases.

        Args:
            image: `[B, C, H, W]` in [0, 1]; one channel is repeated for a network that takes three.
            uncond_embeds: Token states of the empty phrase, `[1, L, D]`, or `[B, L, D]` for one to each image.
            phrase_embeds: Token states of the phrases, `[P, L, D]`.
            token_spans: First token of each phrase and the one after the last; their attention is averaged.
            image_index: The image of each phrase; None where there is one image only.
            postprocess: Whether the map is min-max normalised and masked, or is left as the average of the layers and
                steps, blurred.
            token_mask: Bool `[P, L]`, instead of the spans where tokens do not follow one another.
            seeds: A seed for each phrase, for the extractions that add noise; phrases of one image with one seed share
                work. None for 0 throughout. Not for "inversion", which has nothing random.

        Returns:
            float32 `[P, H, W]` on the CPU. A map of one value is 0 after post-processing.

        Raises:
            MethodError: If the arguments do not fit together, a single image does not fit into memory, or the network's
                numbers overflow.
        """
        check_image(image, self._vae.config.in_channels)
        count = len(phrase_embeds)
        images = images_of(image_index, count, len(image))
        check_width(phrase_embeds, "the phrases", self._unet.config.cross_attention_dim)
        check_width(uncond_embeds, "the empty phrase", self._unet.config.cross_attention_dim)
        if seeds is not None and len(seeds) != count:
            raise MethodError(f"there are {len(seeds)} seeds for {count} phrases; give one for each")
        weights = token_weights(phrase_embeds, token_spans, token_mask)
        if count == 0:
            return torch.zeros(0, *image.shape[-2:])
        if self.extraction == "inversion" or seeds is None:
            seeds = [0] * count
        keys = list(zip(images, seeds, strict=True))
        sources = sorted(set(keys))
        used = sorted({source for source, _ in sources})
        of_source = [used.index(source) for source, _ in sources]
        posterior = Posterior(*(part[of_source] for part in self._posterior(image[used])))
        latents = posterior.mean
        empty = per_image(uncond_embeds, len(image)).float()[[source for source, _ in sources]].to(self.device)
        phrases = Phrases(
            phrase_embeds.float().to(self.device),
            weights.to(self.device),
            torch.tensor([sources.index(key) for key in keys], device=self.device),
        )
        batch = self._batch(latents)
        with exact_float32():
            noise = [seed for _, seed in sources]
            if self._sampler is not None:
                layers = [
                    read_bimodal(self.forward, self._sampler, posterior, noise, empty, phrases, self.steps_read, batch)
                ]
            else:
                groups = read_together(phrases)
                layers = read_phrases(
                    self.forward, self._blocks(latents, empty, noise, len(groups[0].source), batch), groups, batch
                )
        if all(layer.shape[-2:] == (1, 1) for layer in layers):
            raise MethodError(
                f"the layers read see an image of {image.shape[-1]}x{image.shape[-2]} as a single point; give a larger "
                "one (the option size), or read other layers"
            )
        raw = combine(layers, (image.shape[-2], image.shape[-1]), self.gaussian_sigma)
        check_finite(raw, self._dtype)
        return finish(raw, otsu=self.otsu) if postprocess else raw

    @torch.no_grad()
    def trajectory(self, image: Tensor, uncond_embeds: Tensor) -> Tensor:
        """The latents that all inversion steps begin with, `[steps, B, C, h, w]` on the CPU; arguments as above."""
        latents = self.encode(image)
        context = per_image(uncond_embeds, len(image)).float().to(self.device)
        none_read = range(len(self.timesteps), len(self.timesteps))
        with exact_float32():
            steps = invert(
                self.forward,
                self.schedule,
                latents,
                context,
                self.num_inversion_steps,
                none_read,
                self._batch(latents),
            )
            return torch.stack([step.latents.cpu() for step in steps])

    @torch.no_grad()
    def encode(self, image: Tensor) -> Tensor:
        """Latents `[B, c, h, w]` of images: the mean of the autoencoder's distribution, scaled as the UNet expects.

        Raises:
            MethodError: If the images are not of the shape and range that `heatmaps` takes.
        """
        return self._posterior(image).mean

    def _posterior(self, image: Tensor) -> Posterior:
        """The autoencoder's distribution of the latents of images, scaled as the UNet expects."""
        config = self._vae.config
        check_image(image, config.in_channels)
        low, high = self.pixel_range
        pixels = (image.float() * (high - low) + low).expand(-1, config.in_channels, -1, -1)
        batch = BatchSize.within_budget(self.device, config.block_out_channels[0] * image.shape[-1] * image.shape[-2])

        def work(start: int, stop: int) -> Posterior:
            found = self._vae.encode(pixels[start:stop].to(self.device)).latent_dist
            return Posterior(found.mode(), found.std)

        with exact_float32():
            mean, std = (torch.cat(part).float() for part in zip(*batch.run(len(pixels), work), strict=True))
        scale = config.scaling_factor
        return Posterior((mean - (config.get("shift_factor") or 0)) * scale, std * scale)

    @property
    def device(self) -> torch.device:
        """Where the UNet is."""
        return next(self._unet.parameters()).device

    def _batch(self, latents: Tensor) -> BatchSize:
        if self._max_batch is not None:
            return BatchSize(self._max_batch)
        height, width = latents.shape[-2:]
        return BatchSize.within_budget(self.device, self._unet.config.block_out_channels[0] * height * width)

    def _blocks(
        self, latents: Tensor, empty: Tensor, seeds: list[int], phrases: int, batch: BatchSize
    ) -> Iterator[Block]:
        if self.extraction == "noise-once":
            times = self.timesteps[self.steps_read.start : self.steps_read.stop]
            noised = NoisedLatents(self.schedule, latents, seeds, times, max(1, batch.rows // phrases))
            return attention_blocks(self.forward, noised, batch)
        if self.extraction == "noise-difference":
            noised = NoisedLatents(
                self.schedule, latents, seeds, difference_times(self.schedule), max(1, batch.rows // phrases)
            )
            return difference_blocks(self.forward, noised, empty, batch)
        steps = invert(self.forward, self.schedule, latents, empty, self.num_inversion_steps, self.steps_read, batch)
        return (Block(1, step.begun) for step in steps if step.begun is not None)
