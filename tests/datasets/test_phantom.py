"""The phantom as a data set: what its samples, boxes, masks and splits promise."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import find_objects, label

from groundcxr.core import Radiograph
from groundcxr.datasets import load_dataset

DATA = Path(__file__).parents[1] / "data" / "phantom"
FINGERPRINT = "15ad8c927800e45bc1e264398a64fbdf66655f552f8a5f97bd125f97632a9204"

MS_CXR = {
    "Atelectasis",
    "Cardiomegaly",
    "Consolidation",
    "Edema",
    "Lung Opacity",
    "Pleural Effusion",
    "Pneumonia",
    "Pneumothorax",
}


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return tmp_path_factory.mktemp("phantom")


@pytest.fixture(scope="module")
def samples(root):
    """100 images in the default size."""
    return load_dataset("phantom", root, "test", images=100)


@pytest.fixture(scope="module")
def many(root):
    """400 small images, for figures that need numbers."""
    return load_dataset("phantom", root, "train", images=400, size=64)


def boxes_of(sample):
    return [tuple(int(edge) for edge in box.as_tuple()) for box in sample.boxes]


def test_it_is_described_and_is_not_confidential(samples):
    assert samples.name == "phantom"
    assert not samples.credentialed
    assert set(samples.pathologies) == MS_CXR == {sample.pathology for sample in samples}
    assert samples.options == {"seed": 0, "size": 256, "images": 100}
    assert samples.split == "test"
    assert len({sample.sample_id for sample in samples}) == len(samples)


def test_images_are_8_bit_grey_files_of_the_stated_size(samples):
    image = Radiograph.open(samples[0].image_path)
    assert image.pixels.dtype == np.uint8
    assert image.size == samples[0].image_size == (256, 256)
    # A radiograph uses the whole range of greys.
    assert np.percentile(image.pixels, 2) < 60
    assert np.percentile(image.pixels, 98) > 180


def test_boxes_are_whole_pixels_inside_the_image_and_tight_around_each_connected_region(samples):
    apart = 0
    for sample in samples:
        mask = sample.mask.load()
        assert mask.shape == (256, 256)
        assert all(box.inside(sample.image_size) and box.area > 0 for box in sample.boxes)
        assert all(edge == int(edge) for box in sample.boxes for edge in box.as_tuple())
        pieces, count = label(mask, np.ones((3, 3)))
        found = {(x.start, y.start, x.stop, y.stop) for y, x in find_objects(pieces)}
        if count == len(sample.boxes):
            assert set(boxes_of(sample)) == found
            apart += 1
        else:  # two regions that touch
            assert count < len(sample.boxes)
            x0, y0, x1, y1 = zip(*boxes_of(sample), strict=True)
            (rows, columns) = find_objects(mask.astype(int))[0]
            assert (min(x0), min(y0), max(x1), max(y1)) == (columns.start, rows.start, columns.stop, rows.stop)
    assert apart > 0.97 * len(samples)


def test_findings_show_where_the_mask_is(root):
    # The same body with and without its finding differs inside the mask, not beside it.
    from dataclasses import replace

    from groundcxr.datasets.phantom.parameters import DEFAULT
    from groundcxr.datasets.phantom.render import render
    from groundcxr.datasets.phantom.scene import plan_scene

    seen = set()
    for index in range(40):
        scene = plan_scene(DEFAULT, 0, "train", index)
        names = {region.pathology for region in scene.regions}
        if len(names) > 1 or names == {"Cardiomegaly"}:
            continue
        image, masks = render(scene, 128, DEFAULT)
        plain, _ = render(replace(scene, regions=()), 128, DEFAULT)
        change = np.abs(image.astype(int) - plain)
        mask = np.logical_or.reduce(masks)
        assert change[mask].mean() > 6 * change[~mask].mean()
        assert change[mask].mean() > 8
        seen |= names
    assert len(seen) >= 4


def test_the_same_seed_gives_the_same_data_everywhere(tmp_path, samples):
    again = load_dataset("phantom", tmp_path, "test", images=12)
    assert again.fingerprint() == samples.fingerprint(samples[: len(again)])
    for one, other in zip(again, samples, strict=False):
        assert one.image_path != other.image_path
        assert one.image_path.read_bytes() == other.image_path.read_bytes()
        assert (one.mask.load() == other.mask.load()).all()


def test_seeds_and_splits_differ(root):
    prints = {
        load_dataset("phantom", root, split, images=3, size=64, seed=seed).fingerprint()
        for split, seed in (("test", 0), ("test", 1), ("val", 0), ("train", 0))
    }
    assert len(prints) == 4


def test_first_16_test_images_are_those_of_this_version(samples):
    # A change of the generator changes the data set: then raise VERSION, and this value with it.
    images = list(dict.fromkeys(sample.image_id for sample in samples))[:16]
    assert samples.version == "1.0"
    first = [sample for sample in samples if sample.image_id in images]
    assert samples.fingerprint(first) == FINGERPRINT


@pytest.mark.parametrize("index", [0, 1])
def test_drawings_are_those_of_this_version(root, index):
    small = load_dataset("phantom", root, "test", images=2, size=64)
    path = list(dict.fromkeys(sample.image_path for sample in small))[index]
    with Image.open(path) as drawn, Image.open(DATA / f"test-{index}.png") as kept:
        difference = np.abs(np.asarray(drawn).astype(int) - np.asarray(kept))
    assert difference.max() <= 1  # another processor may round a grey value the other way


def test_a_larger_size_shows_the_same_scene(root, samples):
    large = load_dataset("phantom", root, "test", images=8, size=512)
    for one, other in zip(large, samples, strict=False):
        assert (one.phrase, one.sample_id, one.side, one.zone) == (
            other.phrase,
            other.sample_id,
            other.side,
            other.zone,
        )
        assert np.allclose(boxes_of(one), 2 * np.array(boxes_of(other)), atol=4)
    with Image.open(large[0].image_path) as big, Image.open(samples[0].image_path) as normal:
        halved = np.asarray(big.reduce(2)).astype(float)
        assert np.abs(halved - np.asarray(normal)).mean() < 8


def test_the_first_images_do_not_depend_on_how_many_are_asked_for(root, many):
    few = load_dataset("phantom", root, "train", images=3, size=64)
    assert few.fingerprint() == many.fingerprint(many[: len(few)])
    assert len({sample.image_id for sample in few}) == 3


@pytest.mark.parametrize("split", ["train", "val", "test"])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_any_first_40_samples_hold_every_finding(root, split, seed):
    some = load_dataset("phantom", root, split, images=20, size=64, seed=seed)
    assert {sample.pathology for sample in some[:40]} == MS_CXR


def test_samples_of_one_image_follow_one_another(many):
    order = [sample.image_id for sample in many]
    runs = [name for k, name in enumerate(order) if k == 0 or order[k - 1] != name]
    assert len(runs) == len(set(runs)) == 400


def test_a_fifth_of_the_patients_has_two_images_and_none_is_in_two_splits(root, many):
    images = {sample.image_id: sample.patient_id for sample in many}
    count = Counter(Counter(images.values()).values())
    assert count[2] / (count[1] + count[2]) == pytest.approx(0.2, abs=0.01)
    assert set(count) == {1, 2}
    other = load_dataset("phantom", root, "val", images=20, size=64)
    assert not {sample.patient_id for sample in other} & set(images.values())


def test_most_images_show_more_than_one_thing(many):
    regions, findings = Counter(), {}
    for sample in many:
        regions[sample.image_id] += len(sample.boxes)
        findings.setdefault(sample.image_id, set()).add(sample.pathology)
    assert np.mean([count > 1 for count in regions.values()]) > 0.75
    assert {len(names) for names in findings.values()} == {1, 2, 3}


def test_all_takes_every_split(root):
    everything = load_dataset("phantom", root, "all", images=4, size=64)
    assert [
        len({s.image_id for s in everything if f"-{name}-" in s.image_id}) for name in ("train", "val", "test")
    ] == [4] * 3


def test_controls_are_fitted_on_other_patients(root, samples):
    val = load_dataset("phantom", root, "val", images=6, size=64)
    train = val.training_samples()
    assert {sample.image_id.split("-")[1] for sample in train} == {"train"}
    assert not {sample.patient_id for sample in train} & {sample.patient_id for sample in val}
    assert load_dataset("phantom", root, "train", images=6, size=64).training_samples() is None


def test_the_patients_left_is_on_the_right_of_the_image(many):
    right_half = {"left": [], "right": []}
    for sample in many:
        if sample.side in right_half:
            right_half[sample.side] += [(box.x0 + box.x1) / 2 > 32 for box in sample.boxes]
    assert np.mean(right_half["left"]) > 0.97
    assert np.mean(right_half["right"]) < 0.03


def test_zones_are_from_top_to_bottom_and_the_heart_has_none(many):
    height = {
        zone: np.mean([(box.y0 + box.y1) / 128 for s in many if s.zone == zone for box in s.boxes])
        for zone in ("upper", "mid", "lower")
    }
    assert height["upper"] + 0.1 < height["mid"] < height["lower"] - 0.1
    assert {(s.side, s.zone) for s in many if s.pathology == "Cardiomegaly"} == {(None, None)}
    assert {s.side for s in many if s.pathology != "Cardiomegaly"} == {"left", "right", "bilateral"}
    assert all(len(s.boxes) > 1 for s in many if s.side == "bilateral")


# Median width and height, mean vertical centre and mean distance from the midline of ChestX-ray14's boxes (Effusion,
# Infiltrate for lung opacity), boxes per image of ChestX-Det; parts of the image's side.
PUBLISHED = {
    "Atelectasis": (0.167, 0.115, 0.568, 0.195, 1.14),
    "Cardiomegaly": (0.466, 0.373, 0.569, 0.075, 1.0),
    "Lung Opacity": (0.222, 0.259, 0.525, 0.159, 1.59),
    "Pleural Effusion": (0.203, 0.271, 0.561, 0.266, 1.47),
    "Pneumonia": (0.223, 0.269, 0.556, 0.175, None),
    "Pneumothorax": (0.197, 0.201, 0.325, 0.21, 1.12),
}


@pytest.mark.parametrize("pathology", PUBLISHED)
def test_boxes_are_like_published_ones(many, pathology):
    width, height, centre, off, per_image = PUBLISHED[pathology]
    found = [sample for sample in many if sample.pathology == pathology]
    x0, y0, x1, y1 = np.array([box.as_tuple() for sample in found for box in sample.boxes]).T / 64
    assert np.median(x1 - x0) == pytest.approx(width, abs=0.06)
    assert np.median(y1 - y0) == pytest.approx(height, abs=0.07)
    assert np.mean(y0 + y1) / 2 == pytest.approx(centre, abs=0.08)
    assert np.mean(np.abs((x0 + x1) / 2 - 0.5)) == pytest.approx(off, abs=0.07)
    if per_image is not None:
        assert len(x0) / len({sample.image_id for sample in found}) == pytest.approx(per_image, abs=0.2)
