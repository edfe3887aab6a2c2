"""Partial forward passes: what depends on no phrase once, and nothing after the last layer that is read.

`split.SplitForward` does this for plain networks, `whole.WholeForward` as far as it goes for others.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import torch
from torch import Tensor


class Begun(NamedTuple):
    """Rows of a forward pass up to the first cross-attention, or its mere input for a network that is not split.

    Attributes:
        hidden: The features there.
        residual: What the transformer around them adds its output to.
        time: Time embedding; for a network that is not split, the time steps.
        skips: Features that later blocks take up again, the first to be taken last.
    """

    hidden: Tensor
    residual: Tensor
    time: Tensor
    skips: tuple[Tensor, ...]

    def take(self, rows: Tensor) -> Begun:
        """Some of the rows, or a row several times."""
        return Begun(self.hidden[rows], self.residual[rows], self.time[rows], tuple(skip[rows] for skip in self.skips))


def join(parts: Sequence[Begun]) -> Begun:
    """The rows of all parts, in order."""
    if len(parts) == 1:
        return parts[0]
    skips = tuple(torch.cat(skip) for skip in zip(*(part.skips for part in parts), strict=True))
    hidden = torch.cat([part.hidden for part in parts])
    residual = torch.cat([part.residual for part in parts])
    return Begun(hidden, residual, torch.cat([part.time for part in parts]), skips)


class Forward(Protocol):
    """A UNet whose forward pass is taken in parts."""

    def begin(self, latents: Tensor, timesteps: Tensor) -> Begun:
        """The part that no phrase has touched: latents `[B, C, h, w]` at time steps `[B]`."""
        ...

    def predict(self, begun: Begun, context: Tensor) -> Tensor:
        """The rest, with token states `[B, L, D]`: the prediction `[B, C, h, w]`."""
        ...

    def attend(self, begun: Begun, context: Tensor, token_weights: Tensor) -> tuple[Tensor, ...]:
        """The rest up to the last layer that is read: the layers' attention to the tokens, `[B, h, w]` each."""
        ...

    def observe(self, begun: Begun, context: Tensor, token_weights: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
        """The rest, with the maps on the way.

        Args:
            begun: What was begun.
            context: Token states, `[B, L, D]`.
            token_weights: What each token counts, in K ways, `[B, L, K]`.

        Returns:
            The prediction, and of each layer that is read its attention `[B, K, h, w]`.
        """
        ...

    def for_attention(self, begun: Begun) -> Begun:
        """What `attend` needs of it."""
        ...
