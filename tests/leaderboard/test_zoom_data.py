"""What the viewer is given against the pixels that the protocol thresholds."""

import io
from base64 import b64decode

import numpy as np
import pytest
from PIL import Image

from groundcxr.core import Box, Heatmap, Mask
from groundcxr.leaderboard.film import Film
from groundcxr.leaderboard.overlays import Layer, Picture, Style
from groundcxr.leaderboard.zoom_data import viewer_data

SIZE = (61, 43)


def film() -> Film:
    return Film(np.random.default_rng(0).integers(0, 256, SIZE[::-1], dtype=np.uint8), SIZE, SIZE, "sha")


@pytest.mark.parametrize("extent", [Box(0, 0, *SIZE), Box(7, 3, 50, 40)])
def test_the_cells_between_their_edges_are_the_maps_pixels(extent):
    heatmap = Heatmap(np.random.default_rng(1).random((5, 9)).astype(np.float32), extent, SIZE)
    found = viewer_data(Picture(film(), heatmap=heatmap, scale=(0.2, 0.7)), method="mine", phrase="edema")["map"]
    values = np.frombuffer(b64decode(found["values"]), "<f4").reshape(found["rows"], found["columns"])
    painted = np.full(SIZE[::-1], np.nan, dtype=np.float32)
    for row, (top, bottom) in enumerate(zip(found["y"], found["y"][1:], strict=False)):
        for column, (left, right) in enumerate(zip(found["x"], found["x"][1:], strict=False)):
            painted[top:bottom, left:right] = values[row, column]
    expected = (heatmap.to_pixels() - np.float32(0.2)) / np.float32(0.5)
    np.testing.assert_array_equal(painted, expected)


def test_the_image_is_sent_without_loss_and_boxes_in_its_pixels():
    picture = Picture(film(), boxes=(Box(-5, 2, 20, 90),), truth=(Box(1, 2, 3, 4),))
    data = viewer_data(picture, method="mine", phrase="edema")
    sent = np.asarray(Image.open(io.BytesIO(b64decode(data["image"]))))
    np.testing.assert_array_equal(sent, picture.film.pixels)
    assert data["boxes"] == [(0, 2, 20, 43)]
    assert data["truth"] == [(1, 2, 3, 4)]
    assert data["map"] is None


def test_a_mask_is_sent_as_its_outline():
    inside = np.zeros(SIZE[::-1], dtype=bool)
    inside[10:20, 30:50] = True
    (line,) = viewer_data(Picture(film(), mask=Mask.of(inside)), method="mine", phrase="edema")["outlines"]
    points = np.array(line)
    assert points[:, 0].min() == 30
    assert points[:, 0].max() == 50
    assert points[:, 1].min() == 10
    assert points[:, 1].max() == 20


def test_an_empty_frame_and_a_hidden_image_send_none():
    assert viewer_data(Picture(Film.empty(SIZE, None)), method="mine", phrase="edema")["image"] is None
    hidden = Style(layers=frozenset(Layer) - {Layer.IMAGE})
    assert viewer_data(Picture(film(), hidden), method="mine", phrase="edema")["image"] is None
