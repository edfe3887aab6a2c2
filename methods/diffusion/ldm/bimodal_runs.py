"""The two runs of Bimodal Bias Merging: the network looks at the image, and dreams of the phrase alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from ....core import MethodError
from ...batch_size import BatchSize
from .bimodal import SMALLEST, BimodalMeans
from .forward import Forward
from .reading import Phrases

GUIDANCE = 16.0
"""How much stronger than without the phrase the text run follows it; the authors' value."""
TEXT_SEED = 4200
"""Of the noise that the text run begins with; the authors' seed, the same for all phrases."""

_AT_ONCE = 10
"""Steps of an image run in a batch; a constant, since 8 bits of a map jump where another batch rounds otherwise."""


class Posterior(NamedTuple):
    """What the autoencoder says of images: mean and standard deviation of their latents, `[S, C, h, w]`, scaled."""

    mean: Tensor
    std: Tensor


def read_bimodal(
    forward: Forward,
    sampler: Any,
    posterior: Posterior,
    seeds: Sequence[int],
    empty: Tensor,
    phrases: Phrases,
    read: range,
    batch: BatchSize,
) -> Tensor:
    """The merged maps of phrases.

    In the image run each step looks at a new draw of the image's latent with new noise, from a generator of the
    source. Its attention needs no guidance, since the half of a batch without the phrase does not touch the half with
    it; the text run's latents do. Steps of an image run go together in batches, phrases do not: the merging in 8 bits
    would make a phrase's map depend on its neighbours.

    Args:
        forward: The network; all layers that it reads count.
        sampler: A diffusers `DDIMScheduler` with its steps set.
        posterior: Of the sources' images.
        seeds: The seed of each source.
        empty: Token states of the empty phrase, one for each source, `[S, L, D]`.
        phrases: The phrases.
        read: The steps that a phrase's own map averages, counted from noise to image.
        batch: How many rows are worked on at once.

    Returns:
        float32 `[P, n, n]` on the CPU, n the side of a latent.

    Raises:
        MethodError: If latents are not square, or too small.
    """
    shape, device = posterior.mean.shape[1:], posterior.mean.device
    side = shape[-1]
    if shape[-2] != side or side < SMALLEST:
        raise MethodError(
            f"bimodal needs a square image whose latent has at least {SMALLEST}x{SMALLEST} places, not "
            f"{side}x{shape[-2]}; give a larger one (the option size)"
        )
    times = sampler.timesteps.to(device)
    start = np.random.default_rng(TEXT_SEED).standard_normal((1, *shape), dtype=np.float32)
    chunks = BatchSize(min(batch.rows, _AT_ONCE))
    maps: list[Tensor] = []
    for row, source in enumerate(sources_of(phrases)):
        context, chosen = phrases.context[row : row + 1], phrases.token_weights[row : row + 1]
        weights = torch.stack([torch.zeros_like(chosen), chosen], dim=-1)
        weights[:, 0, 0] = 1
        dreams = dream(
            forward, sampler, torch.from_numpy(start).to(device), empty[source : source + 1], context, chosen
        )
        text = torch.cat([_on_grid(found, side)[:, :, 0] for _, found in dreams])
        draws = np.random.default_rng(seeds[source]).standard_normal((len(times), 2, *shape), dtype=np.float32)
        drawn, noise = torch.from_numpy(draws).to(device).unbind(1)
        latents = sampler.add_noise(posterior.mean[source] + posterior.std[source] * drawn, noise, times)

        def work(
            first: int, stop: int, latents: Tensor = latents, context: Tensor = context, weights: Tensor = weights
        ) -> Tensor:
            begun = forward.begin(latents[first:stop], times[first:stop])
            rows = stop - first
            return _on_grid(forward.observe(begun, context.expand(rows, -1, -1), weights.expand(rows, -1, -1))[1], side)

        image = torch.cat(chunks.run(len(times), work))
        means = BimodalMeans()
        for step in range(len(times)):
            one = image[step : step + 1]
            means.add(one[:, :, 0], one[:, :, 1], text[step : step + 1], read=step in read)
        maps.append(means.merged()[0])
    return torch.stack(maps)


def sources_of(phrases: Phrases) -> list[int]:
    """The source of each phrase, as numbers."""
    return phrases.source.tolist()


def dream(
    forward: Forward, sampler: Any, start: Tensor, empty: Tensor, context: Tensor, token_weights: Tensor
) -> Iterator[tuple[Tensor, tuple[Tensor, ...]]]:
    """The text run: a latent generated from noise, guided by a phrase.

    Args:
        forward: The network.
        sampler: A diffusers `DDIMScheduler` with its steps set.
        start: The noise, `[1, C, h, w]`.
        empty: Token states of the empty phrase, `[1, L, D]`.
        context: Of the phrase.
        token_weights: What each of its tokens counts, `[1, L]`.

    Yields:
        After each step the latent, and each layer's attention to the tokens during the step, `[1, 1, h, w]`.
    """
    latents = start
    for t in sampler.timesteps.tolist():
        begun = forward.begin(latents, torch.full((1,), t, device=latents.device))
        told, maps = forward.observe(begun, context, token_weights[..., None])
        untold = forward.predict(begun, empty).float()
        latents = sampler.step(untold + GUIDANCE * (told.float() - untold), t, latents).prev_sample
        yield latents, maps


def _on_grid(maps: Sequence[Tensor], side: int) -> Tensor:
    """The layers' maps `[B, K, h, w]`, their cells repeated to the side of a latent: `[B, layers, K, n, n]`."""
    return torch.stack([torch.nn.functional.interpolate(one, size=(side, side), mode="nearest") for one in maps], dim=1)
