"""A binary mask from a map by a Gaussian mixture, as chest-distillation's ``GMMMaskSuggestor`` makes it."""

from __future__ import annotations

import warnings

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import convolve

RANDOM_STATE = 4200
MOST_ITERATIONS = 100


def mixture_mask(scores: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Where scores exceed the mean of the means of two fitted Gaussians, without lone pixels.

    An inner pixel counts if at least five of the nine around it do; those of the border stay as they are.

    Args:
        scores: `[h, w]`.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.mixture import GaussianMixture

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # of maps with fewer levels than components
        mixture = GaussianMixture(n_components=2, max_iter=MOST_ITERATIONS, random_state=RANDOM_STATE)
        mixture.fit(scores.reshape(-1, 1))
    mask = scores > np.float32(np.mean(np.asarray(mixture.means_)))
    around = convolve(mask.astype(np.int8), np.ones((3, 3), dtype=np.int8))
    mask[1:-1, 1:-1] = around[1:-1, 1:-1] >= 5
    return mask
