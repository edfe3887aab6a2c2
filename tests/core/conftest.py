"""DICOM files that tests write, element by element."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pydicom
import pytest
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import UID, DigitalXRayImageStorageForPresentation, ExplicitVRLittleEndian, generate_uid

CR = DigitalXRayImageStorageForPresentation


def data_set(stored, *, bits=12, signed=False, photometric="MONOCHROME2", **elements) -> pydicom.Dataset:
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


def save(path: Path, elements: pydicom.Dataset, syntax: str = ExplicitVRLittleEndian, frame: bytes = b"") -> Path:
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


def write(path: Path, stored, **elements) -> Path:
    """A file of one picture that is not compressed."""
    return save(path, data_set(stored, **elements))


@pytest.fixture(scope="session")
def dicom():
    """Makes DICOM files: `data_set`, `save`, and `write`, which is both."""
    return SimpleNamespace(data_set=data_set, save=save, write=write)
