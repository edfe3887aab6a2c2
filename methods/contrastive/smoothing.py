"""The smoothing of BioViL, and of AFLoc and MaCo, whose scripts took it from there."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

_SIGMA = 1.5


def smooth(grid: NDArray[np.float32]) -> NDArray[np.float32]:
    """A grid after a Gaussian filter of 1.5 cells, mirrored at its borders."""
    from scipy import ndimage

    found: Any = ndimage.gaussian_filter(grid, sigma=(_SIGMA, _SIGMA), order=0)
    return found
