"""From densities to the grey values of a film."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .texture import Array
from .view import View

_SHOULDER = 0.7


def develop(density: Array, view: View, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Blur, expose and digitise an image of densities `[size, size]`; dense is bright.

    Args:
        density: 0 is air, about 1 the densest bone.
        view: Exposure, contrast, curve, noise and blur.
        rng: For the detector's noise.
    """
    from scipy.ndimage import gaussian_filter

    size = density.shape[0]
    line = ((np.arange(size) + 0.5) / size - 0.5).astype(np.float32)
    grey = gaussian_filter(density, view.blur * size, truncate=3.0, mode="nearest")
    grey *= 1.08 * view.contrast
    grey += view.gradient[0] * line
    grey += (0.06 + view.exposure + view.gradient[1] * line)[:, None]
    # The film's shoulder: dense bone and metal saturate softly.
    over = np.maximum(grey - _SHOULDER, 0)
    grey -= over
    grey += over / (1 + over * (1 / (1 - _SHOULDER)))
    grey += view.curve * grey * (1 - grey)
    grey += view.noise * rng.standard_normal((size, size)).astype(np.float32)
    return np.rint(np.clip(grey, 0, 1) * 255).astype(np.uint8)
