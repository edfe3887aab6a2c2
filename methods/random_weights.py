"""Weights drawn from a seed in place of trained ones: to time a method before downloading, and as a sanity check.

Adebayo et al., "Sanity Checks for Saliency Maps" (NeurIPS 2018): a map that stays as it is when the weights are drawn
shows the image and not what the network has learnt.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from ..core import WeightsError

_START = "random:"
_MOST = 2**63

DRAWN = " (drawn)"
"""How the published name of drawn weights ends: a method that takes the option for a path has it without."""


class RandomWeights(NamedTuple):
    """What `weights=random:SEED` or `weights=random:SEED:PLACE` asks for.

    Attributes:
        seed: Of the draw.
        place: A folder or hub id whose architecture and tokenizer are taken, its weights not; "" for the usual one.
    """

    seed: int
    place: str = ""


def random_weights(weights: str | None) -> RandomWeights | None:
    """What an option `weights` says of drawn weights, None where it names others.

    Raises:
        WeightsError: If it names no seed.
    """
    if not weights or not weights.startswith(_START):
        return None
    seed, _, place = weights[len(_START) :].partition(":")
    if not (seed.isascii() and seed.isdigit()) or int(seed) >= _MOST:
        raise WeightsError(
            f"weights={weights} names no seed; write random:SEED, such as random:0, or random:SEED:PLACE for the "
            "architecture of a folder or hub id"
        )
    return RandomWeights(int(seed), place)


def drawn_id(seed: int, place: str = "") -> str:
    """The name of drawn weights for publication: as the option says it, the place as it may be published."""
    return f"{_START}{seed}{f':{place}' if place else ''}{DRAWN}"


def drawn_of(weights_id: str | None) -> str | None:
    """What the architecture is of, by the published name of weights, "" for the usual; None where none are drawn."""
    found = re.match(rf"{_START}\d+:?(.*?){re.escape(DRAWN)}", weights_id or "")
    return found[1] if found else None


@contextmanager
def drawing(seed: int) -> Iterator[None]:
    """Within it networks that are built on the CPU get the weights of a seed; torch's own generator stays untouched."""
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield
