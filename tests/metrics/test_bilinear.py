"""Resizing without PyTorch against PyTorch and torchvision."""

import numpy as np
import pytest

from groundcxr.core import Box, Heatmap
from groundcxr.metrics.bilinear import reached, resized, seen_pixels

torch = pytest.importorskip("torch")


@pytest.mark.parametrize("size", [(9, 8), (40, 53), (131, 64), (5, 3), (1, 200)])
@pytest.mark.parametrize("grid", [(7, 9), (1, 1), (37, 16)])
def test_it_is_pytorchs(grid, size):
    values = np.random.default_rng(0).normal(size=grid).astype(np.float32)
    theirs = torch.nn.functional.interpolate(torch.from_numpy(values)[None, None], size=size, mode="bilinear")
    ours = resized(values, *size)
    assert ours.dtype == np.float32
    assert ours == pytest.approx(theirs[0, 0].numpy(), abs=5e-6)


def test_a_plateau_stays_flat():
    values = np.full((5, 5), 0.1, dtype=np.float32)
    values[2, 2] = 0.7
    found = resized(values, 77, 91)
    assert (found.min(), found.max()) == (np.float32(0.1), found[38, 45])
    assert len(np.unique(resized(values[:2], 50, 60))) == 1


def test_a_map_fills_its_extent():
    heatmap = Heatmap(np.eye(3), Box(10, 4, 40, 24), (50, 30))
    scores, place = seen_pixels(heatmap)
    assert np.empty((30, 50))[place].shape == scores.shape == (20, 30)
    assert np.array_equal(scores, resized(heatmap.values, 20, 30))


@pytest.mark.parametrize("pixels", [100, 311, 511, 512, 513, 777, 1024, 2544, 3056])
def test_what_an_antialiased_mask_reaches_is_torchvisions(pixels):
    resize = pytest.importorskip("torchvision.transforms.functional").resize
    start, stop = reached(pixels, 512)
    for place in (0, 1, pixels // 3, pixels // 2, pixels - 1):
        mask = torch.zeros(1, pixels, 2, dtype=torch.bool)
        mask[0, place] = True
        theirs = resize(mask, [512, 2], antialias=True)[0, :, 0].numpy()
        assert np.array_equal((start <= place) & (place < stop), theirs)
