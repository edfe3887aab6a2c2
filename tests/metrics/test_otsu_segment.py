"""Otsu's threshold and filled outlines against other implementations."""

import numpy as np
import pytest
from scipy import ndimage
from skimage.filters import threshold_otsu

from groundcxr.metrics.otsu_segment import otsu_segment, otsu_threshold


@pytest.mark.parametrize("seed", range(10))
def test_the_threshold_is_scikit_images(seed):
    random = np.random.default_rng(seed)
    grey = np.concatenate([random.normal(60, 20, 500), random.normal(170, 30, 300)]).clip(0, 255).astype(np.uint8)
    assert otsu_threshold(np.bincount(grey, minlength=256)) == threshold_otsu(grey)


def test_one_grey_value_has_no_threshold():
    assert otsu_threshold(np.bincount([7] * 9, minlength=256)) == 0


@pytest.mark.parametrize("seed", range(20))
def test_holes_are_filled_and_lone_pixels_dropped(seed):
    mask = np.random.default_rng(seed).random((14, 17)) < (0.3 + 0.02 * seed)
    filled = ndimage.binary_fill_holes(mask)
    around = ndimage.convolve(filled.astype(int), np.ones((3, 3), dtype=int), mode="constant")
    assert np.array_equal(otsu_segment(mask.astype(np.float32)), filled & (around > 1))
