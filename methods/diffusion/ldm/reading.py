"""Maps of phrases from begun forward passes, averaged over steps or noisings as they come."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from ...batch_size import BatchSize
from ...inference import together
from .forward import Begun, Forward, join
from .postprocess import min_max


class Block(NamedTuple):
    """Begun forward passes of all sources at some of the steps that a map averages.

    A source is what phrases share: an image's latent, and the seed of its noise.

    Attributes:
        steps: How many steps.
        begun: A row for each step and source, those of a step together.
        empty: The predictions for the empty phrase, where the map is the difference to them.
    """

    steps: int
    begun: Begun
    empty: Tensor | None = None


class Phrases(NamedTuple):
    """The phrases of a call, or some of them.

    Attributes:
        context: Token states, `[P, L, D]`.
        token_weights: What each token counts, `[P, L]`.
        source: The source of each, `[P]`.
    """

    context: Tensor
    token_weights: Tensor
    source: Tensor


def read_together(phrases: Phrases) -> list[Phrases]:
    """The phrases whose rows share batches: on a CPU each alone, so that its map does not depend on the others."""
    rows = together(range(len(phrases.source)), phrases.source.device)
    return [Phrases(*(part[list(chosen)] for part in phrases)) for chosen in rows]


def read_phrases(
    forward: Forward, blocks: Iterable[Block], groups: Sequence[Phrases], batch: BatchSize
) -> list[Tensor]:
    """The maps of phrases, averaged over all steps.

    Blocks wait until their steps fill a batch, so that a single phrase, too, is read in batches.

    Args:
        forward: The network.
        blocks: What was begun; all with predictions for the empty phrase, or none.
        groups: The phrases, those of a group together; as `read_together` gives them.
        batch: How many rows, each a phrase at a step, are worked on at once.

    Returns:
        float32 `[P, h, w]` for each layer: attention min-max normalised at each step (as the paper's code does), or
        one map of the prediction's mean absolute difference over channels.
    """
    most = max(len(group.context) for group in groups)
    totals: list[Tensor] = []
    waiting: list[Block] = []
    steps = 0

    def read_waiting() -> None:
        nonlocal totals, steps
        count = sum(block.steps for block in waiting)
        begun = join([block.begun for block in waiting])
        empties = [block.empty for block in waiting if block.empty is not None]
        empty = torch.cat(empties) if empties else None
        parts = [_read(forward, count, begun, empty, group, batch) for group in groups]
        found = [torch.cat(layer) for layer in zip(*parts, strict=True)]
        totals = [total + maps for total, maps in zip(totals, found, strict=True)] if totals else found
        steps += count
        waiting.clear()

    for block in blocks:
        if waiting and (sum(one.steps for one in waiting) + block.steps) * most > batch.rows:
            read_waiting()
        waiting.append(block)
    read_waiting()
    return [total / steps for total in totals]


def _read(
    forward: Forward, steps: int, begun: Begun, empty: Tensor | None, phrases: Phrases, batch: BatchSize
) -> list[Tensor]:
    """The maps of each layer, summed over steps; arguments as of a `Block`."""
    count = len(phrases.context)
    sources = len(begun.hidden) // steps

    def work(start: int, stop: int) -> tuple[Tensor, ...]:
        rows = torch.arange(start, stop, device=begun.hidden.device)
        phrase = rows % count
        source = rows // count * sources + phrases.source[phrase]
        context = phrases.context[phrase]
        if empty is None:
            maps = forward.attend(begun.take(source), context, phrases.token_weights[phrase])
            return tuple(min_max(one) for one in maps)
        return ((forward.predict(begun.take(source), context).float() - empty[source]).abs().mean(1),)

    parts = batch.run(steps * count, work)
    return [torch.cat(layer).unflatten(0, (steps, count)).sum(0) for layer in zip(*parts, strict=True)]
