"""Of image files of every kind, the server sees the right pixels and its boxes come back to their place."""

import base64
import csv
import io

import numpy as np
import pytest
from PIL import Image
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, SecondaryCaptureImageStorage, generate_uid

from groundcxr import evaluate
from groundcxr.core import Box
from groundcxr.methods.boxes.parsing import write

SIZES = {"portrait.png": (301, 400), "landscape.jpg": (420, 280), "sixteen.png": (320, 240), "film.dcm": (250, 310)}
COLUMNS = [
    "dicom_id",
    "category_name",
    "label_text",
    "path",
    "x",
    "y",
    "w",
    "h",
    "image_width",
    "image_height",
    "split",
]


def rectangle(size):
    return tuple(round(part * side) for part, side in zip((0.31, 0.52, 0.55, 0.71), size * 2, strict=True))


def save(path, size):
    x0, y0, x1, y1 = rectangle(size)
    pixels = np.zeros(size[::-1], np.uint16 if path.name == "sixteen.png" else np.uint8)
    pixels[y0:y1, x0:x1] = np.iinfo(pixels.dtype).max
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix != ".dcm":
        Image.fromarray(pixels).save(path, quality=95)
        return
    film = Dataset()
    film.file_meta = FileMetaDataset()
    film.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    film.SOPClassUID = film.file_meta.MediaStorageSOPClassUID = SecondaryCaptureImageStorage
    film.SOPInstanceUID = film.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    film.Rows, film.Columns = pixels.shape
    film.SamplesPerPixel, film.PhotometricInterpretation = 1, "MONOCHROME2"
    film.BitsAllocated = film.BitsStored = 8
    film.HighBit, film.PixelRepresentation = 7, 0
    film.PixelData = pixels.tobytes()
    film.save_as(path, enforce_file_format=True)


@pytest.fixture
def manifest_of_markers(tmp_path):
    rows = ["image,phrase,pathology,x,y,w,h,patient_id"]
    for number, (name, size) in enumerate(SIZES.items()):
        save(tmp_path / "data" / name, size)
        x0, y0, x1, y1 = rectangle(size)
        rows.append(f"{name},marker,Edema,{x0},{y0},{x1 - x0},{y1 - y0},p{number}")
    (tmp_path / "data/manifest.csv").write_text("\n".join(rows) + "\n")
    (tmp_path / "data/groundcxr-secret").write_text("0123456789abcdef" * 4 + "\n")
    return tmp_path / "data/manifest.csv"


@pytest.fixture
def ms_cxr_of_markers(tmp_path):
    rows = [COLUMNS]
    for number, suffix, size in ((1, "jpg", (301, 400)), (2, "dcm", (420, 280))):
        x0, y0, x1, y1 = rectangle(size)
        image = "-".join(f"{number:08x}" for _ in range(5))
        path = f"files/p10/p1000000{number}/s5000000{number}/{image}"
        save(tmp_path / "data" / f"{path}.{suffix}", size)
        rows.append([image, "Edema", "marker", f"{path}.jpg", x0, y0, x1 - x0, y1 - y0, *size, "test"])
    with (tmp_path / "data/MS_CXR_Local_Alignment_v1.1.0.csv").open("w", newline="") as file:
        csv.writer(file).writerows(rows)
    return tmp_path / "data"


@pytest.mark.parametrize("preset", ["qwen2_5_vl", "medgemma"])
@pytest.mark.parametrize(("dataset", "count"), [("manifest", 4), ("ms-cxr", 2)])
def test_a_model_that_sees_the_rectangle_is_right(fake, says, waits, tmp_path, request, preset, dataset, count):
    root = request.getfixturevalue("manifest_of_markers" if dataset == "manifest" else "ms_cxr_of_markers")

    def answer(_, body):
        url = body["messages"][0]["content"][0]["image_url"]["url"]
        picture = Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2])))
        bright = np.asarray(picture) > 127
        rows, columns = np.flatnonzero(bright.any(axis=1)), np.flatnonzero(bright.any(axis=0))
        seen = Box(columns[0], rows[0], columns[-1] + 1, rows[-1] + 1)
        # What is padded is the server's whole picture: its convention is that of the unpadded one.
        return says(write([seen], "gemma3" if preset == "medgemma" else preset, picture.size, picture.size))

    fake.answer = answer
    settings = {"base_url": fake.url, "model": "tiny", "preset": preset}
    split = {} if dataset == "manifest" else {"split": "test"}
    result = evaluate("endpoint", dataset, root=root, settings=settings, out=tmp_path / "out", **split)
    assert len(result.samples) == count
    assert result.info.n_failed == 0
    assert result.samples["box_iou"].min() > 0.95


def test_words_without_a_box_are_an_answer_that_is_not_asked_for_again(
    fake, says, waits, groundcxr, manifest_of_markers
):
    fake.answer = lambda *_: says("I see 3 things at 10 20 30 40")
    command = ("evaluate", "--method", "endpoint", "--set", f"base_url={fake.url}", "--set", "model=tiny", "--set")
    command += ("preset=qwen3_vl", "--dataset", "manifest", "--root", manifest_of_markers)
    assert groundcxr(*command).code == 1
    assert len(fake.asked) == 4
    assert groundcxr(*command).code == 1
    assert len(fake.asked) == 4
