"""A binary mask from a map by a Gaussian mixture, as chest-distillation's ``GMMMaskSuggestor`` makes it."""

from __future__ import annotations

import warnings

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import convolve

from ..core import ProtocolError

RANDOM_STATE = 4200
MOST_ITERATIONS = 100
LARGEST = 1e15
"""Scores beyond which a fit of 4,096 of them in float32 would overflow."""


def mixture_mask(scores: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Where scores exceed the mean of the means of two fitted Gaussians, without lone pixels.

    An inner pixel counts if at least five of the nine around it do; those of the border stay as they are.

    Args:
        scores: `[h, w]`.

    Raises:
        ProtocolError: If the scores are so large that their squares are no float32.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.mixture import GaussianMixture

    low, high = float(scores.min()), float(scores.max())
    if max(-low, high) > LARGEST:
        raise ProtocolError(
            f"no mixture can be fitted to scores from {low:g} to {high:g}, whose squares overflow float32; answer with "
            "smaller scores"
        )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # of maps with fewer levels than components
        mixture = GaussianMixture(n_components=2, max_iter=MOST_ITERATIONS, random_state=RANDOM_STATE)
        mixture.fit(scores.reshape(-1, 1))
    mask = scores > np.float32(np.mean(np.asarray(mixture.means_)))
    around = convolve(mask.astype(np.int8), np.ones((3, 3), dtype=np.int8))
    mask[1:-1, 1:-1] = around[1:-1, 1:-1] >= 5
    return mask
