"""The two runs of Bimodal Bias Merging: the network looks at the image, and dreams of the phrase alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from ....core import MethodError
from .batching import BatchSize
from .bimodal import SMALLEST, BimodalMeans
from .forward import Begun, Forward, join
from .reading import Phrases

GUIDANCE = 16.0
"""How much stronger than without the phrase the text run follows it; the authors' value."""
TEXT_SEED = 4200
"""Of the noise that the text run begins with; the authors' seed, the same for all phrases."""


class Posterior(NamedTuple):
    """What the autoencoder says of images: mean and standard deviation of their latents, `[S, C, h, w]`, scaled."""

    mean: Tensor
    std: Tensor


class _Dreams:
    """The text run: latents generated from noise for phrases that are told apart, a step at a time."""

    def __init__(self, sampler: Any, start: Tensor, empty: Tensor, phrases: Phrases) -> None:
        """Begin.

        Args:
            sampler: A diffusers `DDIMScheduler` with its steps set.
            start: The noise that every phrase begins with, `[C, h, w]`.
            empty: Token states of the empty phrase, one for each source, `[S, L, D]`.
            phrases: The phrases; those with the same states and weights share a run.
        """
        rows: dict[bytes, int] = {}
        used: list[int] = []
        run: list[int] = []
        for index, parts in enumerate(zip(phrases.context, phrases.token_weights, strict=True)):
            key = _content(*parts)
            if key not in rows:
                rows[key] = len(rows)
                used.append(index)
            run.append(rows[key])
        self.run = torch.tensor(run, device=phrases.context.device)
        self._sampler = sampler
        self._context = phrases.context[used]
        self._weights = phrases.token_weights[used][..., None]
        self._empty = empty[phrases.source[used]]
        self._latents = start.expand(len(used), -1, -1, -1)

    def step(self, forward: Forward, t: int, batch: BatchSize) -> Tensor:
        """Move on from time step `t`: the attention to the phrase's tokens, `[runs, layers, n, n]`."""
        latents, device = self._latents, self._latents.device

        def work(start: int, stop: int) -> tuple[Tensor, Tensor]:
            rows = slice(start, stop)
            begun = forward.begin(latents[rows], torch.full((stop - start,), t, device=device))
            told, maps = forward.observe(begun, self._context[rows], self._weights[rows])
            untold = forward.predict(begun, self._empty[rows]).float()
            return untold + GUIDANCE * (told.float() - untold), _on_grid(maps, latents.shape[-1])[:, :, 0]

        parts = batch.run(len(latents), work)
        prediction = torch.cat([prediction for prediction, _ in parts])
        self._latents = self._sampler.step(prediction, t, latents).prev_sample
        return torch.cat([maps for _, maps in parts])


def _content(*tensors: Tensor) -> bytes:
    return b"".join(tensor.cpu().numpy().tobytes() for tensor in tensors)


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

    In the image run each step looks at a new draw of the image's latent with new noise; a generator for each source
    draws them, so that they are the same in every batch. Its attention needs no guidance, since the half of a batch
    without the phrase does not touch the half with it; the text run's latents do.

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
    weights = torch.stack([torch.zeros_like(phrases.token_weights), phrases.token_weights], dim=-1)
    weights[:, 0, 0] = 1
    generators = [np.random.default_rng(seed) for seed in seeds]
    start = np.random.default_rng(TEXT_SEED).standard_normal(shape, dtype=np.float32)
    dreams = _Dreams(sampler, torch.from_numpy(start).to(device), empty, phrases)
    means = BimodalMeans()
    for index, t in enumerate(sampler.timesteps.tolist()):
        draws = np.stack([generator.standard_normal((2, *shape), dtype=np.float32) for generator in generators], axis=1)
        drawn, noise = torch.from_numpy(draws).to(device)
        latents = sampler.add_noise(posterior.mean + posterior.std * drawn, noise, torch.tensor([t]))
        image = _looked(forward, latents, t, phrases, weights, batch)
        text = dreams.step(forward, t, batch)[dreams.run]
        means.add(image[:, :, 0], image[:, :, 1], text, read=index in read)
    return means.merged()


def _looked(forward: Forward, latents: Tensor, t: int, phrases: Phrases, weights: Tensor, batch: BatchSize) -> Tensor:
    """The image run's attention at a step, `[P, layers, K, n, n]`."""

    def begin(start: int, stop: int) -> Begun:
        return forward.begin(latents[start:stop], torch.full((stop - start,), t, device=latents.device))

    begun = join(batch.run(len(latents), begin))

    def work(start: int, stop: int) -> Tensor:
        rows = slice(start, stop)
        taken = begun.take(phrases.source[rows])
        return _on_grid(forward.observe(taken, phrases.context[rows], weights[rows])[1], latents.shape[-1])

    return torch.cat(batch.run(len(phrases.context), work))


def _on_grid(maps: Sequence[Tensor], side: int) -> Tensor:
    """The layers' maps `[B, K, h, w]`, their cells repeated to the side of a latent: `[B, layers, K, n, n]`."""
    return torch.stack([torch.nn.functional.interpolate(one, size=(side, side), mode="nearest") for one in maps], dim=1)
