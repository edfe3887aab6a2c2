"""What tuned prompts are trained with: the losses of Vilouras et al. (MIDL 2026, PMLR 315, arXiv:2506.10633)."""

from __future__ import annotations

import torch
from torch import Tensor

INSIDE = 1e-5
"""Above which a Gaussian of peak 1 counts as the place: 4.8 standard deviations."""


def place_loss(maps: Tensor, gaussians: Tensor, alpha: float) -> Tensor:
    """How far attention is from what it has inside the place, with some of the place's own Gaussian added.

    L_loc = 1 - cos(A, 1[G > 1e-5] sg(A) + alpha G), where sg stops the gradient: what lies outside is to vanish, and
    what lies inside may keep its shape.

    Args:
        maps: Attention A, `[B, h, w]`, not negative.
        gaussians: The place G, `[B, h, w]`, of peak 1.
        alpha: How much of the Gaussian is in the target; 0 for none.

    Returns:
        `[B]`, 0 to 1.
    """
    target = (gaussians > INSIDE) * maps.detach() + alpha * gaussians
    return 1 - torch.cosine_similarity(maps.flatten(1), target.flatten(1), dim=1)


def diversity_loss(maps: Tensor, counted: Tensor) -> Tensor:
    """How alike the maps of a phrase's tokens are: L_div, the mean squared cosine of all pairs.

    Args:
        maps: Attention to each token, `[B, K, h, w]`.
        counted: Bool `[B, K]`: the tokens that count.

    Returns:
        `[B]`, 0 to 1; 0 where fewer than two tokens count.
    """
    flat = torch.nn.functional.normalize(maps.flatten(2), dim=2)
    squares = (flat @ flat.transpose(1, 2)).square()
    pairs = (counted[:, :, None] & counted[:, None, :]).triu(1)
    return (squares * pairs).sum((1, 2)) / pairs.sum((1, 2)).clamp(min=1)
