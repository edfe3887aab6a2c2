"""pydicom's own test files: each ends in the right picture, or in one sentence with a step."""

import re
import warnings
from pathlib import Path

import numpy as np
import pydicom
import pytest
from PIL import Image
from pydicom.pixels.processing import apply_modality_lut, apply_voi_lut

from groundcxr.core import ImageError, Radiograph, read_header

FOLDER = Path(pydicom.__file__).parent / "data"
FILES = sorted(
    path
    for path in FOLDER.rglob("*")
    if path.is_file() and path.suffix not in (".py", ".pyc") and path.parent.name != "__pycache__"
)
# Why each of these is no picture of one frame that is decoded here; all others are.
REFUSED = {
    "a DICOM file of the kind|a DICOM file and holds no picture": (
        "DICOMDIR.*|UN_sequence.dcm|ExplVR_.*NoMeta.dcm|chrSQ.*|no_meta_group_length.dcm|priv_SQ.dcm|reportsi.*"
        "|rtplan.*dcm|rtstruct.dcm|test-SR.dcm|waveform_ecg.dcm|empty_charset_LEI.dcm"
        "|fall.dcm|hotiron.dcm|hotmetalblue.dcm|pet.*|spring.dcm|summer.dcm|winter.dcm|IM0.*"
    ),
    "lacks the element": "meta_missing_tsyntax.dcm|nested_priv_SQ.dcm|chr(Jap|Korean)Multi.*.dcm",
    "frames, and a radiograph is one": ".*_2frame.dcm|rtdose.dcm|rtdose_expb.dcm|rtdose_rle.dcm|examples_ybr_color.dcm",
    "Number of Frames": "badVR.dcm",
    "less than expected": "MR_truncated.dcm",
    # Or, where pylibjpeg is installed, a picture or what else helps.
    "install a decoder with `pip install 'pylibjpeg|no program shows it|cut off": (
        "JPEG-lossy.dcm|JPEG2000-embedded-sequence-delimiter.dcm|JPEGLS.*|JPGExtended.dcm|MR_small_jpeg_ls_lossless.dcm"
        "|SC_rgb_jls.*|SC_rgb_jpeg_gdcm.dcm|GDCMJ2K_TextGBR.dcm"
    ),
    "compressed archive": "zipMR.gz",
    # One byte stands before the first element of no_meta.dcm.
    "not a PNG, JPEG or DICOM image": "README.*|.*txt|.*json|.*dump|crayons.icc|no_meta.dcm",
}
STEPS = re.compile(
    "; (leave it out|name the image|export it again|save the frame|get the file again|install a decoder|unpack it"
    "|convert it)"
)


def refused_as(name: str) -> str | None:
    return next((reason for reason, names in REFUSED.items() if re.fullmatch(names, name)), None)


def opened(path: Path) -> Radiograph | ImageError:
    try:
        return Radiograph.open(path)
    except ImageError as error:
        return error


def by_pydicom(path: Path) -> tuple[np.ndarray, float]:
    """The grey values in [0, 1] as pydicom and Pillow give them, before percentiles; and what rounding may change."""
    header = pydicom.dcmread(path, force=True)
    array = pydicom.pixels.pixel_array(header)  # colours in RGB, whatever the file has
    if header.PhotometricInterpretation == "PALETTE COLOR":
        array = pydicom.pixels.apply_color_lut(array, header)
    if array.ndim == 3:
        bytes_ = (array >> (8 * (array.dtype.itemsize - 1))).astype(np.uint8)
        return np.array(Image.fromarray(bytes_).convert("L")) / 255, 1.5 / 255
    values = apply_voi_lut(apply_modality_lut(array, header), header).astype(float)
    if header.BitsStored > 16:
        return (values - values.min()) / np.ptp(values), 1e-5
    low = -(2 ** (header.BitsStored - 1)) if header.PixelRepresentation else 0
    slope, intercept = (header.get(word) for word in ("RescaleSlope", "RescaleIntercept"))
    if slope is None or intercept is None:
        slope, intercept = 1, 0
    high = low + 2**header.BitsStored - 1
    unit = (values - (low * slope + intercept)) / ((high - low) * slope)
    return np.clip(1 - unit if header.PhotometricInterpretation == "MONOCHROME1" else unit, 0, 1), 0.51 / (high - low)


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(FOLDER)))
def test_each_ends_in_the_right_picture_or_in_one_sentence_with_a_step(path):
    reason = refused_as(path.name)
    image = opened(path)
    if isinstance(image, ImageError):
        assert reason, image
        assert re.search(reason, str(image))
        assert STEPS.search(str(image)), image
        assert "\n" not in str(image)
        return
    assert reason is None or "pylibjpeg" in reason
    assert read_header(path).size == image.size
    expected, rounding = by_pydicom(path)
    np.testing.assert_allclose(image.pixels / (2**image.bits - 1), expected, rtol=0, atol=rounding)


def test_grey_of_a_colour_file_by_hand():
    """SC_rgb_*.dcm: bands of 10 rows, whose colours pydicom's own tests state; grey by ITU-R BT.601."""
    bands = {5: (255, 0, 0), 15: (255, 128, 128), 25: (0, 255, 0), 35: (128, 255, 128), 45: (0, 0, 255)}
    bands |= {55: (128, 128, 255), 65: (0, 0, 0), 75: (64, 64, 64), 85: (192, 192, 192), 95: (255, 255, 255)}
    for name in ("SC_rgb_rle.dcm", "SC_rgb_dcmtk_+eb+cr.dcm", "SC_ybr_full_422_uncompressed.dcm"):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            pixels = Radiograph.open(FOLDER / "test_files" / name).pixels
        for row, colour in bands.items():
            assert pixels[row, 50] == pytest.approx(np.dot(colour, (0.299, 0.587, 0.114)), abs=2), (name, row)
