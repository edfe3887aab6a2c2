"""How pixels are written in DICOM files: syntaxes, bits, colours, sizes and what may be absent. Values by PS3.5."""

import io
import struct
import zlib
from importlib.util import find_spec

import numpy as np
import pydicom
import pytest
from PIL import Image
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_dataset
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLSLossless,
    RLELossless,
)

from groundcxr.core import ImageError, Radiograph, read_header

STORED = np.array([[0, 1000, 1500], [2000, 3000, 4095]])
COLOURS = np.random.default_rng(5).integers(0, 256, (8, 10, 3)).astype(np.uint8)
GREY = np.array(Image.fromarray(COLOURS).convert("L"))
SYNTAXES = {"implicit": ImplicitVRLittleEndian, "explicit": ExplicitVRLittleEndian, "big endian": ExplicitVRBigEndian}


def body(elements, syntax) -> bytes:
    """A data set's bytes alone, without preamble and meta elements."""
    if syntax == ExplicitVRBigEndian:
        elements.PixelData = np.frombuffer(elements.PixelData, "<u2").byteswap().tobytes()
    file = DicomBytesIO()
    file.is_implicit_VR, file.is_little_endian = syntax.is_implicit_VR, syntax.is_little_endian
    write_dataset(file, elements)
    return file.getvalue()


def refusal(path) -> str:
    with pytest.raises(ImageError) as caught:
        Radiograph.open(path)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("syntax", SYNTAXES)
@pytest.mark.parametrize("start", ["nothing", "preamble", "meta"])
def test_a_file_that_does_not_say_its_syntax_is_read_as_its_elements_are_written(tmp_path, dicom, syntax, start):
    head = b"" if start == "nothing" else b"\0" * 128 + b"DICM"
    if start == "meta":
        head += struct.pack("<HH2sH", 2, 0x10 - 0xE, b"UI", 26) + b"1.2.840.10008.5.1.4.1.1.1\0"  # (0002,0002)
    for name in ("a.dcm", "no suffix"):
        path = tmp_path / name
        path.write_bytes(head + body(dicom.data_set(STORED), SYNTAXES[syntax]))
        assert read_header(path).size == (3, 2)
        np.testing.assert_array_equal(Radiograph.open(path).pixels, STORED)


def test_compressed_pixels_without_a_syntax_are_named_by_what_is_missing(tmp_path, dicom):
    whole = dicom.save(tmp_path / "a.dcm", dicom.data_set(STORED), RLELossless, b"\0" * 64).read_bytes()
    file = pydicom.dcmread(io.BytesIO(whole))
    del file.file_meta.TransferSyntaxUID
    file.save_as(tmp_path / "a.dcm", implicit_vr=False, little_endian=True)
    assert "lacks the element Transfer Syntax UID (0002,0010)" in refusal(tmp_path / "a.dcm")


def encoded(words, syntax) -> bytes:
    """16-bit words as one compressed frame."""
    if syntax == JPEG2000Lossless:
        stream = io.BytesIO()
        Image.fromarray(words.astype(np.uint16)).save(stream, "JPEG2000", irreversible=False, no_jp2=True)
        return stream.getvalue()
    # RLE (PS3.5 G): the high bytes, then the low ones, each as literal runs.
    planes = [words.astype(">u2").view(np.uint8)[:, byte::2] for byte in (0, 1)]
    segments = [b"".join(bytes([len(row) - 1]) + row.tobytes() for row in plane) for plane in planes]
    segments = [segment + b"\0" * (len(segment) % 2) for segment in segments]
    return struct.pack("<16I", 2, 64, 64 + len(segments[0]), *[0] * 13) + b"".join(segments)


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, RLELossless, JPEG2000Lossless])
def test_bits_above_those_stored_are_an_overlay_and_no_grey_value(tmp_path, dicom, syntax):
    grey = np.random.default_rng(6).integers(0, 4096, (32, 40))
    words = grey.copy()
    words[5:10, 5:10] |= 0x8000
    words[12:20] |= 0x1000
    elements = dicom.data_set(words, bits=12)
    frame = b"" if syntax == ExplicitVRLittleEndian else encoded(words, syntax)
    np.testing.assert_array_equal(Radiograph.open(dicom.save(tmp_path / "a.dcm", elements, syntax, frame)).pixels, grey)


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, RLELossless, JPEG2000Lossless])
def test_signed_values_are_those_of_the_stored_bits(tmp_path, dicom, syntax):
    values = np.random.default_rng(7).integers(-2048, 2048, (32, 40))
    words = (values & 0xFFF) | np.where(values % 3 == 0, 0xA000, 0)  # above the sign bit, bit 11, an overlay
    elements = dicom.data_set(words, bits=12, PixelRepresentation=1)
    frame = b"" if syntax == ExplicitVRLittleEndian else encoded(words, syntax)
    image = Radiograph.open(dicom.save(tmp_path / "a.dcm", elements, syntax, frame))
    np.testing.assert_array_equal(image.pixels, values + 2048)


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, RLELossless, JPEG2000Lossless])
def test_a_high_bit_above_the_stored_bits_is_a_shift(tmp_path, dicom, syntax):
    grey = np.random.default_rng(8).integers(0, 4096, (32, 40))
    words = (grey << 4) | 0x5
    elements = dicom.data_set(words, bits=12, HighBit=15)
    frame = b"" if syntax == ExplicitVRLittleEndian else encoded(words, syntax)
    np.testing.assert_array_equal(Radiograph.open(dicom.save(tmp_path / "a.dcm", elements, syntax, frame)).pixels, grey)


def test_packed_bits(tmp_path, dicom):
    bits = np.random.default_rng(9).integers(0, 2, (5, 7))
    packed = np.packbits(bits.ravel(), bitorder="little").tobytes() + b"\0"
    elements = dicom.data_set(bits, bits=1, PixelData=packed[: len(packed) // 2 * 2], BitsAllocated=8)
    elements.BitsAllocated = 1
    image = Radiograph.open(dicom.save(tmp_path / "a.dcm", elements))
    np.testing.assert_array_equal(image.as_uint8(), bits * 255)


@pytest.mark.parametrize("bits", [20, 32])
def test_values_of_more_than_16_bits_keep_their_differences(tmp_path, dicom, bits):
    stored = 100_000 + np.arange(600).reshape(20, 30) * 7
    image = Radiograph.open(dicom.write(tmp_path / "a.dcm", stored, bits=bits))
    assert image.bits == 16
    np.testing.assert_allclose(image.pixels / 65535, (stored - stored.min()) / np.ptp(stored), atol=1e-4)
    windowed = dicom.write(
        tmp_path / "b.dcm", stored, bits=bits, WindowCenter=102000, WindowWidth=2000, VOILUTFunction="LINEAR_EXACT"
    )
    expected = np.clip((stored - 101000) / 2000, 0, 1)
    np.testing.assert_allclose(Radiograph.open(windowed).as_unit_float(), expected, atol=1e-4)


@pytest.mark.parametrize(("word", "kind"), [("FloatPixelData", "<f4"), ("DoubleFloatPixelData", "<f8")])
def test_floating_point_pixels(tmp_path, dicom, word, kind):
    stored = np.linspace(-0.25, 3, 30).reshape(5, 6).astype(kind)
    stored[0, :3] = [np.nan, np.inf, -1e9]
    elements = dicom.data_set(np.zeros((5, 6)), bits=32)
    for absent in ("PixelData", "BitsStored", "HighBit", "PixelRepresentation"):
        delattr(elements, absent)
    elements.BitsAllocated = 8 * stored.dtype.itemsize
    setattr(elements, word, stored.tobytes())
    setattr(elements, word.replace("Data", "PaddingValue"), -1e9)
    image = Radiograph.open(dicom.save(tmp_path / "a.dcm", elements))
    assert image.padding is not None
    assert image.padding.sum() == 3
    low = stored[0, 3]
    expected = np.where(image.padding, 0, (stored - low) / (3 - low))
    np.testing.assert_allclose(image.pixels / 65535, expected, atol=1e-4)


@pytest.mark.parametrize("planar", [0, 1])
def test_rgb_becomes_grey_as_in_a_png(tmp_path, dicom, planar):
    pixels = (COLOURS if planar == 0 else np.moveaxis(COLOURS, -1, 0)).tobytes()
    path = dicom.write(
        tmp_path / "a.dcm", COLOURS, bits=8, photometric="RGB", PlanarConfiguration=planar, PixelData=pixels
    )
    image = Radiograph.open(path)
    np.testing.assert_array_equal(image.pixels, GREY)
    assert (image.bits, image.windowed) == (8, True)


def test_rgb_of_16_bits_becomes_grey_as_in_a_16_bit_png(tmp_path, dicom):
    wide = COLOURS.astype(np.uint16) * 13 + 5
    image = Radiograph.open(dicom.write(tmp_path / "a.dcm", wide, bits=16, photometric="RGB"))
    np.testing.assert_allclose(image.pixels, wide @ [0.299, 0.587, 0.114], atol=0.6)
    assert (image.bits, image.windowed) == (16, False)


def test_ybr_becomes_the_grey_of_its_colours(tmp_path, dicom):
    ybr = np.array(Image.fromarray(COLOURS).convert("YCbCr"))
    full = dicom.write(tmp_path / "a.dcm", ybr, bits=8, photometric="YBR_FULL")
    np.testing.assert_allclose(Radiograph.open(full).pixels, GREY, atol=2)
    smooth = np.repeat(ybr[:, ::2], 2, axis=1)
    pairs = np.stack([smooth[:, ::2, 0], smooth[:, 1::2, 0], smooth[:, ::2, 1], smooth[:, ::2, 2]], -1)
    half = dicom.write(tmp_path / "b.dcm", smooth, bits=8, photometric="YBR_FULL_422", PixelData=pairs.tobytes())
    np.testing.assert_allclose(Radiograph.open(half).pixels, np.repeat(GREY[:, ::2], 2, axis=1), atol=2)


@pytest.mark.parametrize("bits", [8, 16])
def test_a_palette_gives_its_colours(tmp_path, dicom, bits):
    codes = np.arange(80).reshape(8, 10)
    scale = 1 if bits == 8 else 257
    table = COLOURS.reshape(-1, 3).astype("<u2") * scale
    tables = {}
    for channel, colour in enumerate(("Red", "Green", "Blue")):
        tables[f"{colour}PaletteColorLookupTableDescriptor"] = [80, 0, bits]
        entries = table[:, channel]
        tables[f"{colour}PaletteColorLookupTableData"] = entries.astype("u1" if bits == 8 else "<u2").tobytes()
    path = dicom.write(tmp_path / "a.dcm", codes, bits=8, photometric="PALETTE COLOR", **tables)
    image = Radiograph.open(path)
    np.testing.assert_allclose(image.as_unit_float(), GREY / 255, atol=1e-4 if bits == 8 else 0.5 / 255)
    assert image.windowed


def test_jpeg_colours(tmp_path, dicom):
    smooth = np.stack([np.add.outer(np.arange(32), np.arange(40)) * factor % 256 for factor in (1, 2, 3)], -1)
    smooth = (smooth // 2).astype(np.uint8)
    stream = io.BytesIO()
    Image.fromarray(smooth).save(stream, "JPEG", quality=98, subsampling=0)
    elements = dicom.data_set(smooth, bits=8, photometric="YBR_FULL")
    path = dicom.save(tmp_path / "a.dcm", elements, JPEGBaseline8Bit, stream.getvalue())
    expected = np.array(Image.open(stream).convert("L")).astype(int)
    np.testing.assert_allclose(Radiograph.open(path).pixels, expected, atol=2)


@pytest.mark.parametrize("syntax", [JPEGBaseline8Bit, JPEG2000Lossless])
@pytest.mark.parametrize("shape", [(10, 8), (8, 10), (6, 10)], ids=["swapped", "right", "fewer rows"])
def test_a_stream_of_another_size_than_rows_and_columns_is_no_picture_in_their_lines(tmp_path, dicom, syntax, shape):
    stream = io.BytesIO()
    kind, settings = ("JPEG", {}) if syntax == JPEGBaseline8Bit else ("JPEG2000", {"no_jp2": True})
    Image.fromarray(GREY).save(stream, kind, **settings)
    path = dicom.save(tmp_path / "a.dcm", dicom.data_set(np.zeros(shape), bits=8), syntax, stream.getvalue())
    if shape == GREY.shape:
        assert Radiograph.open(path).size == (10, 8)
        return
    said = f"compressed picture is of 10x8 pixels, and its elements Columns and Rows say {shape[1]}x{shape[0]}; correct"
    assert said in refusal(path)


def test_other_colours_are_told_how_to_become_grey(tmp_path, dicom):
    path = dicom.write(tmp_path / "a.dcm", COLOURS, bits=8, photometric="HSV")
    assert refusal(path).endswith("; convert it to one grey channel")


@pytest.mark.skipif(find_spec("pylibjpeg") is not None, reason="the decoder is not absent")
def test_an_absent_decoder_is_named_with_its_reason_and_the_command_that_installs_it(tmp_path, dicom):
    frame = b"\xff\xd8\xff\xc1\0\x0b\x0c\0\x02\0\x03\x01\x01\x11\0" + b"\0" * 40 + b"\xff\xd9"
    message = refusal(dicom.save(tmp_path / "a.dcm", dicom.data_set(STORED, bits=12), JPEGExtended12Bit, frame))
    assert "pillow: Pillow does not support 'JPEG Extended' for samples with 12-bit precision" in message
    assert message.endswith("; install a decoder with `pip install 'pylibjpeg[all]>=2.0'`")
    message = refusal(dicom.save(tmp_path / "a.dcm", dicom.data_set(STORED, bits=12), JPEGLSLossless, frame))
    assert "gdcm - requires" in message
    assert message.endswith("; install a decoder with `pip install 'pylibjpeg[all]>=2.0'`")


def test_a_stream_that_is_cut_off_needs_no_decoder(tmp_path, dicom):
    stream = io.BytesIO()
    Image.fromarray(GREY).resize((200, 200)).save(stream, "JPEG")
    elements = dicom.data_set(np.zeros((200, 200)), bits=8)
    path = dicom.save(tmp_path / "a.dcm", elements, JPEGBaseline8Bit, stream.getvalue()[:-400])
    assert refusal(path).endswith("; get the file again")


def test_several_frames_are_refused_with_a_step(tmp_path, dicom):
    one = dicom.write(tmp_path / "one.dcm", STORED, NumberOfFrames=1)
    np.testing.assert_array_equal(Radiograph.open(one).pixels, STORED)
    two = dicom.write(tmp_path / "two.dcm", STORED, NumberOfFrames=2)
    assert "holds 2 frames, and a radiograph is one; save the frame that was annotated" in refusal(two)


@pytest.mark.parametrize(
    "keyword",
    [
        "Rows",
        "Columns",
        "BitsAllocated",
        "BitsStored",
        "PixelRepresentation",
        "PhotometricInterpretation",
        "SamplesPerPixel",
        "PixelData",
    ],
)
def test_an_element_that_is_missing_is_named(tmp_path, dicom, keyword):
    elements = dicom.data_set(STORED)
    delattr(elements, keyword)
    name = pydicom.datadict.dictionary_description(keyword)
    message = refusal(dicom.save(tmp_path / "a.dcm", elements))
    assert f"it lacks the element {name} (" in message
    assert "again with" in message or "export it again" in message


def test_a_file_without_a_picture_says_what_it_is(tmp_path, dicom):
    report = pydicom.Dataset()
    report.SOPClassUID = "1.2.840.10008.5.1.4.1.1.88.11"
    path = dicom.save(tmp_path / "a.dcm", report)
    assert "a DICOM file of the kind Basic Text SR Storage and holds no picture; leave it out" in refusal(path)
    with pytest.raises(ImageError, match="Basic Text SR Storage"):
        read_header(path)


def deflated(elements, tail=b"") -> bytes:
    meta = struct.pack("<HH2sH", 2, 0x10, b"UI", 22) + DeflatedExplicitVRLittleEndian.encode()
    press = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    content = press.compress(body(elements, ExplicitVRLittleEndian) + tail) + press.flush()
    return b"\0" * 128 + b"DICM" + meta + content


def test_deflated_elements(tmp_path, dicom):
    path = tmp_path / "a.dcm"
    path.write_bytes(deflated(dicom.data_set(STORED)))
    assert read_header(path).size == (3, 2)
    np.testing.assert_array_equal(Radiograph.open(path).pixels, STORED)


@pytest.mark.parametrize("write", [body, lambda elements, syntax: deflated(elements)])
def test_a_picture_that_would_fill_the_memory_is_refused_by_its_elements_alone(tmp_path, dicom, write):
    path = tmp_path / "a.dcm"
    path.write_bytes(write(dicom.data_set(STORED, Rows=30000, Columns=30000), ExplicitVRLittleEndian))
    for read in (Radiograph.open, read_header):
        with pytest.raises(ImageError, match="holds 30000x30000 pixels, more than the 178,956,970 pixels"):
            read(path)


def test_deflated_elements_are_inflated_no_further_than_their_picture_needs(tmp_path, dicom, monkeypatch):
    monkeypatch.setattr("groundcxr.core.dicom._OTHER_BYTES", 2**20)
    path = tmp_path / "a.dcm"
    endless = struct.pack("<HH2sHI", 0x7FE1, 0x10, b"OB", 0, 2**31) + bytes(8 * 2**20)
    path.write_bytes(deflated(dicom.data_set(STORED), endless))
    assert "its deflated elements are larger than its picture" in refusal(path)
