"""Bimodal Bias Merging: what an image and a phrase draw attention to on their own, merged into the phrase's map.

Nuetzel et al., "Generate to Ground: Multimodal Text Conditioning Boosts Phrase Grounding in Medical Vision-Language
Models", MIDL 2025 (PMLR 301:1238-1257, arXiv:2507.12236). This module is what is done with attention maps;
`bimodal_runs` reads them from the network.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

_WINDOW = 7
SMALLEST = _WINDOW
"""The least side of a map: that of the windows of the structural similarity."""
_RANGE = 255.0


class BimodalMeans:
    """Attention maps of both runs, averaged over layers and steps as the steps come."""

    def __init__(self) -> None:
        self._totals: list[Tensor] = []
        self._activation: Tensor | None = None
        self._steps = self._steps_read = 0

    def add(self, first: Tensor, chosen: Tensor, text: Tensor, *, read: bool) -> None:
        """Add a step.

        Args:
            first: The image run's attention to the phrases' first token, `[P, layers, n, n]`.
            chosen: Its mean attention to the tokens that count, the same shape.
            text: The text run's mean attention to these tokens, the same shape.
            read: Whether the step is one of those that the phrase's own map averages.
        """
        with torch.autocast(first.device.type, enabled=False):
            # A matrix product, as in the authors' code: rows of the one with columns of the other.
            found = [maps.float().mean(1) for maps in (first, text, first.float() @ text.float())]
        self._totals = [total + maps for total, maps in zip(self._totals or [0] * 3, found, strict=True)]
        self._steps += 1
        if read:
            mean = chosen.float().mean(1)
            self._activation = mean if self._activation is None else self._activation + mean
            self._steps_read += 1

    def merged(self) -> Tensor:
        """The maps of the phrases, float32 `[P, n, n]` on the CPU.

        Raises:
            ValueError: If no step was added that is read.
        """
        if self._activation is None:
            raise ValueError("no step was read")
        activation = (self._activation / self._steps_read).cpu()
        biases = [(total / self._steps).cpu() for total in self._totals]
        return torch.stack([merge(*maps) for maps in zip(activation, *biases, strict=True)])


def merge(activation: Tensor, image_bias: Tensor, text_bias: Tensor, product: Tensor) -> Tensor:
    """The map of one phrase out of four maps `[n, n]` of any scale, in float16 as in the authors' code.

    With s the structural similarity of the two biases, 0 where it is negative, a the activation and m the product,
    both stretched to 0..1, the map is s(1-s)(m + a + ma) + (1-s)^2 a + s^2 m.

    Args:
        activation: The image run's attention to the phrase, over the steps read.
        image_bias: Its attention to the first token, over all steps.
        text_bias: The text run's attention to the phrase, over all steps.
        product: Of the two biases, step by step.

    Returns:
        float32 `[n, n]`; NaN where one of the four maps holds what is no number, which 8 bits would hide.
    """
    if not all(maps.isfinite().all() for maps in (activation, image_bias, text_bias, product)):
        return torch.full_like(activation, torch.nan, dtype=torch.float32)
    similarity = max(0.0, structural_similarity(_bytes(image_bias).numpy(), _bytes(text_bias).numpy()))
    a, m = _stretched(activation), _stretched(_bytes(product))
    both = 2 * (1 - similarity) * similarity * ((m + a + m * a) / 2)
    return (both + (1 - similarity) ** 2 * a + similarity**2 * m).float()


def structural_similarity(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> float:
    """The mean structural similarity of two 8-bit images (Wang et al., IEEE TIP 2004), as scikit-image computes it.

    Windows of 7x7 pixels of equal weight that lie within the image, sample covariances, K1 = .01, K2 = .03.

    Args:
        one: An image of at least 7x7 pixels.
        other: One of the same size.
    """
    from scipy.ndimage import uniform_filter

    x, y = one.astype(np.float64), other.astype(np.float64)

    def mean(values: NDArray[np.float64]) -> NDArray[np.float64]:
        filtered: NDArray[np.float64] = uniform_filter(values, size=_WINDOW)
        return filtered

    sample = _WINDOW**2 / (_WINDOW**2 - 1)
    mx, my = mean(x), mean(y)
    vx, vy, vxy = (sample * (mean(p * q) - mean(p) * mean(q)) for p, q in ((x, x), (y, y), (x, y)))
    c1, c2 = (0.01 * _RANGE) ** 2, (0.03 * _RANGE) ** 2
    found = (2 * mx * my + c1) * (2 * vxy + c2) / ((mx**2 + my**2 + c1) * (vx + vy + c2))
    edge = _WINDOW // 2
    return float(found[edge:-edge, edge:-edge].mean())


def _stretched(values: Tensor) -> Tensor:
    """Values from 0 to 1 in float16; zeros where there is one value only."""
    half = values.to(torch.float16)
    low, high = half.min(), half.max()
    return torch.zeros_like(half) if low == high else (half - low) / (high - low)


def _bytes(values: Tensor) -> Tensor:
    return (_stretched(values) * 255).to(torch.uint8)
