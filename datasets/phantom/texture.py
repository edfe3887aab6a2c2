"""Smooth random fields and ramps, the same at any resolution."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating]
"""Whole images are float32 and go through sums, products and roots only, which every machine rounds alike; what needs
sines or powers is computed in float64, whose last digit no grey value shows."""


WHOLE = slice(None)


def smooth_noise(rng: np.random.Generator, cells: int, size: int, here: tuple[slice, slice] = (WHOLE, WHOLE)) -> Array:
    """A random field of mean 0 whose blobs are about 1 / `cells` of the image wide; cubic B-spline of white noise.

    Args:
        rng: Drawn from once, whatever the size and the window.
        cells: Knots along a side.
        size: Pixels along a side of the whole image.
        here: Rows and columns to return.
    """
    knots = rng.uniform(-1, 1, (cells + 3, cells + 3)).astype(np.float32)
    line = (np.arange(size) + 0.5) * (cells / size)
    base, weights = _weights(line[here[1]])
    across = np.zeros((cells + 3, len(base)), dtype=np.float32)
    for k, weight in enumerate(weights):
        across += weight * knots[:, base + k]
    base, weights = _weights(line[here[0]])
    field = np.zeros((len(base), across.shape[1]), dtype=np.float32)
    for k, weight in enumerate(weights):
        rows = across[base + k]
        rows *= weight[:, None]
        field += rows
    return field


def _weights(position: Array) -> tuple[NDArray[np.int64], list[Array]]:
    base = position.astype(np.int64)
    t = position - base
    # Weights of the uniform cubic B-spline, scaled so that the field keeps about the knots' spread.
    gain = 1.9 / 6
    weights = (
        gain * (1 - t) ** 3,
        gain * (3 * t**3 - 6 * t**2 + 4),
        gain * (-3 * t**3 + 3 * t**2 + 3 * t + 1),
        gain * t**3,
    )
    return base, [weight.astype(np.float32) for weight in weights]


def ramp(level: Array, width: float) -> Array:
    """0 where `level` is below -width, 1 above width, smooth in between."""
    # In place: new arrays of this size cost more than the arithmetic.
    t = np.multiply(level, 0.5 / width)
    t += 0.5
    np.clip(t, 0, 1, out=t)
    curve = np.multiply(t, -2)
    curve += 3
    curve *= t
    curve *= t
    return curve
