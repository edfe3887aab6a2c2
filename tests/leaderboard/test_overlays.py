"""Pictures against painting pixel by pixel, and the live IoU against the protocols' own metric."""

import io
import os
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from groundcxr.core import Box, Grounding, Heatmap, ImageError, Mask, Sample
from groundcxr.leaderboard.film import Film
from groundcxr.leaderboard.overlays import EMPTY, METHOD, TRUTH, Layer, Picture, Style, colours, live_iou
from groundcxr.metrics import get_protocol

SIZE = (60, 40)


def sample_of(*boxes: Box, mask=None) -> Sample:
    return Sample("id", "image", None, None, "phrase", "Edema", boxes, mask, SIZE)


def test_what_is_no_image_file_is_said_and_not_waited_for(tmp_path):
    from groundcxr.leaderboard.views.pictures import truth

    os.mkfifo(tmp_path / "pipe.png")
    for name, said in (
        ("pipe.png", "it is a named pipe"),
        ("nowhere.png", "there is no image file"),
        (".", "a folder"),
    ):
        drawn = truth(replace(sample_of(Box(1, 1, 5, 5)), image_path=tmp_path / name))
        assert said in drawn.remark
        assert drawn.image is not None


def shown(picture: Picture) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(picture.jpeg())).convert("RGB")).astype(int)


def close(pixels: np.ndarray, colour: tuple[int, int, int]) -> np.ndarray:
    # JPEG moves colours a little.
    return (np.abs(pixels - np.array(colour)) < 40).all(axis=-1)


@pytest.mark.parametrize("name", ["v1", "vilouras2024"])
@pytest.mark.parametrize("extent", [Box(0, 0, 60, 40), Box(10, 5, 50, 35)])
def test_the_mean_over_the_protocols_thresholds_is_its_miou(name, extent):
    rng = np.random.default_rng(3)
    protocol = get_protocol(name)
    sample = sample_of(Box(2, 2, 30, 25), Box(25, 15, 45, 30))
    for kind in ("contrastive", "other"):
        answer = Grounding(Heatmap((rng.random((7, 9)) * 1.2 - 0.2).astype(np.float32), extent, SIZE))
        prepared = protocol.prepare(answer, kind)
        expected = protocol.score(prepared, protocol.target(sample, prepared))["miou"].value
        ious = [live_iou(protocol, kind, answer, sample, threshold) for threshold in (0.1, 0.2, 0.3, 0.4, 0.5)]
        assert np.mean(ious) == pytest.approx(expected, abs=1e-12)
        assert len(set(ious)) > 1


def test_there_is_no_live_iou_without_a_map_or_a_target():
    protocol = get_protocol("v1")
    answer = Grounding(Heatmap.whole(np.eye(4), SIZE))
    assert live_iou(protocol, "other", Grounding(boxes=(Box(0, 0, 5, 5),)), sample_of(Box(0, 0, 9, 9)), 0.5) is None
    assert live_iou(protocol, "other", answer, sample_of(), 0.5) is None
    assert (
        live_iou(protocol, "other", Grounding(Heatmap.whole(np.ones((4, 4)), SIZE)), sample_of(Box(0, 0, 9, 9)), 0) == 0
    )


def test_a_map_is_blended_where_the_method_looked_and_nowhere_else():
    heatmap = Heatmap(np.array([[0.0, 1.0]], dtype=np.float32), Box(20, 0, 60, 40), SIZE)
    film = Film(np.full((40, 60), 100, dtype=np.uint8), SIZE, SIZE, "sha")
    pixels = shown(Picture(film, Style(opacity=0.5, threshold=1.0), heatmap, (0.0, 1.0)))
    assert close(pixels[5:35, 2:17], (100, 100, 100)).all()
    for columns, level in ((slice(24, 36), 0), (slice(44, 56), 255)):
        expected = tuple(int(value) for value in 0.5 * 100 + 0.5 * colours()[level])
        assert close(pixels[5:35, columns], expected).all()


def test_the_contour_runs_around_what_is_above_the_threshold():
    values = np.zeros((4, 6), dtype=np.float32)
    values[1:3, 2:4] = 0.6
    values[0, 0] = 1.0
    film = Film(np.zeros((400, 600), dtype=np.uint8), (600, 400), (600, 400), "sha")

    def lines(threshold: float) -> np.ndarray:
        heatmap = Heatmap.whole(values, (600, 400))
        return close(shown(Picture(film, Style(0.0, threshold), heatmap, (0.0, 1.0))), METHOD)

    low, high = lines(0.5), lines(0.7)
    # The edges of the cells [1:3, 2:4] are at 200 and 400 across, at 100 and 300 down; the line is dashed.
    for edge in (low[110:290, 198:202].any(axis=1), low[98:102, 210:390].any(axis=0)):
        assert 0.35 < edge.mean() < 0.9
    assert not low[110:290, 210:390].any()
    assert not high[110:290, 198:202].any()
    assert high[10:90, 97:102].any()


def test_boxes_and_masks_are_outlined_in_their_colours():
    film = Film(np.zeros((400, 600), dtype=np.uint8), (600, 400), (600, 400), "sha")
    pixels = shown(Picture(film, boxes=(Box(300, 50, 500, 150),), truth=(Box(100, 200, 200, 300),)))
    # The method's is dashed, so that grey print tells it from the truth.
    assert 0.35 < close(pixels[49:52, 310:490], METHOD).any(axis=0).mean() < 0.9
    assert close(pixels[210:290, 99:102], TRUTH).any(axis=1).all()
    inside = np.zeros((400, 600), dtype=bool)
    inside[200:300, 100:200] = True
    pixels = shown(Picture(film, mask=Mask.of(inside)))
    assert close(pixels[210:290, 99:102], TRUTH).any(axis=1).all()
    assert close(pixels[210:290, 110:190], (0, 0, 0)).all()


def test_a_box_at_the_pictures_edge_can_be_seen_on_all_sides():
    pixels = shown(
        Picture(
            Film(np.full((200, 200), 255, dtype=np.uint8), (200, 200), (200, 200), "sha"), boxes=(Box(0, 0, 200, 200),)
        )
    )
    dark = close(pixels, (0, 0, 0))
    for side in (dark[:, :6].any(axis=1), dark[:, -6:].any(axis=1), dark[:6].any(axis=0), dark[-6:].any(axis=0)):
        assert side.mean() > 0.95


def test_each_layer_can_be_left_out():
    values = np.zeros((4, 6), dtype=np.float32)
    values[1:3, 2:4] = 1
    film = Film(np.full((400, 600), 120, dtype=np.uint8), (600, 400), (600, 400), "sha")

    def drawn(*layers: Layer) -> np.ndarray:
        style = Style(1.0, 0.5, frozenset(layers))
        boxes = {"boxes": (Box(300, 50, 500, 150),), "truth": (Box(50, 200, 150, 300),)}
        return shown(Picture(film, style, Heatmap.whole(values, (600, 400)), (0.0, 1.0), **boxes))

    assert close(drawn(Layer.IMAGE), (120, 120, 120)).all()
    assert close(drawn(), (EMPTY, EMPTY, EMPTY)).all()
    assert close(drawn(Layer.MAP)[150:250, 210:390], tuple(colours()[255].tolist())).all()
    seen = {layer: (close(drawn(layer), METHOD).any(), close(drawn(layer), TRUTH).any()) for layer in Layer}
    assert seen[Layer.TRUTH] == (False, True)
    assert seen[Layer.CONTOUR] == seen[Layer.BOXES] == (True, False)


def test_a_frame_without_an_image_is_grey_and_of_its_shape():
    film = Film.empty((3000, 2000), 300)
    pixels = shown(Picture(film))
    assert pixels.shape == (200, 300, 3)
    assert close(pixels, (EMPTY, EMPTY, EMPTY)).all()


def test_pictures_have_one_key_for_equal_content_and_another_for_each_change():
    rng = np.random.default_rng(0)
    values = rng.random((4, 4)).astype(np.float32)
    film = Film.empty(SIZE, 120)

    def key(**changes) -> str:
        parts = {"film": film, "style": Style(), "heatmap": Heatmap.whole(values, SIZE), "truth": (Box(0, 0, 9, 9),)}
        return Picture(**{**parts, **changes}).key

    assert key() == key(heatmap=Heatmap.whole(values.copy(), SIZE))
    changed = {
        key(style=Style(opacity=0.4)),
        key(style=Style(threshold=0.4)),
        key(style=Style(layers=frozenset({Layer.IMAGE}))),
        key(heatmap=Heatmap.whole(values + np.float32(0.1), SIZE)),
        key(heatmap=Heatmap(values, Box(0, 0, 30, 40), SIZE)),
        key(scale=(0.0, 2.0)),
        key(truth=()),
        key(boxes=(Box(0, 0, 9, 9),)),
        key(film=Film.empty(SIZE, 60)),
    }
    assert len(changed | {key()}) == 10


def test_an_image_is_shown_smaller_or_as_it_is(tmp_path):
    path = tmp_path / "image.png"
    Image.fromarray(np.arange(2400, dtype=np.uint16).reshape(40, 60) * 20).save(path)
    assert Film.open(path, 30).shown_size == (30, 20)
    whole = Film.open(path, None)
    assert whole.pixels.shape == (40, 60)
    assert whole.pixels.dtype == np.uint8
    path.write_bytes(b"nothing")
    with pytest.raises(ImageError, match="cannot read"):
        Film.open(path, 30)
