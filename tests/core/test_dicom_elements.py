"""Elements that say of themselves what is not so."""

import struct
import tracemalloc

import numpy as np
import pytest

from groundcxr.core import ImageError, Radiograph, read_header


@pytest.fixture
def plain(tmp_path, dicom):
    return dicom.write(tmp_path / "a.dcm", np.arange(6).reshape(2, 3))


def test_an_element_longer_than_its_file_takes_no_memory(plain):
    whole = plain.read_bytes()
    place = whole.index(b"\x28\0\x02\0US")
    plain.write_bytes(whole[:place] + struct.pack("<HH2sHI", 0x28, 2, b"UN", 0, 2**32 - 2) + whole[place + 8 :])
    for read in (read_header, Radiograph.open):
        tracemalloc.start()
        try:
            with pytest.raises(ImageError, match="cannot read the image"):
                read(plain)
            assert tracemalloc.get_traced_memory()[1] < 8 * 2**20
        finally:
            tracemalloc.stop()


def test_a_lack_of_memory_is_not_told_as_damage(plain, monkeypatch):
    def read(*_, **__):
        raise MemoryError

    monkeypatch.setattr("groundcxr.core.dicom.dcmread", read)
    with pytest.raises(ImageError, match="not enough memory to decode it"):
        Radiograph.open(plain)


def test_what_a_file_holds_is_quoted_shortly(tmp_path, dicom):
    elements = dicom.data_set(np.zeros((2, 3)))
    for word in ("Rows", "Columns", "PixelData"):
        delattr(elements, word)
    elements.add_new("SOPClassUID", "UT", "1" * 5000 + "\x1b[2J")
    with pytest.raises(ImageError, match="of the kind 1111") as refusal:
        read_header(dicom.save(tmp_path / "a.dcm", elements))
    assert len(str(refusal.value)) < 600 + len(str(tmp_path))
    assert "\x1b" not in str(refusal.value)
