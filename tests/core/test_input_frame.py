"""A network's input and the way back from it."""

import numpy as np
import pytest

from groundcxr.core import Box, MethodError, Radiograph


def marked(width, height):
    pixels = np.zeros((height, width), np.uint8)
    x0, y0, x1, y1 = width // 2 - 8, height // 2 - 6, width // 2 + 10, height // 2 + 8
    pixels[y0:y1, x0:x1] = 255
    return Radiograph.from_array(pixels, "a.png"), (x0, y0, x1, y1)


@pytest.mark.parametrize("mode", ["letterbox", "crop", "squash"])
@pytest.mark.parametrize(("size", "shape"), [((80, 50), 160), ((50, 80), 160), ((64, 64), (128, 96))])
def test_what_is_seen_in_the_input_is_read_back_at_its_place(mode, size, shape):
    image, place = marked(*size)
    pixels, frame = image.fit(shape, mode)
    width, height = (shape, shape) if isinstance(shape, int) else shape
    assert (pixels.shape, pixels.dtype) == ((height, width), np.uint8)
    seen = pixels > 127
    rows, columns = np.flatnonzero(seen.any(1)), np.flatnonzero(seen.any(0))
    found = frame.box(Box(columns[0], rows[0], columns[-1] + 1, rows[-1] + 1))
    assert found.as_tuple() == pytest.approx(place, abs=1)
    for grid in (pixels, pixels[::8, ::8], np.add.reduceat(pixels, np.arange(0, height, 7), axis=0)[:, ::5]):
        heatmap = frame.heatmap(grid)
        assert heatmap.image_size == size
    back = frame.heatmap(pixels).to_pixels()
    inside = np.nan_to_num(back) > 127
    rows, columns = np.flatnonzero(inside.any(1)), np.flatnonzero(inside.any(0))
    assert (columns[0], rows[0], columns[-1] + 1, rows[-1] + 1) == pytest.approx(place, abs=1)


def test_a_grid_that_the_padding_cuts_keeps_its_place():
    image, _ = marked(100, 50)
    _, frame = image.fit(64, "letterbox")
    # 7 rows of 64 pixels do not divide: padding of 16 pixels ends within the second.
    pixels = frame.heatmap(np.arange(7.0)[:, None].repeat(7, axis=1)).to_pixels()
    assert pixels.shape == (50, 100)
    assert pixels[0, 0] == 1
    assert pixels[25, 50] == 3
    assert pixels[-1, 0] == 5


def test_what_does_not_fit_is_one_sentence():
    image, _ = marked(40, 40)
    with pytest.raises(MethodError, match="'stretch'; choose one of letterbox, crop, squash"):
        image.fit(32, "stretch")
    with pytest.raises(MethodError, match="0x0 pixels holds no image"):
        image.fit(0, "crop")
    for size in (32.5, "32", (32,), (32, 32, 3), None):
        with pytest.raises(MethodError, match="a whole number of pixels, or"):
            image.fit(size, "crop")
    assert image.fit(np.int64(32), "crop")[0].shape == (32, 32)
