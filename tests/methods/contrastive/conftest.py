"""A small SigLIP as transformers saves it, and made-up films of every kind."""

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, SecondaryCaptureImageStorage, generate_uid

STORED = Path(__file__).parents[2] / "data" / "clip_maps"
FILMS = {"portrait.png": (70, 90), "landscape.jpg": (120, 80), "deep.png": (80, 100), "film.dcm": (100, 90)}


@pytest.fixture(scope="session")
def siglip_folder(tmp_path_factory):
    """The stored network with a tokenizer of its 64 tokens: the word w07 is token 7."""
    folder = tmp_path_factory.mktemp("siglip") / "tiny-siglip"
    shutil.copytree(STORED / "siglip", folder)
    vocabulary = {f"w{number:02}": number for number in range(64)}
    words = {"type": "WordLevel", "vocab": vocabulary, "unk_token": "w00"}
    content = {"version": "1.0", "truncation": None, "padding": None, "added_tokens": [], "normalizer": None}
    content |= {"pre_tokenizer": {"type": "WhitespaceSplit"}, "post_processor": None, "decoder": None, "model": words}
    (folder / "tokenizer.json").write_text(json.dumps(content))
    settings = {"tokenizer_class": "PreTrainedTokenizerFast", "pad_token": "w01", "unk_token": "w00"}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    return folder


def write_dicom(path, pixels):
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID = SecondaryCaptureImageStorage
    meta.MediaStorageSOPInstanceUID = generate_uid(entropy_srcs=["film"])
    file = FileDataset(str(path), {}, file_meta=meta, preamble=b"\0" * 128)
    file.SOPClassUID, file.SOPInstanceUID = meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID
    file.Modality, file.PhotometricInterpretation = "DX", "MONOCHROME2"
    file.SamplesPerPixel, file.PixelRepresentation = 1, 0
    file.BitsAllocated, file.BitsStored, file.HighBit = 16, 12, 11
    file.Rows, file.Columns = pixels.shape
    file.PixelData = pixels.astype("<u2").tobytes()
    file.save_as(path, enforce_file_format=True)


def made_up(name):
    width, height = FILMS[name]
    return np.random.default_rng(len(name)).integers(0, 256, (height, width))


@pytest.fixture
def films(tmp_path):
    """A manifest of films: portrait, landscape, 16 bits, DICOM of 12."""
    folder = tmp_path / "films"
    folder.mkdir()
    Image.fromarray(made_up("portrait.png").astype(np.uint8)).save(folder / "portrait.png")
    Image.fromarray(made_up("landscape.jpg").astype(np.uint8)).save(folder / "landscape.jpg", quality=95)
    Image.fromarray((made_up("deep.png") * 250 + 900).astype(np.uint16)).save(folder / "deep.png")
    write_dicom(folder / "film.dcm", made_up("film.dcm") * 16)
    rows = ["image,phrase,pathology,x,y,w,h,patient_id"]
    for number, name in enumerate(FILMS):
        rows += [f"{name},opacity {side},Edema,{20 + number},30,30,30,p{number}" for side in ("left", "right")]
    (folder / "manifest.csv").write_text("\n".join(rows) + "\n")
    (folder / "groundcxr-secret").write_text("0123456789abcdef" * 4 + "\n")
    return folder / "manifest.csv"


@pytest.fixture
def ms_cxr(tmp_path):
    """Two made-up images, portrait and landscape, laid out as MS-CXR and MIMIC-CXR-JPG are."""
    root = tmp_path / "physionet"
    root.mkdir()
    columns = ["dicom_id", "category_name", "label_text", "path", "x", "y", "w", "h"]
    columns += ["image_width", "image_height", "split"]
    with (root / "MS_CXR_Local_Alignment_v1.1.0.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        for number, name in enumerate(("portrait.png", "landscape.jpg"), start=1):
            dicom_id = "-".join([f"{number:08x}"] * 5)
            path = f"files/p1{number}/p1{number}00000{number}/s5000000{number}/{dicom_id}.jpg"
            image = root / path
            image.parent.mkdir(parents=True)
            Image.fromarray(made_up(name).astype(np.uint8)).save(image)
            phrase = f"invented opacity {number}"
            writer.writerow([dicom_id, "Pneumonia", phrase, path, 20, 30, 30, 30, *FILMS[name], "train"])
    return root
