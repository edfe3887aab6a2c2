"""Data sets whose images are black but for one white rectangle, in its box: who sees it can say where it is."""

import csv

import numpy as np
import pytest
from PIL import Image

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


def save(path, size, dicom):
    """An image of the kind that its suffix says; one called sixteen has 16 bits."""
    x0, y0, x1, y1 = rectangle(size)
    pixels = np.zeros(size[::-1], np.uint16 if path.name == "sixteen.png" else np.uint8)
    pixels[y0:y1, x0:x1] = np.iinfo(pixels.dtype).max
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".dcm":
        dicom.write(path, pixels, bits=8)
    else:
        Image.fromarray(pixels).save(path, quality=95)


@pytest.fixture(scope="session")
def marked_manifest(dicom):
    """Makes a manifest in a folder, of images by file name and (width, height); the phrase of each has its number."""

    def make(folder, sizes):
        rows = ["image,phrase,pathology,x,y,w,h,patient_id"]
        for number, (name, size) in enumerate(sizes.items()):
            save(folder / name, size, dicom)
            x0, y0, x1, y1 = rectangle(size)
            rows.append(f"{name},marker {number},Edema,{x0},{y0},{x1 - x0},{y1 - y0},p{number}")
        (folder / "manifest.csv").write_text("\n".join(rows) + "\n")
        (folder / "groundcxr-secret").write_text("0123456789abcdef" * 4 + "\n")
        return folder / "manifest.csv"

    return make


@pytest.fixture(scope="session")
def marked_ms_cxr(dicom):
    """Makes a folder laid out as MS-CXR and MIMIC-CXR-JPG are, of images by suffix and (width, height)."""

    def make(root, sizes):
        rows = [COLUMNS]
        for number, (suffix, size) in enumerate(sizes.items(), start=1):
            x0, y0, x1, y1 = rectangle(size)
            image = "-".join(f"{number:08x}" for _ in range(5))
            path = f"files/p10/p1000000{number}/s5000000{number}/{image}"
            save(root / f"{path}{suffix}", size, dicom)
            box = (x0, y0, x1 - x0, y1 - y0)
            rows.append([image, "Edema", f"marker {number}", f"{path}.jpg", *box, *size, "test"])
        with (root / "MS_CXR_Local_Alignment_v1.1.0.csv").open("w", newline="") as file:
            csv.writer(file).writerows(rows)
        return root

    return make
