"""Image files of every kind that chest X-rays come in, against values worked out by hand."""

import io
from pathlib import Path

import numpy as np
import pydicom
import pytest
from PIL import Image
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import DigitalXRayImageStorageForPresentation, ExplicitVRLittleEndian, JPEGBaseline8Bit, generate_uid

from groundcxr.core import ImageError, Radiograph, read_header


def write_dicom(path: Path, stored, *, bits=12, signed=False, photometric="MONOCHROME2", jpeg=None, **elements) -> Path:
    """A DICOM file whose pixels are `stored`, or a JPEG stream of them."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = DigitalXRayImageStorageForPresentation
    meta.MediaStorageSOPInstanceUID = generate_uid()
    meta.TransferSyntaxUID = JPEGBaseline8Bit if jpeg else ExplicitVRLittleEndian
    file = FileDataset(str(path), {}, file_meta=meta, preamble=b"\0" * 128)
    file.SOPClassUID, file.SOPInstanceUID = meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID
    stored = np.asarray(stored)
    file.Rows, file.Columns = stored.shape[:2]
    file.SamplesPerPixel = 1 if stored.ndim == 2 else stored.shape[2]
    if stored.ndim == 3:
        file.PlanarConfiguration = 0
    file.PhotometricInterpretation = photometric
    file.BitsStored, file.HighBit = bits, bits - 1
    file.BitsAllocated = 8 if bits <= 8 else 16
    file.PixelRepresentation = int(signed)
    if jpeg:
        file.PixelData = encapsulate([jpeg])
    else:
        kind = {(8, False): "u1", (16, False): "<u2", (16, True): "<i2"}[file.BitsAllocated, signed]
        file.PixelData = stored.astype(kind).tobytes()
    for name, value in elements.items():
        setattr(file, name, value)
    file.save_as(path, enforce_file_format=True)
    return path


def look_up_table(entries, bits, first=0):
    item = pydicom.Dataset()
    item.add_new("LUTDescriptor", "US", [len(entries), first, bits])
    item.add_new("LUTData", "US", list(entries))
    return [item]


@pytest.fixture
def grey8():
    return np.random.default_rng(0).integers(0, 256, (30, 40)).astype(np.uint8)


def test_png_8_bit_is_taken_as_it_is(tmp_path, grey8):
    Image.fromarray(grey8).save(tmp_path / "a.png")
    image = Radiograph.open(tmp_path / "a.png")
    assert image.size == read_header(tmp_path / "a.png").size == (40, 30)
    np.testing.assert_array_equal(image.pixels, grey8)
    np.testing.assert_array_equal(image.as_uint8(), grey8)
    np.testing.assert_allclose(image.as_unit_float(), grey8 / 255, atol=1e-7)
    assert image.as_pil().mode == "L"
    with pytest.raises(ValueError, match="read-only"):
        image.pixels[0, 0] = 1
    image.as_uint8()[:] = 0  # what a method does with what it was given is seen by no other phrase
    np.testing.assert_array_equal(image.as_uint8(), grey8)


def test_png_16_bit_keeps_its_depth_and_is_shown_between_its_percentiles(tmp_path):
    # 1,000 values 20000..20999: the percentiles 0.5 and 99.5 lie at 20004.995 and 20994.005 (linear interpolation).
    wide = (20000 + np.arange(1000)).reshape(25, 40).astype(np.uint16)
    Image.fromarray(wide).save(tmp_path / "a.png")
    image = Radiograph.open(tmp_path / "a.png")
    assert image.bits == 16
    np.testing.assert_array_equal(image.pixels, wide)
    low, high = 20000 + 0.005 * 999, 20000 + 0.995 * 999
    assert image.display_range == pytest.approx((low, high))
    expected = np.clip((wide - low) / (high - low), 0, 1)
    np.testing.assert_allclose(image.as_unit_float(), expected, atol=1e-5)
    np.testing.assert_allclose(image.as_uint8(), np.rint(expected * 255), atol=1)


def test_png_of_one_value_is_black_not_nan(tmp_path):
    Image.fromarray(np.full((4, 5), 3000, np.uint16)).save(tmp_path / "a.png")
    assert not Radiograph.open(tmp_path / "a.png").as_unit_float().any()


def test_rgb_png_becomes_grey_by_luma(tmp_path):
    rgb = np.random.default_rng(1).integers(0, 256, (6, 7, 3)).astype(np.uint8)
    Image.fromarray(rgb).save(tmp_path / "a.png")
    luma = rgb @ np.array([0.299, 0.587, 0.114])  # ITU-R 601
    np.testing.assert_allclose(Radiograph.open(tmp_path / "a.png").pixels, luma, atol=1)


def test_equal_channels_give_exactly_the_grey_image(tmp_path, grey8):
    Image.fromarray(np.stack([grey8] * 3, -1)).save(tmp_path / "a.png")
    np.testing.assert_array_equal(Radiograph.open(tmp_path / "a.png").pixels, grey8)


def test_jpeg(tmp_path):
    smooth = np.add.outer(np.arange(64), np.arange(80)).astype(np.uint8)
    Image.fromarray(smooth).save(tmp_path / "a.jpg", quality=95)
    image = Radiograph.open(tmp_path / "a.jpg")
    assert image.size == (80, 64)
    np.testing.assert_allclose(image.pixels, smooth, atol=3)


def test_the_digest_is_that_of_the_bytes(tmp_path, grey8):
    import hashlib

    Image.fromarray(grey8).save(tmp_path / "a.png")
    assert Radiograph.open(tmp_path / "a.png").sha256 == hashlib.sha256((tmp_path / "a.png").read_bytes()).hexdigest()


def test_dicom_12_bits_with_a_window(tmp_path):
    stored = np.array([[0, 1000, 1500], [2000, 3000, 4095]])
    path = write_dicom(tmp_path / "a.dcm", stored, WindowCenter=2000, WindowWidth=2001)
    image = Radiograph.open(path)
    # PS3.3 C.11.2.1.2: ((x - (c - .5)) / (w - 1) + .5) * 4095, 0 at x <= 999.5, 4095 above 2999.5.
    expected = np.clip(((stored - 1999.5) / 2000 + 0.5) * 4095, 0, 4095)
    assert (image.bits, image.windowed, image.size) == (12, True, (3, 2))
    assert read_header(path).size == (3, 2)
    np.testing.assert_array_equal(image.pixels, np.rint(expected))
    np.testing.assert_allclose(image.as_unit_float(), expected / 4095, atol=2e-4)
    assert image.as_uint8().tolist() == [[0, 0, 64], [128, 255, 255]]


def test_of_several_windows_the_first_counts(tmp_path):
    stored = np.array([[0, 1000, 1500, 4095]])
    one = write_dicom(tmp_path / "one.dcm", stored, WindowCenter=2000, WindowWidth=2001)
    two = write_dicom(tmp_path / "two.dcm", stored, WindowCenter=[2000, 500], WindowWidth=[2001, 100])
    np.testing.assert_array_equal(Radiograph.open(one).pixels, Radiograph.open(two).pixels)


def test_dicom_monochrome1_is_inverted(tmp_path):
    stored = np.array([[0, 1000, 4095]])
    path = write_dicom(tmp_path / "a.dcm", stored, photometric="MONOCHROME1")
    assert Radiograph.open(path).pixels.tolist() == [[4095, 3095, 0]]


def test_dicom_monochrome1_with_a_window(tmp_path):
    stored = np.array([[0, 1000, 1500, 2000, 3000, 4095]])
    window = {"WindowCenter": 2000, "WindowWidth": 2001}
    plain = Radiograph.open(write_dicom(tmp_path / "a.dcm", stored, **window)).pixels.astype(int)
    inverse = Radiograph.open(write_dicom(tmp_path / "b.dcm", stored, photometric="MONOCHROME1", **window)).pixels
    np.testing.assert_allclose(inverse, 4095 - plain, atol=1)


def test_dicom_without_a_window_uses_percentiles(tmp_path):
    stored = (1000 + np.arange(1000)).reshape(20, 50)
    image = Radiograph.open(write_dicom(tmp_path / "a.dcm", stored))
    np.testing.assert_array_equal(image.pixels, stored)
    assert image.display_range == pytest.approx((1000 + 0.005 * 999, 1000 + 0.995 * 999))


def test_dicom_8_bits_is_shown_as_it_is(tmp_path, grey8):
    image = Radiograph.open(write_dicom(tmp_path / "a.dcm", grey8, bits=8))
    assert image.pixels.dtype == np.uint8
    np.testing.assert_array_equal(image.as_uint8(), grey8)
    np.testing.assert_allclose(image.as_unit_float(), grey8 / 255, atol=1e-7)


def test_dicom_signed_pixels(tmp_path):
    stored = np.array([[-2048, -1, 0, 2047]])
    image = Radiograph.open(write_dicom(tmp_path / "a.dcm", stored, signed=True))
    assert image.pixels.tolist() == [[0, 2047, 2048, 4095]]


def test_dicom_signed_pixels_with_a_window(tmp_path):
    stored = np.array([[-2048, -500, 0, 500, 2047]])
    image = Radiograph.open(write_dicom(tmp_path / "a.dcm", stored, signed=True, WindowCenter=0, WindowWidth=2001))
    expected = np.clip(((stored + 0.5) / 2000 + 0.5) * 4095, 0, 4095)
    np.testing.assert_allclose(image.pixels, expected, atol=1)


@pytest.mark.parametrize(("slope", "intercept"), [(1, -1024), (2, 0), (0.5, 100)])
def test_dicom_windows_are_in_rescaled_units(tmp_path, slope, intercept):
    stored = np.array([[0, 1000, 1500, 2000, 3000, 4095]])
    centre, width = 2000 * slope + intercept, 2000 * slope
    path = write_dicom(
        tmp_path / "a.dcm",
        stored,
        RescaleSlope=slope,
        RescaleIntercept=intercept,
        WindowCenter=centre,
        WindowWidth=width,
        VOILUTFunction="LINEAR_EXACT",
    )
    expected = np.clip((stored - 1000) / 2000, 0, 1) * 4095
    np.testing.assert_allclose(Radiograph.open(path).pixels, expected, atol=1)


@pytest.mark.parametrize(("slope", "intercept"), [(1, -1024), (0.001, 7)])
def test_dicom_rescaling_without_a_window_loses_nothing(tmp_path, slope, intercept):
    stored = np.array([[0, 1000, 1001, 4095]])
    path = write_dicom(tmp_path / "a.dcm", stored, RescaleSlope=slope, RescaleIntercept=intercept)
    assert Radiograph.open(path).pixels.tolist() == stored.tolist()


def test_dicom_negative_slope_turns_dark_into_bright(tmp_path):
    path = write_dicom(tmp_path / "a.dcm", [[0, 1000, 4095]], RescaleSlope=-1, RescaleIntercept=4095)
    assert Radiograph.open(path).pixels.tolist() == [[4095, 3095, 0]]


def test_dicom_look_up_table_of_8_bit_entries(tmp_path):
    path = write_dicom(
        tmp_path / "a.dcm",
        [[0, 16, 1600, 4095]],
        VOILUTSequence=look_up_table([i // 16 for i in range(4096)], 8),
        WindowCenter=10,  # the table goes before the window
        WindowWidth=5,
    )
    image = Radiograph.open(path)
    assert image.as_uint8().tolist() == [[0, 1, 100, 255]]


def test_dicom_look_up_table_that_starts_late(tmp_path):
    path = write_dicom(
        tmp_path / "a.dcm", [[0, 1000, 1001, 1002, 4000]], VOILUTSequence=look_up_table([0, 300, 4095], 12, first=1000)
    )
    assert Radiograph.open(path).pixels.tolist() == [[0, 0, 300, 4095, 4095]]


def test_dicom_with_half_a_window_is_read_without_it(tmp_path):
    stored = np.array([[0, 1000, 4095]])
    image = Radiograph.open(write_dicom(tmp_path / "a.dcm", stored, WindowCenter=2000))
    assert image.pixels.tolist() == stored.tolist()
    assert not image.windowed


def test_dicom_with_jpeg_pixels(tmp_path):
    smooth = np.add.outer(np.arange(64), np.arange(80)).astype(np.uint8)
    stream = io.BytesIO()
    Image.fromarray(smooth).save(stream, "JPEG", quality=95)
    path = write_dicom(tmp_path / "a.dcm", smooth, bits=8, jpeg=stream.getvalue())
    np.testing.assert_allclose(Radiograph.open(path).pixels, smooth, atol=3)


def test_dicom_is_known_by_its_content_and_by_its_suffix(tmp_path):
    stored = np.array([[0, 1000, 4095]])
    path = write_dicom(tmp_path / "a.dcm", stored)
    named_otherwise = tmp_path / "image_without_suffix"
    named_otherwise.write_bytes(path.read_bytes())
    headless = tmp_path / "headless.dicom"
    headless.write_bytes(path.read_bytes()[132:])  # neither preamble nor magic
    for file in (named_otherwise, headless):
        assert read_header(file).size == (3, 1)
        assert Radiograph.open(file).pixels.tolist() == stored.tolist()


def damaged_files(folder: Path) -> dict[str, Path]:
    noise = np.random.default_rng(2).integers(0, 256, (200, 200)).astype(np.uint8)
    Image.fromarray(noise).save(folder / "whole.jpg")
    whole = (folder / "whole.jpg").read_bytes()
    dicom = write_dicom(folder / "whole.dcm", noise, bits=8).read_bytes()
    contents = {
        "truncated.jpg": whole[: len(whole) // 2],
        "truncated.dcm": dicom[: len(dicom) // 2],
        "empty.jpg": b"",
        "empty.dcm": b"",
        "page.jpg": b"\n<!DOCTYPE html><html><body>Please log in</body></html>",
        "page.dcm": b"<html><body>Please log in</body></html>",
        "text.png": b"no image at all",
        "text.dcm": b"no image at all",
    }
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    return {name: folder / name for name in [*contents, "missing.jpg", "missing.dcm"]}


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("truncated.jpg", "truncated"),
        ("truncated.dcm", "get the file again"),
        ("empty.jpg", "the file is empty"),
        ("empty.dcm", "the file is empty"),
        ("page.jpg", "web page"),
        ("page.dcm", "web page"),
        ("text.png", "not a PNG, JPEG or DICOM image"),
        ("text.dcm", "not a PNG, JPEG or DICOM image"),
        ("missing.jpg", "there is no image file"),
        ("missing.dcm", "there is no image file"),
    ],
)
def test_a_bad_file_is_named_in_one_sentence_with_its_reason(tmp_path, name, reason):
    path = damaged_files(tmp_path)[name]
    with pytest.raises(ImageError, match=reason) as caught:
        Radiograph.open(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert " at 0x" not in str(caught.value)
    if not name.startswith("truncated"):  # its header is whole
        with pytest.raises(ImageError, match=reason):
            read_header(path)


def test_a_folder_is_no_image(tmp_path):
    for read in (Radiograph.open, read_header):
        with pytest.raises(ImageError, match=str(tmp_path)):
            read(tmp_path)


def test_from_array_keeps_its_own_copy():
    array = np.zeros((2, 3), np.uint16)
    image = Radiograph.from_array(array)
    array[:] = 9
    assert not image.pixels.any()
    assert image.size == (3, 2)
    with pytest.raises(ImageError, match=r"\[H, W\]"):
        Radiograph.from_array(np.zeros((2, 3), np.float32))  # type: ignore[arg-type]


def test_repr_is_one_short_line():
    text = repr(Radiograph.from_array(np.zeros((200, 200), np.uint8), "film"))
    assert "film" in text
    assert len(text) < 200
    assert "\n" not in text
