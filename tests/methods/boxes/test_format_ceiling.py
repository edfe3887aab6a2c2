"""The control that writes the ground truth in a preset's format and reads it back."""

import numpy as np
import pytest

from groundcxr import Box, Sample, evaluate
from groundcxr.core import GroundCXRError, Mask
from groundcxr.methods.boxes.presets import PRESETS
from groundcxr.methods.loading import build_method


def sample(boxes=(), size=(320, 640), mask=None):
    return Sample("s", "i", None, None, "p", "Edema", tuple(boxes), mask, size)


def read_back(one, **settings):
    (answer,) = build_method("format-ceiling", settings).ground_samples([one])
    return answer.boxes


def test_kosmos2_keeps_whole_cells():
    # 32 cells of 10 x 20 pixels, of which the corners' are named, and read at their centres or outer edges.
    (box,) = read_back(sample([Box(103, 207, 198, 391)]), preset="kosmos2")
    step = np.array([10, 20, 10, 20])
    assert np.all(np.abs(np.array(box.as_tuple()) - (103, 207, 198, 391)) <= step)
    assert all(
        round(2 * value / side, 6) == int(2 * value / side) for value, side in zip(box.as_tuple(), step, strict=True)
    )


def test_maira2_cannot_name_what_its_crop_cuts_off():
    # The crop is of the rows 160 to 480.
    above, across = Box(50, 0, 150, 150), Box(50, 100, 150, 300)
    (box,) = read_back(sample([above, across]), preset="maira2")
    assert box.y0 == pytest.approx(160, abs=3.2)
    assert box.y1 == pytest.approx(300, abs=3.2)


def test_pixels_of_the_models_input_are_the_coarser_the_smaller_that_is():
    true = Box(103.4, 207.7, 198.2, 391.1)
    errors = []
    for settings in ({}, {"max_pixels": "20000"}):
        (box,) = read_back(sample([true]), preset="qwen2_5_vl", **settings)
        errors.append(np.abs(np.array(box.as_tuple()) - true.as_tuple()).max())
    assert errors[0] < 0.6
    assert 0.6 < errors[1] < 4


@pytest.mark.parametrize("preset", sorted(PRESETS))
def test_every_preset_has_a_ceiling(tiny, tmp_path, preset):
    build = build_method("format-ceiling", {"preset": preset})
    result = evaluate(build, tiny, out=tmp_path)
    assert result.info.method.control
    assert preset in result.info.method.note
    assert result.info.n_failed == 0
    assert 0.5 < result.info.overall.micro["box_iou"].value <= 1


def test_several_boxes_masks_and_nothing():
    two = [Box(10, 20, 100, 200), Box(200, 300, 300, 500)]
    assert len(read_back(sample(two), preset="qwen3_vl")) == 2
    pixels = np.zeros((640, 320), dtype=bool)
    pixels[20:200, 10:100] = pixels[300:500, 200:300] = True
    assert read_back(sample(mask=Mask.of(pixels)), preset="qwen3_vl") == read_back(sample(two), preset="qwen3_vl")
    for name in PRESETS:
        assert read_back(sample(), preset=name) == ()


def test_a_format_of_the_users_own(tmp_path, monkeypatch):
    (tmp_path / "mine.toml").write_text('prompt = "{phrase}"\ngrammar = "bbox_2d"\norder = "xy"\nunit = 10\n')
    (box,) = read_back(sample([Box(32, 64, 160, 320)]), preset=str(tmp_path / "mine.toml"))
    assert box.as_tuple() == pytest.approx((32, 64, 160, 320))


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({}, "preset=NAME: qwen2_vl"),
        ({"preset": "kosmos"}, "kosmos2"),
        ({"preset": "qwen3_vl", "max_pixels": "0"}, "1"),
    ],
)
def test_what_does_not_fit(settings, said):
    with pytest.raises(GroundCXRError, match=said):
        build_method("format-ceiling", settings)
