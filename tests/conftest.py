"""A small data set on disk, and the command line as a user calls it."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pydicom
import pytest
from PIL import Image
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import UID, DigitalXRayImageStorageForPresentation, ExplicitVRLittleEndian, generate_uid

from groundcxr.core import Box, Mask, Sample, read_header
from groundcxr.datasets import GroundingDataset
from groundcxr.datasets.ids import opaque_id

# One file of the suite must never reach for a network, whatever the machine has.
os.environ["HF_HUB_OFFLINE"] = "1"
# Several processes run the tests; each with a thread for every core would be slower than one each.
os.environ.setdefault("OMP_NUM_THREADS", "1")


class TinyDataset(GroundingDataset):
    """Six made-up images of three shapes, ten samples, three patients."""

    name = "tiny"
    licence = "none"
    credentialed = True

    @classmethod
    def load(cls, root, split, **options):
        assert root is not None
        samples = []
        rng = np.random.default_rng(0)
        for number in range(6):
            path = root / f"secret-folder/image{number}.png"
            size = read_header(path).size if path.exists() else (64, 48)
            for question in range(2 if number < 4 else 1):
                x, y = (int(v) for v in rng.integers(0, 20, 2))
                boxes = (Box(x, y, x + 15, y + 12),) if number != 5 else ()
                samples.append(
                    Sample(
                        sample_id=opaque_id("salt", number, question),
                        image_id=f"secret-image-{number}",
                        patient_id=f"secret-patient-{number // 2}",
                        image_path=path,
                        phrase=f"secret phrase {number} {question}",
                        pathology=("Edema", "Pneumonia")[question],
                        boxes=boxes,
                        mask=Mask.of(np.ones((size[1], size[0]))) if boxes else None,
                        image_size=size,
                    )
                )
        return cls(samples, version="1", split=split, pathologies=("Edema", "Pneumonia"), salt="salt")

    @classmethod
    def check(cls, root):
        return []


def write_tiny_images(root: Path) -> None:
    rng = np.random.default_rng(1)
    (root / "secret-folder").mkdir(parents=True)
    for number in range(6):
        shape = ((48, 64), (64, 48), (50, 50))[number % 3]
        Image.fromarray(rng.integers(0, 256, shape, dtype=np.uint8)).save(root / f"secret-folder/image{number}.png")


@pytest.fixture(scope="session", autouse=True)
def _no_configuration(tmp_path_factory):
    """What users have said for themselves, in their file or their shell, is none of the tests' business."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CONFIG_HOME", str(tmp_path_factory.mktemp("config")))
        for name in list(os.environ):
            if name.startswith("GROUNDCXR_") and name.split("_")[1] in ("DATA", "STORE", "RESULTS", "DEVICE"):
                patch.delenv(name)
        yield


@pytest.fixture
def tiny_root(tmp_path: Path) -> Path:
    write_tiny_images(tmp_path / "tiny")
    return tmp_path / "tiny"


@pytest.fixture
def tiny(tiny_root: Path) -> TinyDataset:
    return TinyDataset.load(tiny_root, "all")


@pytest.fixture
def stored():
    """What all stores below a folder hold: the bytes of each prediction by method state, image and query."""
    from groundcxr.evaluation.store import StoredPredictions

    def contents(folder: Path) -> dict[str, bytes]:
        return {
            f"{about.parent.name}/{image}-{query}": content
            for about in sorted(folder.rglob("method.json"))
            for image, query, content in StoredPredictions(about.parent).members()
        }

    return contents


CR = DigitalXRayImageStorageForPresentation


def dicom_elements(stored, *, bits=12, signed=False, photometric="MONOCHROME2", **elements) -> pydicom.Dataset:
    """The elements of one picture whose pixels are not compressed."""
    stored = np.asarray(stored)
    file = pydicom.Dataset()
    file.SOPClassUID, file.SOPInstanceUID = CR, generate_uid()
    file.Rows, file.Columns = stored.shape[:2]
    file.SamplesPerPixel = 1 if stored.ndim == 2 else stored.shape[2]
    if stored.ndim == 3:
        file.PlanarConfiguration = 0
    file.PhotometricInterpretation = photometric
    allocated = elements.get("BitsAllocated") or next(size for size in (8, 16, 32) if bits <= size)
    file.BitsAllocated, file.BitsStored, file.HighBit = allocated, bits, bits - 1
    file.PixelRepresentation = int(signed)
    file.PixelData = stored.astype(f"<{'i' if signed else 'u'}{allocated // 8}").tobytes()
    if len(file.PixelData) % 2:
        file.PixelData += b"\0"
    file["PixelData"].VR = "OB" if allocated == 8 else "OW"
    for name, value in elements.items():
        setattr(file, name, value)
    return file


def save_dicom(path: Path, elements: pydicom.Dataset, syntax: str = ExplicitVRLittleEndian, frame: bytes = b"") -> Path:
    """A whole file with preamble and meta elements; `frame` is its compressed picture."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = CR, generate_uid()
    meta.TransferSyntaxUID = UID(syntax)
    file = FileDataset(str(path), elements, file_meta=meta, preamble=b"\0" * 128)
    if frame:
        file.PixelData = encapsulate([frame])
        file["PixelData"].VR = "OB"
    file.save_as(path, enforce_file_format=True)
    return path


def write_dicom(path: Path, stored, **elements) -> Path:
    """A file of one picture that is not compressed."""
    return save_dicom(path, dicom_elements(stored, **elements))


@pytest.fixture(scope="session")
def dicom():
    """Makes DICOM files: `data_set`, `save`, and `write`, which is both."""
    return SimpleNamespace(data_set=dicom_elements, save=save_dicom, write=write_dicom)


@pytest.fixture
def write_film(dicom):
    """Writes grey values of 12 bits: an 8-bit PNG or JPEG of them, a 16-bit PNG called deep, or a DICOM file."""

    def write(path, pixels):
        if path.suffix == ".dcm":
            dicom.write(path, pixels)
            return
        options = {"quality": 95} if path.suffix == ".jpg" else {}
        Image.fromarray(pixels if path.stem == "deep" else (pixels >> 4).astype(np.uint8)).save(path, **options)

    return write


@dataclass(frozen=True)
class Ran:
    """What a command left: exit code, standard output, standard error."""

    code: int
    out: str
    err: str


@pytest.fixture
def groundcxr(monkeypatch, capsys, tmp_path):
    """Calls the console script's function with arguments, in an empty folder."""
    from groundcxr.cli.main import main

    monkeypatch.chdir(tmp_path)
    # Rich wraps to this width where it prints for a terminal; long names stay in one piece.
    monkeypatch.setenv("COLUMNS", "200")

    def call(*arguments: object) -> Ran:
        monkeypatch.setattr(sys, "argv", ["groundcxr", *(str(argument) for argument in arguments)])
        try:
            main()
            code = 0
        except SystemExit as stop:
            code = stop.code if isinstance(stop.code, int) else int(stop.code is not None)
        printed = capsys.readouterr()
        return Ran(code, printed.out, printed.err)

    return call


METHOD_FILE = """
import numpy as np
from groundcxr import Grounding, GroundingMethod, Heatmap


class {name}(GroundingMethod):
    def ground(self, image, phrases):
        return [self.one(image, phrase) for phrase in phrases]

    def one(self, image, phrase):
        {body}
        return Grounding(Heatmap.whole(np.eye(4) + len(phrase), image.size))
"""


@pytest.fixture
def method_file(tmp_path):
    """Writes a method file whose `one` starts with the given statements."""

    def write(body: str = "pass", name: str = "Mine", file: str = "mine.py") -> Path:
        path = tmp_path / file
        path.write_text(METHOD_FILE.format(body=body.replace("\n", "\n        "), name=name))
        return path

    return write


@pytest.fixture
def write_manifest(tmp_path):
    """Writes images of noise, and a CSV of rows, its header the first; returns the CSV."""

    def write(names: Iterable[object], rows: list[str], *, seed: int = 3) -> Path:
        rng = np.random.default_rng(seed)
        folder = tmp_path / "data"
        folder.mkdir()
        for name in names:
            Image.fromarray(rng.integers(0, 256, (40, 60), dtype=np.uint8)).save(folder / f"{name}.png")
        path = folder / "manifest.csv"
        path.write_text("\n".join(rows) + "\n")
        # Otherwise the first command makes one, and says so on stderr.
        (folder / "groundcxr-secret").write_text("0123456789abcdef" * 4 + "\n")
        return path

    return write


@pytest.fixture
def manifest(write_manifest):
    """A manifest data set of four images and five samples; returns its CSV."""
    rows = ["image,phrase,pathology,x,y,w,h,patient_id"]
    rows += [f"{number}.png,opacity {number},Edema,{5 + number},4,20,10,p{number}" for number in range(4)]
    rows += ["0.png,another one,Pneumonia,30,20,10,12,p0"]
    return write_manifest(range(4), rows, seed=2)
