"""Which grey a DICOM file's stored values are shown in: padding, windows, rescaling, inversion. By hand from PS3.3."""

import numpy as np
import pydicom
import pytest

from groundcxr.core import Radiograph

STORED = np.array([[0, 1000, 1500, 2000, 3000, 4095]])
RAMP = (1000 + np.arange(1000)).reshape(20, 50)


@pytest.mark.parametrize("width", ["0", "-2001", "0.5", "nan", "inf", ["0", "0.99"]])
def test_a_window_that_is_not_valid_says_nothing(tmp_path, dicom, width):
    centre = ["2000", "2000"] if isinstance(width, list) else "2000"
    image = Radiograph.open(dicom.write(tmp_path / "a.dcm", RAMP, WindowCenter=centre, WindowWidth=width))
    plain = Radiograph.open(dicom.write(tmp_path / "b.dcm", RAMP))
    assert (image.windowed, image.display_range) == (False, plain.display_range)
    np.testing.assert_array_equal(image.as_unit_float(), plain.as_unit_float())
    assert len(image.notes) == 1
    assert "windows that are not valid" in image.notes[0]
    assert not plain.notes


def test_a_centre_that_is_no_number_says_nothing(tmp_path, dicom):
    image = Radiograph.open(dicom.write(tmp_path / "a.dcm", RAMP, WindowCenter="nan", WindowWidth="2000"))
    assert not image.windowed
    assert image.notes


def test_of_several_windows_the_first_valid_one_counts(tmp_path, dicom):
    several = {"WindowCenter": ["500", "2000", "100"], "WindowWidth": ["0", "2001", "50"]}
    image = Radiograph.open(dicom.write(tmp_path / "a.dcm", STORED, **several))
    expected = np.clip((STORED - 1999.5) / 2000 + 0.5, 0, 1)
    np.testing.assert_allclose(image.as_unit_float(), expected, atol=1e-4 * 1.3)
    assert image.windowed
    assert not image.notes


@pytest.mark.parametrize(
    ("function", "width", "shown"),
    [
        ("LINEAR", 2001, lambda x: (x - 1999.5) / 2000 + 0.5),  # C.11.2.1.2.1
        ("LINEAR", 1, lambda x: np.where(x <= 1999.5, 0, 1)),
        ("LINEAR_EXACT", 2000, lambda x: (x - 2000) / 2000 + 0.5),  # C.11.2.1.3.2
        ("LINEAR_EXACT", 0.5, lambda x: (x - 2000) / 0.5 + 0.5),
        ("SIGMOID", 2000, lambda x: 1 / (1 + np.exp(-4 * (x - 2000) / 2000))),  # C.11.2.1.3.1
        ("SIGMOID", 0.5, lambda x: 1 / (1 + np.exp(-4 * (np.clip(x, 1990, 2010) - 2000) / 0.5))),
    ],
)
def test_each_window_function(tmp_path, dicom, function, width, shown):
    path = dicom.write(tmp_path / "a.dcm", STORED, WindowCenter=2000, WindowWidth=width, VOILUTFunction=function)
    np.testing.assert_allclose(Radiograph.open(path).as_unit_float(), np.clip(shown(STORED), 0, 1), atol=1.3e-4)


@pytest.mark.parametrize("slope", ["0", "nan"])
def test_a_slope_that_is_not_valid_takes_its_window_with_it(tmp_path, dicom, slope):
    elements = {"RescaleSlope": slope, "RescaleIntercept": "-1024", "WindowCenter": 40, "WindowWidth": 400}
    image = Radiograph.open(dicom.write(tmp_path / "a.dcm", RAMP, **elements))
    np.testing.assert_array_equal(image.pixels, RAMP)
    assert not image.windowed
    assert "Rescale Slope" in image.notes[0]


def framed(inside, frame) -> np.ndarray:
    """A picture within a frame of four columns on either side."""
    return np.pad(inside, ((0, 0), (4, 4)), constant_values=frame)


@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
@pytest.mark.parametrize(("signed", "offset", "padding"), [(False, 0, 0), (False, 0, 4095), (True, -1500, -2048)])
def test_padding_is_shown_black_and_does_not_count(tmp_path, dicom, photometric, signed, offset, padding):
    inside = RAMP + offset
    elements = dicom.data_set(framed(inside, padding), signed=signed, photometric=photometric)
    elements.add_new("PixelPaddingValue", "SS" if signed else "US", padding)
    image = Radiograph.open(dicom.save(tmp_path / "a.dcm", elements))
    unit = np.clip((inside - (inside.min() + 0.005 * 999)) / (0.99 * 999), 0, 1)  # percentiles 0.5 and 99.5 of 1,000
    unit = framed(1 - unit if photometric == "MONOCHROME1" else unit, 0)
    np.testing.assert_allclose(image.as_unit_float(), unit, atol=1e-4)
    np.testing.assert_array_equal(image.padding, framed(np.zeros(RAMP.shape, bool), True))
    assert not image.padding.flags.writeable


@pytest.mark.parametrize("limits", [(0, 10), (10, 0)])
def test_padding_may_be_a_range(tmp_path, dicom, limits):
    stored = framed(RAMP, 10)
    stored[:, :2], stored[:, -2:] = 0, 7
    elements = dicom.data_set(stored)
    elements.add_new("PixelPaddingValue", "US", limits[0])
    elements.add_new("PixelPaddingRangeLimit", "US", limits[1])
    image = Radiograph.open(dicom.save(tmp_path / "a.dcm", elements))
    np.testing.assert_array_equal(image.padding, stored <= 10)


def test_padding_is_a_stored_value_whatever_it_is_rescaled_to(tmp_path, dicom):
    elements = dicom.data_set(framed(RAMP, 5), RescaleSlope="2", RescaleIntercept="-1024")
    elements.add_new("PixelPaddingValue", "US", 5)
    image = Radiograph.open(dicom.save(tmp_path / "a.dcm", elements))
    np.testing.assert_array_equal(image.padding, framed(np.zeros(RAMP.shape, bool), True))


def test_padding_that_needs_more_than_the_stored_bits_is_the_whole_word(tmp_path, dicom):
    elements = dicom.data_set(framed(RAMP, 63536))  # -2000 in 16 bits; 2096 in the 12 that are stored
    elements.add_new("PixelPaddingValue", "SS", -2000)
    image = Radiograph.open(dicom.save(tmp_path / "a.dcm", elements))
    np.testing.assert_array_equal(image.padding, framed(np.zeros(RAMP.shape, bool), True))


def test_padding_does_not_hide_that_the_rest_is_blank(tmp_path, dicom):
    elements = dicom.data_set(framed(np.full((4, 6), 700), 0))
    elements.add_new("PixelPaddingValue", "US", 0)
    image = Radiograph.open(dicom.save(tmp_path / "a.dcm", elements))
    assert image.is_blank
    assert not image.as_unit_float().any()


def test_padding_alone_is_black(tmp_path, dicom):
    elements = dicom.data_set(np.full((4, 6), 700))
    elements.add_new("PixelPaddingValue", "US", 700)
    image = Radiograph.open(dicom.save(tmp_path / "a.dcm", elements))
    assert image.is_blank
    assert not image.as_uint8().any()


@pytest.mark.parametrize(
    ("photometric", "shape", "contradicts"),
    [
        ("MONOCHROME2", "IDENTITY", False),
        ("MONOCHROME2", "INVERSE", True),
        ("MONOCHROME1", "INVERSE", False),
        ("MONOCHROME1", "IDENTITY", True),
    ],
)
def test_the_photometric_interpretation_says_what_is_inverted(tmp_path, dicom, photometric, shape, contradicts):
    path = dicom.write(tmp_path / "a.dcm", STORED, photometric=photometric, PresentationLUTShape=shape)
    image = Radiograph.open(path)
    np.testing.assert_array_equal(image.pixels, 4095 - STORED if photometric == "MONOCHROME1" else STORED)
    assert bool(image.notes) == contradicts


def table(entries, bits, first=0, *, packed=False):
    item = pydicom.Dataset()
    item.add_new("LUTDescriptor", "SS" if first < 0 else "US", [len(entries), first, bits])
    item.add_new("LUTData", "OW", np.asarray(entries, dtype="u1" if packed else "<u2").tobytes())
    return [item]


@pytest.mark.parametrize("packed", [False, True])
def test_tables_of_words_and_of_bytes(tmp_path, dicom, packed):
    entries = np.arange(4096) // 16
    path = dicom.write(tmp_path / "a.dcm", STORED, VOILUTSequence=table(entries, 8, packed=packed))
    np.testing.assert_allclose(Radiograph.open(path).as_unit_float(), (STORED // 16) / 255, atol=1e-4 * 1.3)


@pytest.mark.parametrize("first", [-2048, 65536 - 2048])  # written as SS, and as US
def test_a_modality_table_of_negative_values(tmp_path, dicom, first):
    stored = np.array([[-2048, -1, 0, 1, 2047]])
    elements = dicom.data_set(stored, signed=True, ModalityLUTSequence=table(np.arange(4096), 12, first))
    image = Radiograph.open(dicom.save(tmp_path / "a.dcm", elements))
    np.testing.assert_array_equal(image.pixels, stored + 2048)


@pytest.mark.parametrize("bits", [8, 12])
def test_a_modality_table_of_wider_entries_keeps_each_of_them(tmp_path, dicom, bits):
    stored = np.arange(2**bits).reshape(-1, 16)
    entries = np.arange(2**bits) * 3 + 5  # of 16 bits, of which few are filled
    elements = dicom.data_set(stored, bits=bits, ModalityLUTSequence=table(entries, 16))
    image = Radiograph.open(dicom.save(tmp_path / "a.dcm", elements))
    np.testing.assert_array_equal(image.pixels, stored * 3 + 5)
    low, high = np.percentile(stored, [0.5, 99.5])
    np.testing.assert_allclose(image.as_unit_float(), np.clip((stored - low) / (high - low), 0, 1), atol=1e-6)
