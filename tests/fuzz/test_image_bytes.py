"""Damaged DICOM, PNG and JPEG bytes: a picture or an ImageError, never another error, a hang or a full memory.

The inputs follow from their numbers alone. GROUNDCXR_FUZZ=50 tries fifty times as many.
"""

import faulthandler
import io
import os
import struct
import subprocess
import sys
import tempfile
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

COUNT = 300 * int(os.environ.get("GROUNDCXR_FUZZ", "1"))
MEMORY = 2 * 2**30  # bytes beyond what the process has when it starts
HANG = 60  # seconds after which one input ends the process


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="memory in use is read from Linux's /proc")
def test_damaged_images_are_read_or_refused(tmp_path):
    done = subprocess.run(
        [sys.executable, __file__, str(COUNT)], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    assert done.stdout.endswith(f"{COUNT} inputs\n")


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


def chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def wide_png(colour: int, channels: int) -> bytes:
    rows = b"".join(b"\x01" + bytes(range(16 * 2 * channels))[: 16 * 2 * channels] for _ in range(12))
    header = struct.pack(">IIBBBBB", 16, 12, 16, colour, 0, 0, 0)
    parts = (chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def whole_files() -> list[bytes]:
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
        wide_png(4, 2),
        wide_png(6, 4),
        raster(grey, "JPEG", exif=exif),
        raster(colours, "JPEG", progressive=True),
        raster(colours.convert("CMYK"), "JPEG"),
    ]


def damaged(whole: bytes, rng: np.random.Generator) -> bytes:
    """A file with one to four defects, most of them before the pixels."""
    data = bytearray(whole)
    end = len(data) if rng.random() < 0.3 else min(len(data), 800)
    for _ in range(rng.integers(1, 5)):
        place = int(rng.integers(0, max(1, min(end, len(data)))))
        match int(rng.integers(0, 7)):
            case 0:
                data[place : place + 1] = bytes([int(rng.integers(0, 256))])
            case 1:
                data[place : place + 1] = bytes([data[place] ^ (1 << int(rng.integers(0, 8)))]) if data else b""
            case 2:
                extreme = (0, 1, 2**15, 2**16 - 1, 2**31 - 1, 2**32 - 1)[int(rng.integers(0, 6))]
                data[place : place + 4] = extreme.to_bytes(4, "little" if rng.random() < 0.5 else "big")
            case 3:
                data[place : place + 2] = rng.bytes(2)
            case 4:
                del data[place : place + int(rng.integers(1, 40))]
            case 5:
                data[place:place] = data[place : place + int(rng.integers(1, 60))]
            case 6 if rng.random() < 0.3:
                del data[place:]
    content = bytes(data)
    return with_right_checksums(content) if content.startswith(b"\x89PNG") and rng.random() < 0.7 else content


def with_right_checksums(data: bytes) -> bytes:
    """A PNG whose defects lie behind its checksums."""
    result, place = data[:8], 8
    while place + 12 <= len(data):
        (length,) = struct.unpack(">I", data[place : place + 4])
        if place + 12 + length > len(data):
            break
        result += chunk(data[place + 4 : place + 8], data[place + 8 : place + 8 + length])
        place += 12 + length
    return result + data[place:]


def main(count: int) -> None:
    """Read damaged files; the first that is neither read nor refused ends the process with its number."""
    import resource  # POSIX's

    from groundcxr.core import ImageError, read_header

    warnings.simplefilter("ignore")
    files = whole_files()
    path = Path(tempfile.mkdtemp(dir=Path.cwd())) / "image"
    for whole in files:  # undamaged ones are read, which also loads all that is needed
        path.write_bytes(whole)
        check(path)
    in_use = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (in_use + MEMORY, in_use + MEMORY))
    for number in range(count):
        path.write_bytes(damaged(files[number % len(files)], np.random.default_rng(number)))
        faulthandler.dump_traceback_later(HANG, exit=True)
        for step in (read_header, check):
            try:
                step(path)
            except ImageError as error:
                if "not enough memory" in str(error) or "\n" in str(error):
                    raise AssertionError(f"input {number} to {step.__name__}") from error
            except BaseException as error:
                error.add_note(f"input {number} to {step.__name__}")
                raise
    faulthandler.cancel_dump_traceback_later()
    sys.stdout.write(f"{count} inputs\n")


def check(path: Path) -> None:
    """A picture that a method can use, or an ImageError."""
    from groundcxr.core import Radiograph

    image = Radiograph.open(path)
    unit = image.as_unit_float()
    assert image.pixels.dtype in (np.uint8, np.uint16)
    assert unit.shape == image.pixels.shape == image.size[::-1]
    assert np.isfinite(unit).all()
    assert unit.min() >= 0
    assert unit.max() <= 1


if __name__ == "__main__":
    main(int(sys.argv[1]))
