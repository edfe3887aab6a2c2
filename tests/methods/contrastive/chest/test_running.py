"""The methods as a user runs them."""

import json

import numpy as np
import pytest
from PIL import Image
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian


def write_images(folder):
    """One of each kind: portrait, landscape, 16 bit, DICOM."""
    rng = np.random.default_rng(0)
    Image.fromarray(rng.integers(0, 256, (250, 200), dtype=np.uint8)).save(folder / "portrait.png")
    Image.fromarray(rng.integers(0, 256, (150, 350), dtype=np.uint8)).save(folder / "landscape.jpg")
    Image.fromarray(rng.integers(0, 60_000, (301, 257)).astype(np.uint16)).save(folder / "deep.png")
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = "1.2.840.10008.5.1.4.1.1.1.1", "1.2.3"
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    file = FileDataset(str(folder / "film.dcm"), {}, file_meta=meta, preamble=b"\0" * 128)
    file.Rows, file.Columns, file.SamplesPerPixel = 300, 240, 1
    file.PhotometricInterpretation, file.PixelRepresentation = "MONOCHROME1", 0
    file.BitsAllocated, file.BitsStored, file.HighBit = 16, 12, 11
    file.PixelData = rng.integers(0, 4096, (300, 240)).astype("<u2").tobytes()
    file.save_as(folder / "film.dcm")
    return sorted(path.name for path in folder.iterdir())


def test_images_of_every_kind_are_scored(case, tmp_path, groundcxr):
    (tmp_path / "images").mkdir()
    names = write_images(tmp_path / "images")
    rows = [f"images/{name},small left effusion,Edema,10,20,60,80" for name in names]
    (tmp_path / "list.csv").write_text("\n".join(["image,phrase,pathology,x,y,w,h", *rows]) + "\n")
    given = ("--set", f"weights={case('afloc').file}", "--set", f"text={case('afloc').text}")
    ran = groundcxr("evaluate", "--method", "afloc", *given, "--dataset", "manifest", "--root", tmp_path / "list.csv")
    assert ran.code == 0, ran.err
    (path,) = tmp_path.rglob("result.json")
    result = json.loads(path.read_text())
    assert result["overall"]["macro"]["auroc"]["n"] == len(names) == 4
    assert str(case("afloc").folder) not in path.read_text()
    assert result["method"]["weights"] == f"local copy last.ckpt; text=local copy {case('afloc').text.name}"


@pytest.mark.slow
@pytest.mark.parametrize("name", ["gloria", "carzero", "afloc", "kad", "maco"])
def test_they_keep_the_contract(name, case, groundcxr):
    given = ("--set", f"weights={case(name).file}", "--set", f"text={case(name).text}")
    assert groundcxr("check-method", name, *given).code == 0
