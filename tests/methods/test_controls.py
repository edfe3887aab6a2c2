"""The controls: what they answer, and that they know nothing they should not."""

import numpy as np
import pytest

from groundcxr import Box, Query, Radiograph, Sample, evaluate
from groundcxr.methods.loading import build_method


@pytest.fixture
def image():
    return Radiograph.from_array(np.arange(200 * 100, dtype=np.uint16).reshape(100, 200))


def test_random_depends_on_image_and_phrase_alone(image):
    method = build_method("random")
    first, second, again = (a.heatmap.values for a in method.ground(image, ["a", "b", "a"]))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, second)
    other = Radiograph.from_array(image.pixels + 1)
    assert not np.array_equal(first, method.ground(other, ["a"])[0].heatmap.values)
    assert first.shape == (32, 32)


def test_center_prior_is_highest_in_the_middle(image):
    (answer,) = build_method("center-prior").ground(image, ["a"])
    pixels = answer.heatmap.to_pixels()
    assert pixels.shape == (100, 200)
    # Half a side from the centre is two standard deviations: exp(-2) of the peak at an edge's middle.
    peak, edge = pixels[50, 100], pixels[50, 0]
    assert peak == pixels.max()
    assert edge / peak == pytest.approx(np.exp(-2), rel=0.15)
    np.testing.assert_allclose(answer.heatmap.values, answer.heatmap.values[::-1, ::-1], rtol=1e-6)


def test_whole_image_is_one_box(image):
    (answer,) = build_method("whole-image").ground(image, ["a"])
    assert answer.boxes == (Box(0, 0, 200, 100),)


def test_oracle_reaches_the_upper_end(tiny, tmp_path):
    result = evaluate("oracle", tiny, out=tmp_path)
    assert result.info.method.control
    for metric in ("miou", "auroc", "ap", "pointing", "energy", "iou_oracle", "box_iou", "acc50"):
        assert result.info.overall.macro[metric].value == pytest.approx(1), metric


def sample(number, pathology, boxes, patient=None, size=(100, 100)):
    return Sample(f"s{number}", f"i{number}", patient, None, "p", pathology, boxes, None, size)


def test_class_mean_box_averages_held_out_boxes():
    method = build_method("class-mean-box")
    reference = [
        sample(0, "Edema", (Box(0, 0, 50, 50),)),
        # Two boxes count as one region; fractions of a 200 x 100 image.
        sample(1, "Edema", (Box(100, 50, 150, 100), Box(150, 50, 200, 100)), size=(200, 100)),
        sample(2, "Pneumonia", (Box(10, 10, 20, 20),)),
        sample(3, "Edema", ()),
    ]
    method.fit(reference, held_out=True)
    edema, unseen = method.ground_samples([sample(9, "Edema", ()), sample(10, "Atelectasis", ())])
    # Corners: mean of (0, 0, .5, .5) and (.5, .5, 1, 1).
    assert edema.boxes == (Box(25, 25, 75, 75),)
    pixels = edema.heatmap.to_pixels()
    assert pixels[10, 10] == pixels[90, 90] == 0.5
    assert pixels[10, 90] == 0
    assert unseen.heatmap is None
    assert "train split" in method.note


def test_class_mean_box_leaves_the_patient_out():
    method = build_method("class-mean-box")
    samples = [
        sample(0, "Edema", (Box(0, 0, 50, 50),), "a"),
        sample(1, "Edema", (Box(0, 0, 50, 50),), "a"),
        sample(2, "Edema", (Box(50, 50, 100, 100),), "b"),
    ]
    method.fit(samples, held_out=False)
    first, _, last = method.ground_samples(samples)
    assert first.boxes == (Box(50, 50, 100, 100),)
    assert last.boxes == (Box(0, 0, 50, 50),)
    assert "patient out" in method.note


def test_a_query_holds_no_ground_truth():
    assert set(Query.__slots__) == {"image", "phrase", "pathology"}
