"""What alterations make of images, phrases and ground truth, each off its default too."""

import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from groundcxr.core import Box, GroundCXRError, Mask, Radiograph, Sample
from groundcxr.core.alterations import KINDS, Alteration
from groundcxr.core.altered_phrases import names_one_side, swap_sides, with_full_stop, with_synonyms, written_out
from groundcxr.core.wordings import ABBREVIATIONS, SYNONYMS

RNG = np.random.default_rng(0)


def film(kind: str) -> Radiograph:
    """A portrait of a kind of file: 8 bits, 16 bits shown by percentiles, or 12 bits of a DICOM file with padding."""
    values = RNG.integers(0, 4096, (61, 43), dtype=np.uint16)
    if kind == "8":
        return Radiograph.from_array((values >> 4).astype(np.uint8))
    if kind == "16":
        return Radiograph.from_array(values + 9000)
    padding = np.zeros(values.shape, dtype=bool)
    padding[:, :5] = True
    values[padding] = 0
    return replace(Radiograph.from_array(values), windowed=True, bits=12, padding=padding)


KINDS_OF_FILES = ("8", "16", "12")


@pytest.mark.parametrize("kind", KINDS_OF_FILES)
@pytest.mark.parametrize(
    ("text", "formula"),
    [
        ("brightness:-0.3", lambda unit: unit - 0.3),
        ("brightness", lambda unit: unit + 0.2),
        ("contrast:1.7", lambda unit: (unit - 0.5) * 1.7 + 0.5),
    ],
)
def test_grey_values_change_as_they_are_shown_whatever_the_file(kind, text, formula):
    image = film(kind)
    altered = Alteration.condition(text).image(image)
    inside = np.ones(image.pixels.shape, dtype=bool) if image.padding is None else ~image.padding
    expected = np.clip(formula(image.as_unit_float().astype(np.float64)), 0, 1)
    step = 1 / (2**altered.bits - 1)
    np.testing.assert_allclose(altered.as_unit_float()[inside], expected[inside], atol=0.51 * step + 1e-6)
    assert altered.pixels.dtype == image.pixels.dtype
    assert not altered.pixels.flags.writeable
    if image.padding is not None:
        assert not altered.pixels[image.padding].any()
        assert altered.padding is not None


@pytest.mark.parametrize("kind", KINDS_OF_FILES)
def test_noise_is_of_the_image_and_the_level_alone(kind):
    image = replace(film(kind), sha256="a" * 64)
    again, other = (Alteration.condition("noise:0.02").image(replace(image, sha256=key * 64)) for key in "ab")
    once = Alteration.condition("noise:0.02").image(image)
    np.testing.assert_array_equal(once.pixels, again.pixels)
    assert (once.pixels != other.pixels).mean() > 0.3
    unit = image.as_unit_float()
    middle = (unit > 0.2) & (unit < 0.8)
    drawn = (once.as_unit_float() - unit)[middle]
    assert drawn.std() == pytest.approx(0.02, rel=0.1)
    assert abs(drawn.mean()) < 0.003


def test_a_blur_is_scaled_with_the_image_and_keeps_its_mass():
    """A point becomes a Gaussian; its standard deviation, measured, is the share of the shorter side."""
    pixels = np.zeros((301, 201), dtype=np.uint16)
    pixels[150, 100] = 65535
    image = replace(Radiograph.from_array(pixels), windowed=True)
    spread = Alteration.condition("blur:0.02").image(image).as_unit_float().astype(np.float64)
    columns = spread.sum(axis=0) / spread.sum()
    places = np.arange(201)
    assert (columns * places).sum() == pytest.approx(100, abs=0.01)
    assert np.sqrt((columns * (places - 100) ** 2).sum()) == pytest.approx(0.02 * 201, rel=0.02)


@pytest.mark.parametrize("kind", KINDS_OF_FILES)
def test_a_jpeg_is_that_of_the_8_bit_view(kind):
    image = film(kind)
    for quality in (7, 80):
        buffer = io.BytesIO()
        Image.fromarray(image.as_uint8()).save(buffer, format="JPEG", quality=quality)
        expected = np.array(Image.open(buffer))
        if image.padding is not None:
            expected[image.padding] = 0
        altered = Alteration.condition(f"jpeg:{quality}").image(image)
        np.testing.assert_array_equal(altered.as_uint8(), expected)


@pytest.mark.parametrize(("width", "height"), [(43, 61), (60, 40), (1, 1), (2, 3)])
@pytest.mark.parametrize("name", ["half-resolution", "crop:0.11", "mirrored"])
def test_boxes_masks_and_pixels_stay_together(name, width, height):
    """The pixels of a box, painted into an image and a mask, are those of the altered box where edges are even."""
    alteration = Alteration(name) if name == "mirrored" else Alteration.condition(name)
    box = Box(2 * (width // 6), 2 * (height // 5), 2 * (width // 3), 2 * (height // 3))
    pixels = np.zeros((height, width), dtype=np.uint8)
    (x0, x1), (y0, y1) = box.columns(width), box.rows(height)
    pixels[y0:y1, x0:x1] = 255
    sample = Sample("s", "i", None, None, "left", "Edema", (box,), None, (width, height))
    masked = replace(sample, boxes=(), mask=Mask.of(pixels))
    altered, image = alteration.sample(sample), alteration.image(Radiograph.from_array(pixels))
    assert image.size == altered.image_size == alteration.size((width, height))
    mask = alteration.sample(masked).mask
    assert mask.load().shape == image.pixels.shape
    np.testing.assert_array_equal(mask.load(), image.pixels > 127)
    painted = np.zeros_like(image.pixels)
    for moved in altered.boxes:
        (x0, x1), (y0, y1) = moved.columns(image.size[0]), moved.rows(image.size[1])
        painted[y0:y1, x0:x1] = 255
    np.testing.assert_array_equal(painted, image.pixels)
    assert altered.sample_id == "s"
    assert mask.key != masked.mask.key


def test_a_crop_clips_boxes_and_drops_those_outside():
    boxes = (Box(0, 0, 30, 30), Box(0, 0, 9, 90), Box(50, 50, 100, 60))
    sample = Sample("s", "i", None, None, "p", "Edema", boxes, None, (100, 200))
    altered = Alteration.condition("crop:0.1").sample(sample)
    assert altered.image_size == (80, 160)
    assert altered.boxes == (Box(0, 0, 20, 10), Box(40, 30, 80, 40))


def test_a_mask_does_not_take_the_place_of_boxes_that_a_crop_has_cut_off():
    mask = Mask.of(np.ones((200, 100), dtype=bool))
    crop = Alteration.condition("crop:0.1")
    for boxes, kept in (((Box(0, 0, 9, 90),), False), ((Box(0, 0, 9, 90), Box(50, 50, 60, 60)), True), ((), True)):
        altered = crop.sample(Sample("s", "i", None, None, "p", "Edema", boxes, mask, (100, 200)))
        assert (altered.mask is not None) == kept
        assert bool(altered.boxes) == (kept and bool(boxes))


def test_half_the_resolution_is_the_mean_of_four_pixels():
    pixels = np.array([[0, 4, 9], [4, 8, 11], [100, 102, 7]], dtype=np.uint16)
    altered = Alteration("half-resolution").image(Radiograph.from_array(pixels))
    np.testing.assert_array_equal(altered.pixels, [[4, 10], [101, 7]])
    assert altered.pixels.dtype == np.uint16
    assert not altered.windowed


def test_mirrored_twice_is_the_image_itself():
    mirrored, image = Alteration("mirrored"), film("12")
    twice = mirrored.image(mirrored.image(image))
    np.testing.assert_array_equal(twice.pixels, image.pixels)
    np.testing.assert_array_equal(twice.padding, image.padding)
    assert swap_sides(swap_sides("Left base, RUL and R > L")) == "Left base, RUL and R > L"


def test_a_key_is_of_file_name_level_and_version(monkeypatch):
    sha256, other = "a" * 64, "b" * 64
    one = Alteration.condition("noise:0.1")
    keys = {one.key(sha256), one.key(other)}
    keys |= {Alteration.condition(text).key(sha256) for text in ("noise", "blur:0.1")}
    assert len(keys | {sha256}) == 5
    assert one.image(replace(film("8"), sha256=sha256)).sha256 == one.key(sha256)
    assert Alteration.condition("noise:0.10") == one
    assert Alteration.condition("synonyms").key(sha256) == sha256
    before = one.key(sha256)
    monkeypatch.setitem(KINDS, "noise", replace(KINDS["noise"], version="next"))
    assert one.key(sha256) != before


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("nois", "did you mean 'noise'"),
        ("crop:5", "0.001 to 0.4"),
        ("blur:nan", "not 'nan'"),
        ("jpeg:30.5", "a whole number"),
        ("noise:", "without one it is 0.05"),
        ("lower-case:1", "has no level"),
        ("mirrored", "--method mirrored --set mirrored.method=NAME"),
    ],
)
def test_what_is_no_condition_is_told(text, said):
    with pytest.raises(GroundCXRError, match=said.replace(".", r"\.")):
        Alteration.condition(text)


@pytest.mark.parametrize(
    ("phrase", "swapped", "one_side"),
    [
        ("Small left apical pneumothorax", "Small right apical pneumothorax", True),
        ("right-sided effusion", "left-sided effusion", True),
        ("LEFT BASE", "RIGHT BASE", True),
        ("RLL consolidation, Lt. effusion", "LLL consolidation, Rt. effusion", False),
        ("effusions, R > L", "effusions, L > R", False),
        ("RML opacity", "LML opacity", True),
        ("L base opacity", "R base opacity", True),
        ("bilateral effusions, larger on the left", "bilateral effusions, larger on the right", False),
        ("bright opacity after RT at L1", "bright opacity after RT at L1", False),
        ("derrame pleural izquierdo", "derrame pleural derecho", True),
        ("cardiomegaly", "cardiomegaly", False),
    ],
)
def test_sides_are_swapped_as_they_are_spelt(phrase, swapped, one_side):
    assert swap_sides(phrase) == swapped
    assert names_one_side(phrase) is one_side


@pytest.mark.parametrize(
    ("change", "phrase", "expected"),
    [
        (written_out, "c/w PNA in the rt. lower lobe", "consistent with pneumonia in the right lower lobe"),
        (written_out, "opacity w/o ptx.", "opacity without pneumothorax."),
        (written_out, "w/effusion", "with effusion"),
        (written_out, "Bilat effusions after RT", "Bilateral effusions after RT"),
        (written_out, "ASDF, pictb", "ASDF, pictb"),
        (with_synonyms, "Small left pleural effusion", "Minor left pleural fluid"),
        (with_synonyms, "bilateral effusions and pneumothoraces", None),
        (with_synonyms, "the heart is large", "the heart is sizeable"),
        (with_synonyms, "enlarged", "enlarged"),
        (with_full_stop, "left effusion ", "left effusion."),
        (with_full_stop, "left effusion.", "left effusion."),
        (with_full_stop, "left effusion;", "left effusion."),
    ],
)
def test_phrases_are_worded_otherwise(change, phrase, expected):
    if expected is None:
        expected = f"bilateral {SYNONYMS['effusions']} and {SYNONYMS['pneumothoraces']}"
    assert change(phrase) == expected


@pytest.mark.parametrize(("table", "change"), [(ABBREVIATIONS, written_out), (SYNONYMS, with_synonyms)])
def test_every_entry_is_found_and_changes_no_side(table, change):
    for term, word in table.items():
        assert change(f"there is {term} today") == f"there is {word} today"
        assert swap_sides(change(term)) == change(swap_sides(term))
