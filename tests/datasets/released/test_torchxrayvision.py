"""The real annotation files, which the package torchxrayvision carries; pictures of no one stand for the images."""

import gzip
import importlib.util
import os
import zipfile
from pathlib import Path

import pytest

from groundcxr import load_dataset

FOUND = importlib.util.find_spec("torchxrayvision")
pytestmark = pytest.mark.skipif(FOUND is None, reason="torchxrayvision carries the annotation files")


@pytest.fixture
def data():
    assert FOUND is not None
    return Path(str(FOUND.origin)).parent / "data"  # not imported: its own dependencies are many


@pytest.fixture
def load(made, tmp_path):
    def call(name: str, file: str, content: bytes, image_of, size=(1024, 1024)):
        root = tmp_path / name
        (root / "images").mkdir(parents=True)
        (root / file).write_bytes(content)
        one = made.picture(tmp_path / "one.png", size)
        for image in {image_of(line.split(",")[0]) for line in content.decode().splitlines()[1:]}:
            os.link(one, root / "images" / image)
        return load_dataset(name, root)

    return call


def test_nih(load, data):
    content = gzip.decompress((data / "BBox_List_2017.csv.gz").read_bytes())
    dataset = load("nih-boxes", "BBox_List_2017.csv", content, str)
    assert dataset.warnings == ()  # 984 boxes on 880 images of 726 patients, none outside its image
    assert len(dataset) == sum(len(sample.boxes) for sample in dataset) == 984
    assert len({sample.image_id for sample in dataset}) == 880
    assert sum(sample.pathology == "Infiltrate" for sample in dataset) == 123


def test_rsna(load, data):
    with zipfile.ZipFile(data / "kaggle_stage_2_train_labels.csv.zip") as archive:
        content = archive.read("stage_2_train_labels.csv")
    dataset = load("rsna-pneumonia", "stage_2_train_labels.csv", content, lambda image: f"{image}.png")
    assert dataset.warnings == ()
    assert (len(dataset), sum(len(sample.boxes) for sample in dataset)) == (6012, 9555)
    assert len(dataset.absent) == 26_684 - 6012


def test_siim(load, data):
    content = gzip.decompress((data / "siim-pneumothorax-train-rle.csv.gz").read_bytes())
    dataset = load("siim-pneumothorax", "train-rle.csv", content, lambda image: f"{image}.png")
    assert dataset.warnings == ()  # 12,954 rows, 12,047 images, 3,576 masks
    assert len(dataset) == 2669
    assert len(dataset.absent) == 12_047 - 2669
    # Apices, where air collects in somebody who stands: the upper half has most of the pixels.
    masks = [sample.mask.load() for sample in dataset[:100]]
    assert sum(mask[:512].sum() for mask in masks) > sum(mask[512:].sum() for mask in masks)


def test_vinbig(load, data):
    content = gzip.decompress((data / "vinbigdata-train.csv.gz").read_bytes())
    dataset = load("vindr-cxr", "train.csv", content, lambda image: f"{image}.png", size=(3600, 3600))
    (said,) = dataset.warnings  # 67,914 rows, 36,096 boxes, 15,000 images
    assert said.startswith("images are not DICOM files and no file says their annotated size")
    assert sum(len(sample.boxes) for sample in dataset) == 36_096
    assert len({sample.image_id for sample in dataset}) == 4394
    assert len(dataset.pathologies) == 14
    assert len(dataset.absent) == 15_000 - 4394
