"""Damaged DICOM, PNG and JPEG files: a picture or an ImageError, never another error, a hang or a full memory."""

import io
import logging
import struct
import warnings
import zlib
from pathlib import Path

import numpy as np
import pydicom
import pytest
from PIL import Image
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    RLELossless,
)

from groundcxr.core import ImageError, Radiograph, read_header

NAMES = ("image", "image.dcm", "image.png", "image.jpg")


def dicom(syntax: str, frame: bytes = b"", **elements) -> bytes:
    """A DICOM file of 12 x 16 pixels with every element that the reader looks at."""
    stored = np.random.default_rng(0).integers(0, 4096, (12, 16)).astype("<u2")
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = "1.2.840.10008.5.1.4.1.1.1", "1.2.3"
    meta.TransferSyntaxUID = syntax
    uid = UID(syntax)
    file = FileDataset("", {}, b"\0" * 128, meta, uid.is_implicit_VR, uid.is_little_endian)
    file.SOPClassUID = meta.MediaStorageSOPClassUID
    file.Rows, file.Columns, file.SamplesPerPixel, file.PixelRepresentation = 12, 16, 1, 0
    file.BitsAllocated, file.BitsStored, file.HighBit, file.NumberOfFrames = 16, 12, 11, 1
    file.PhotometricInterpretation, file.PresentationLUTShape = "MONOCHROME2", "IDENTITY"
    file.WindowCenter, file.WindowWidth, file.VOILUTFunction = [2000, 1000], [2001, 500], "LINEAR"
    file.RescaleSlope, file.RescaleIntercept = 1, -1024
    file.add_new("PixelPaddingValue", "US", 5)
    file.add_new("PixelPaddingRangeLimit", "US", 9)
    file.PixelData = encapsulate([frame]) if frame else stored.tobytes()
    file["PixelData"].VR = "OB" if frame else "OW"
    for name, value in elements.items():
        if value is None:
            delattr(file, name)
        else:
            setattr(file, name, value)
    stream = io.BytesIO()
    file.save_as(stream, enforce_file_format=True)
    return stream.getvalue()


def raster(image: Image.Image, kind: str, **options) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def wide_png(chunk, colour: int, channels: int) -> bytes:
    rows = b"".join(b"\x01" + bytes(range(16 * 2 * channels))[: 16 * 2 * channels] for _ in range(12))
    header = struct.pack(">IIBBBBB", 16, 12, 16, colour, 0, 0, 0)
    parts = (chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


@pytest.fixture(scope="module")
def whole_files(mutations) -> list[bytes]:
    rng = np.random.default_rng(1)
    grey = Image.fromarray(rng.integers(0, 256, (12, 16)).astype(np.uint8))
    colours = Image.fromarray(rng.integers(0, 256, (12, 16, 3)).astype(np.uint8))
    wide = Image.fromarray(rng.integers(0, 4096, (12, 16)).astype(np.uint16))
    table = pydicom.Dataset()
    table.add_new("LUTDescriptor", "US", [256, 0, 8])
    table.add_new("LUTData", "US", list(range(256)))
    exif = Image.Exif()
    exif[0x0112] = 6
    rle = struct.pack("<16I", 2, 64, 64 + 194, *[0] * 13) + (b"\x7f" + bytes(128) + b"\x3f" + bytes(64)) * 2
    rgb = {"SamplesPerPixel": 3, "BitsAllocated": 8, "BitsStored": 8, "HighBit": 7, "PlanarConfiguration": 0}
    palette = {
        f"{colour}PaletteColorLookupTable{part}": value
        for colour in ("Red", "Green", "Blue")
        for part, value in (("Descriptor", [256, 0, 16]), ("Data", bytes(range(256)) * 2))
    }
    floats = {"PixelData": None, "FloatPixelData": rng.random((12, 16)).astype("<f4").tobytes(), "BitsAllocated": 32}
    return [
        dicom(ExplicitVRLittleEndian),
        dicom(ImplicitVRLittleEndian)[132:],
        dicom(ExplicitVRBigEndian),
        dicom(DeflatedExplicitVRLittleEndian),
        dicom(RLELossless, rle),
        dicom(JPEG2000Lossless, raster(wide, "JPEG2000", irreversible=False, no_jp2=True)),
        dicom(JPEGBaseline8Bit, raster(grey, "JPEG"), BitsAllocated=8, BitsStored=8, HighBit=7),
        dicom(ExplicitVRLittleEndian, PhotometricInterpretation="RGB", PixelData=colours.tobytes(), **rgb),
        dicom(ExplicitVRLittleEndian, PhotometricInterpretation="YBR_FULL_422", PixelData=bytes(12 * 16 * 2), **rgb),
        dicom(ExplicitVRLittleEndian, VOILUTSequence=[table], ModalityLUTSequence=[table]),
        dicom(ExplicitVRLittleEndian, PhotometricInterpretation="PALETTE COLOR", BitsStored=8, HighBit=7, **palette),
        dicom(ExplicitVRLittleEndian, **floats),
        raster(grey, "PNG"),
        raster(wide, "PNG"),
        raster(colours.convert("RGBA"), "PNG"),
        raster(colours.quantize(16), "PNG", bits=4, transparency=3),
        wide_png(mutations.chunk, 4, 2),
        wide_png(mutations.chunk, 6, 4),
        raster(grey, "JPEG", exif=exif),
        raster(colours, "JPEG", progressive=True),
        raster(colours.convert("CMYK"), "JPEG"),
    ]


@pytest.fixture
def read(tmp_path, answered, monkeypatch):
    """Whether a file of these bytes, under one of several names, is a picture that a method can use."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(logging.getLogger("pydicom"), "disabled", True)
    warnings.simplefilter("ignore")

    def read(content, rng=None) -> bool:
        path = Path(rng.choice(NAMES) if rng else "image")
        path.write_bytes(content)
        answered(lambda: read_header(path), ImageError)
        return answered(lambda: check(path), ImageError)

    return read


def check(path: Path) -> None:
    image = Radiograph.open(path)
    unit = image.as_unit_float()
    assert image.pixels.dtype in (np.uint8, np.uint16)
    assert unit.shape == image.pixels.shape == image.size[::-1]
    assert np.isfinite(unit).all()
    assert unit.min() >= 0
    assert unit.max() <= 1


def test_damaged_images_are_read_or_refused(fuzz, mutations, whole_files, read):
    assert all(read(whole) for whole in whole_files)  # which also loads all that is needed
    went_well = fuzz("images", lambda rng: read(mutations.mangled(rng.choice(whole_files), rng), rng))
    assert any(went_well)
    assert not all(went_well)


def test_dicom_with_damaged_elements_is_read_or_refused(fuzz, mutations, whole_files, read):
    explicit = [whole for whole in whole_files if whole[128:132] == b"DICM" and mutations.elements_of(whole)]
    assert all(read(whole) for whole in whole_files)
    went_well = fuzz("dicom", lambda rng: read(mutations.relabelled(rng.choice(explicit), rng), rng))
    assert any(went_well)
    assert not all(went_well)
