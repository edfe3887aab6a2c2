"""The trajectory of images from their latents towards noise (DDIM inversion without guidance), and its short cut."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from ...batch_size import BatchSize
from .forward import Begun, Forward, join
from .schedule import NoiseSchedule


class InversionStep(NamedTuple):
    """Where a trajectory is.

    Attributes:
        number: The step.
        latents: What it begins with, `[B, C, h, w]`.
        begun: Its begun forward pass, of a step that is read.
    """

    number: int
    latents: Tensor
    begun: Begun | None


def invert(
    forward: Forward,
    schedule: NoiseSchedule,
    latents: Tensor,
    context: Tensor,
    num_steps: int,
    read: range,
    batch: BatchSize,
) -> Iterator[InversionStep]:
    """Move latents along the inversion, as far as it is read.

    With guidance 0 the phrase has no part in it, so one trajectory serves all phrases of an image. The paper's code
    goes on to the end; nothing after the last step read changes a map.

    Args:
        forward: The network.
        schedule: Its noise schedule.
        latents: Clean latents, `[B, C, h, w]`.
        context: Token states of the empty phrase, `[B, L, D]`.
        num_steps: Inversion steps asked for.
        read: The steps at which phrases will be read; their stop ends the trajectory.
        batch: How many images are worked on at once.

    Yields:
        The steps, to the last one read.
    """
    stride = schedule.stride(num_steps)
    for index, t in enumerate(schedule.timesteps(num_steps)[: read.stop]):
        reading, last = index in read, index + 1 == read.stop

        def work(
            start: int, stop: int, latents: Tensor = latents, t: int = t, reading: bool = reading, last: bool = last
        ) -> tuple[Begun | None, Tensor | None]:
            rows = latents[start:stop]
            begun = forward.begin(rows, torch.full((len(rows),), t, device=rows.device))
            prediction = None if last else forward.predict(begun, context[start:stop]).float()
            return (forward.for_attention(begun) if reading else None), prediction

        parts = batch.run(len(latents), work)
        begun = join([begun for begun, _ in parts if begun is not None]) if reading else None
        yield InversionStep(index, latents, begun)
        if not last:
            predictions = [prediction for _, prediction in parts if prediction is not None]
            latents = schedule.advance(latents, torch.cat(predictions), t, stride)
