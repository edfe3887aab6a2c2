"""How the image tower starts: patches as whitened principal components, places as sines."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


def whitened_patches(pixels: NDArray[np.uint8], size: int, count: int) -> Tensor:
    """The filters that turn patches into their first principal components, each with a deviation of about 1.

    Random filters of a radiograph all answer with the patch's mean, beside which its texture is lost.

    Args:
        pixels: Images `[N, H, W]`.
        size: Side of a patch.
        count: Number of filters.

    Returns:
        `[count, size, size]`, for pixels of 0 to 255.
    """
    images, height, width = pixels.shape
    grid = pixels.reshape(images, height // size, size, width // size, size).swapaxes(2, 3)
    patches = grid.reshape(-1, size * size).astype(np.float64)
    patches = patches[np.random.default_rng(0).permutation(len(patches))[:50_000]]
    values, vectors = np.linalg.eigh(np.cov(patches, rowvar=False))
    values, vectors = values[::-1][:count], vectors[:, ::-1][:, :count]
    # The least component kept is the film's noise, which is not to be blown up to the size of the others.
    filters = vectors / np.sqrt(values + 4 * values[-1])
    return torch.from_numpy(filters.T.reshape(count, size, size).copy()).float()


def sine_positions(side: int, width: int) -> Tensor:
    """A code of places on a square grid, `[side * side, width]`: sines and cosines of both axes (as in MAE)."""
    frequencies = 1 / 100 ** (np.arange(width // 4) / (width // 4))
    angles = np.arange(side)[:, None] * frequencies
    axis = np.concatenate([np.sin(angles), np.cos(angles)], axis=1)
    rows, columns = np.meshgrid(np.arange(side), np.arange(side), indexing="ij")
    places = np.concatenate([axis[rows.ravel()], axis[columns.ravel()]], axis=1)
    return torch.from_numpy(0.5 * places).float()
