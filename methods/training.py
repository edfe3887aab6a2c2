"""What trainings share: steps that draw the same after a kill as without one, and files that are whole or not there."""

from __future__ import annotations

import io
from pathlib import Path

import torch
from torch import Tensor

from ..core.files import write_whole


def save_whole(value: object, file: Path) -> None:
    """Write a file with `torch.save` that is there only when it is whole.

    Raises:
        OSError: If the disk is full or the folder cannot be written.
    """
    content = io.BytesIO()
    torch.save(value, content)
    write_whole(file, content.getvalue())


def generator(*seed: int) -> torch.Generator:
    """A generator for one step of one stage, so that a run that goes on draws what an unbroken one would have."""
    value = 0
    for part in seed:
        value = (value * 1_000_003 + part) % 2**62
    return torch.Generator().manual_seed(value)


def epoch_order(seed: int, step: int, batch: int, count: int) -> Tensor:
    """The items of a step's batch: every epoch is a permutation of its own.

    Args:
        seed: Of the order.
        step: The step, from 0.
        batch: Items of a step, at most `count`.
        count: How many items there are.
    """
    per_epoch = count // batch
    order = torch.randperm(count, generator=generator(seed, step // per_epoch))
    start = step % per_epoch * batch
    return order[start : start + batch]
