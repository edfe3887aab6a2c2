"""Latents with seeded noise added, instead of inverted: cheaper, for there is no trajectory to follow."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Protocol

import torch
from torch import Tensor

from ...batch_size import BatchSize
from .forward import Begun, Forward, join
from .reading import Block
from .schedule import NoiseSchedule

_NOISINGS = 5
"""DiffEdit averages ten, which takes twice the time for little more: docs/ldm.md has the figures."""

_NOISE_LEVEL = 0.5
"""The part of the training's time steps at which noise is added: DiffEdit's."""


class Schedule(Protocol):
    """What says how much noise a time step has."""

    def noised(self, latents: Tensor, noise: Tensor, t: Any) -> Tensor:
        """A clean latent with the noise of time step `t`."""
        ...


class NoisedLatents:
    """Latents noised several times; iterated over, some noisings at once: their number, latents, time steps.

    The rows of a noising are together. Noise comes from one generator for each seed, on the CPU, so that it is the
    same on every device and in every batch.
    """

    def __init__(
        self, schedule: Schedule, latents: Tensor, seeds: Sequence[int], times: Sequence[float], at_once: int
    ) -> None:
        """Draw the noise.

        Args:
            schedule: The noise schedule.
            latents: Clean latents, `[B, C, h, w]`.
            seeds: The seed of each.
            times: The time step of each noising.
            at_once: How many noisings at once.
        """
        self._schedule = schedule
        self._latents = latents
        self._times = times
        self._at_once = at_once
        shape = (len(times), *latents.shape[1:])
        draws = [torch.randn(shape, generator=torch.Generator().manual_seed(seed)) for seed in seeds]
        self._noise = torch.stack(draws, dim=1)

    def __iter__(self) -> Iterator[tuple[int, Tensor, Tensor]]:
        device = self._latents.device
        for first in range(0, len(self._times), self._at_once):
            times = self._times[first : first + self._at_once]
            noise = self._noise[first : first + self._at_once].to(device)
            noised = [self._schedule.noised(self._latents, n, t) for n, t in zip(noise, times, strict=True)]
            rows = torch.tensor(times, device=device).repeat_interleave(len(self._latents))
            yield len(times), torch.cat(noised), rows


def difference_times(schedule: NoiseSchedule) -> list[int]:
    """The time step of each noising of the extraction "noise-difference"."""
    return [round((len(schedule.alphas) - 1) * _NOISE_LEVEL)] * _NOISINGS


def attention_blocks(forward: Forward, noised: NoisedLatents, batch: BatchSize) -> Iterator[Block]:
    """Begun forward passes of noised latents, to read attention from."""
    for steps, latents, times in noised:

        def work(start: int, stop: int, latents: Tensor = latents, times: Tensor = times) -> Begun:
            return forward.for_attention(forward.begin(latents[start:stop], times[start:stop]))

        yield Block(steps, join(batch.run(len(latents), work)))


def difference_blocks(forward: Forward, noised: NoisedLatents, context: Tensor, batch: BatchSize) -> Iterator[Block]:
    """Begun forward passes of noised latents, and their predictions for the empty phrase `[B, L, D]`.

    How a phrase changes the prediction shows where it is: the mask step of DiffEdit (Couairon et al., ICLR 2023), which
    takes the difference between two phrases' predictions, here the phrase's and the empty one's.
    """
    for steps, latents, times in noised:
        contexts = context.repeat(steps, 1, 1)

        def work(
            start: int, stop: int, latents: Tensor = latents, times: Tensor = times, contexts: Tensor = contexts
        ) -> tuple[Begun, Tensor]:
            begun = forward.begin(latents[start:stop], times[start:stop])
            return begun, forward.predict(begun, contexts[start:stop]).float()

        parts = batch.run(len(latents), work)
        yield Block(steps, join([begun for begun, _ in parts]), torch.cat([empty for _, empty in parts]))
