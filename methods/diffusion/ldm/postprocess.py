"""From attention maps to the heatmap: resize and blur, min-max, Otsu's threshold."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ....core import MethodError

_BINS = 256


def min_max(maps: Tensor) -> Tensor:
    """Maps `[..., h, w]` stretched to 0..1 each; a map of one value becomes zeros, one with NaN is NaN."""
    low, high = maps.amin((-2, -1), keepdim=True), maps.amax((-2, -1), keepdim=True)
    span = high - low
    return torch.where(span == 0, 0, (maps - low) / torch.where(span == 0, 1, span))


def combine(layers: Sequence[Tensor], size: tuple[int, int], sigma: float) -> Tensor:
    """Maps of several layers resized to one size, averaged and blurred.

    The paper's code resizes the map of every layer and step bilinearly, averages, and filters with scipy's
    `gaussian_filter`. All three are linear and act on rows and columns apart, so the steps may be averaged before, and
    resize and blur are one matrix for each axis.

    Args:
        layers: Float maps `[P, h, w]`, averaged over steps already; each layer has its own h and w.
        size: (height, width) of the result.
        sigma: Standard deviation of the blur in pixels of the result; 0 for none.

    Returns:
        float32 `[P, height, width]` on the CPU.
    """
    total = torch.zeros(1)
    for maps in layers:
        rows = torch.from_numpy(_resize_and_blur(maps.shape[-2], size[0], sigma))
        columns = torch.from_numpy(_resize_and_blur(maps.shape[-1], size[1], sigma))
        # Map by map, since a product with several rounds otherwise than with one.
        total = total + torch.stack([rows @ one.clone() @ columns.T for one in maps.cpu().float()])
    return total / len(layers)


@lru_cache(maxsize=32)
def _resize_and_blur(old: int, new: int, sigma: float) -> NDArray[np.float32]:
    """The matrix `[new, old]` that resizes one axis as torchvision's antialiased `Resize` does, then blurs it."""
    from scipy.ndimage import gaussian_filter1d

    basis = torch.eye(old, dtype=torch.float64)[None, None]
    matrix = torch.nn.functional.interpolate(basis, (new, old), mode="bilinear", antialias=True)[0, 0].numpy()
    if sigma > 0:
        matrix = gaussian_filter1d(matrix, sigma, axis=0)
    return np.ascontiguousarray(matrix, dtype=np.float32)


def check_finite(maps: Tensor, dtype: torch.dtype) -> None:
    """Raise unless all values of maps are numbers.

    Args:
        maps: The maps, in any shape.
        dtype: The precision that the network computed them in, for the message.

    Raises:
        MethodError: If the network's numbers overflowed.
    """
    if not maps.isfinite().all():
        raise MethodError(
            f"the network's numbers overflow in {str(dtype).removeprefix('torch.')}; use dtype=bfloat16 or float32, "
            "and if it is that, check the weights"
        )


def finish(maps: Tensor, *, otsu: bool) -> Tensor:
    """Heatmaps `[P, H, W]` min-max normalised and, if wanted, 0 where they do not exceed Otsu's threshold."""
    stretched = min_max(maps)
    if otsu:
        for heatmap in stretched:
            heatmap *= heatmap > otsu_threshold(heatmap.numpy())
    return stretched


def otsu_threshold(values: NDArray[np.float32]) -> float:
    """Otsu's threshold of a histogram of 256 bins: that of scikit-image's `threshold_multiotsu` for two classes.

    The threshold is the centre of the last bin of the lower class. Bins without values make several equally good,
    which cut alike. A map of one value has itself as the threshold.

    Args:
        values: Any shape.
    """
    if values.min() == values.max():
        return float(values.min())
    counts, edges = np.histogram(values, _BINS)
    weight = counts / counts.sum()
    below = np.cumsum(weight)[:-1]
    moment = np.cumsum(weight * np.arange(_BINS))
    above, upper = 1 - below, moment[-1] - moment[:-1]
    # Both ends of the histogram hold a value, so neither class is ever empty.
    between = moment[:-1] ** 2 / below + upper**2 / above
    best = int(np.argmax(between))
    return float((edges[best] + edges[best + 1]) / 2)
