"""Where the input lies on an image, to the pixel, and OpenCV's resize of it."""

from pathlib import Path

import numpy as np
import pytest

from groundcxr.core import MethodError
from groundcxr.methods.contrastive.chest.area import resize_area
from groundcxr.methods.contrastive.chest.frame import PadFrame
from groundcxr.methods.marker import frame_problem

STORED = Path(__file__).parents[3] / "data" / "chest_maps"


def test_resizing_is_that_of_opencv():
    """OpenCV 5.0's own results for shrinking by whole and by other factors, for growing, and for both at once."""
    found = np.load(STORED / "area.npz")
    for number in range(len(found.files) // 2):
        wanted = found[f"to{number}"]
        np.testing.assert_array_equal(resize_area(found[f"from{number}"], wanted.shape[::-1]), wanted)


@pytest.mark.parametrize(
    ("side", "size", "extent", "shape"),
    [
        # 16 of 256 rows are lost at each end of the longer side: 1/16 of it.
        (256, (2544, 3056), (0, 191, 2544, 2865), (224, 213)),
        (256, (3056, 2544), (191, 0, 2865, 2544), (213, 224)),
        # The shorter side is cut as well where it is longer than the input.
        (256, (480, 512), (16, 32, 464, 480), (224, 224)),
        (256, (512, 512), (32, 32, 480, 480), (224, 224)),
        (224, (2544, 3056), (0, 0, 2544, 3056), (224, 186)),
        (224, (400, 100), (0, 0, 400, 100), (56, 224)),
        # Smaller than the frame.
        (224, (56, 112), (0, 0, 56, 112), (224, 112)),
    ],
)
def test_extents(side, size, extent, shape):
    placed = PadFrame(side).placement(size)
    found = placed.heatmap(np.zeros((224, 224), np.float32), (1, 1))
    assert found.extent.as_tuple() == extent
    assert found.values.shape == shape


@pytest.mark.parametrize("side", [224, 256])
@pytest.mark.parametrize("size", [(300, 380), (410, 290), (500, 512), (31, 97), (512, 512)])
def test_every_pixel_of_the_input_lies_where_the_extent_says(side, size):
    """A white stripe at each place of the image shows up in the input where the map has its row or column."""
    frame = PadFrame(side)
    for axis in (0, 1):
        for at in np.linspace(0.1, 0.9, 5):
            pixels = np.zeros(size[::-1], np.uint8)
            start = int(at * size[1 - axis])
            stripe = slice(start, start + max(size[1 - axis] // 30, 2))
            pixels[(stripe, slice(None)) if axis == 0 else (slice(None), stripe)] = 255
            shown = frame.placement(size).heatmap(frame.input(pixels).astype(np.float32), (1, 1)).to_pixels()
            weight = np.nan_to_num(shown).sum(axis=1 - axis)
            centre = (weight * (np.arange(len(weight)) + 0.5)).sum() / weight.sum()
            assert abs(centre - (stripe.start + stripe.stop) / 2) <= max(1, max(size) / side)


def test_an_image_too_narrow_is_refused():
    with pytest.raises(MethodError, match="2x4000 pixels is too narrow"):
        PadFrame(256).placement((2, 4000))


@pytest.mark.parametrize("name", ["gloria", "carzero", "afloc", "kad", "maco"])
def test_a_marker_in_the_networks_input_is_read_at_its_place(name, loaded):
    assert frame_problem(loaded(name)) is None
