"""From maps to the heatmap, against torchvision, scipy and scikit-image."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter
from torchvision.transforms import Resize

from groundcxr.methods.diffusion.ldm.postprocess import combine, finish, min_max, otsu_threshold


@pytest.mark.parametrize(("size", "sigma"), [((128, 128), 2.5), ((40, 64), 1.0), ((5, 7), 0.0), ((3, 3), 2.5)])
def test_resize_average_and_blur_are_torchvisions_and_scipys(size, sigma):
    layers = [torch.rand(2, height, width) for height, width in ((4, 6), (8, 8), (5, 7))]
    resized = torch.stack([Resize(list(size), antialias=True)(maps) for maps in layers]).mean(0)
    expected = np.stack([gaussian_filter(one, (sigma, sigma)) if sigma else one for one in resized.numpy()])
    np.testing.assert_allclose(combine(layers, size, sigma).numpy(), expected, atol=1e-6)


def test_min_max_of_a_map_of_one_value_is_zeros():
    maps = min_max(torch.stack([torch.full((3, 3), 0.7), torch.arange(9.0).view(3, 3)]))
    assert maps[0].eq(0).all()
    assert (maps[1].min(), maps[1].max()) == (0, 1)


@pytest.mark.parametrize("seed", range(8))
def test_otsu_is_scikit_images(seed):
    filters = pytest.importorskip("skimage.filters")
    rng = np.random.default_rng(seed)
    values = gaussian_filter(rng.random((64, 64)), seed).astype(np.float32)
    if seed % 2:  # a histogram with empty bins, over which the criterion is constant
        values = np.round(values * 9) / np.float32(9) + (values > np.median(values))
    reference = filters.threshold_multiotsu(values, classes=2)[0]
    # Thresholds within a run of empty bins are equally good, and cut alike.
    np.testing.assert_array_equal(values > otsu_threshold(values), values > reference)


def test_otsu_of_two_values_is_between_them():
    values = np.array([0, 0, 0, 1], dtype=np.float32)
    assert 0 <= otsu_threshold(values) < 1


def test_otsu_mask_sets_the_lower_class_to_zero_and_leaves_the_rest():
    maps = torch.tensor([[[0.1, 0.2], [0.8, 0.9]]])
    plain, masked = finish(maps, otsu=False)[0], finish(maps, otsu=True)[0]
    assert masked.tolist() == [[0, 0], plain[1].tolist()]
    assert plain.max() == 1


def test_a_map_of_one_value_ends_as_zeros():
    assert finish(torch.full((1, 4, 4), 0.5), otsu=True).eq(0).all()
