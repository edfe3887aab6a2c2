"""Map files of every kind that other programs write: the right values, or one sentence that names the file."""

import io
import os
import struct
import zipfile
import zlib

import numpy as np
import pytest
from PIL import Image

from groundcxr.core import Box, GroundCXRError
from groundcxr.evaluation.foreign_maps import find_maps, is_of_another_image, read_map

SIZE = (60, 40)
VALUES = np.arange(12).reshape(3, 4)


def npy_bytes(array, **options):
    buffer = io.BytesIO()
    np.save(buffer, array, **options)
    return buffer.getvalue()


def claiming(shape, data=b"x" * 40, descr="<f4"):
    header = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() + data


def zipped(content, name="heatmap.npy", **options):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", **options) as archive:
        archive.writestr(name, content)
    return buffer.getvalue()


def patched(content, offset, value):
    """An archive of one member with a field of both of its headers overwritten; the offset is in the local one."""
    changed = bytearray(content)
    for place in (offset, changed.index(b"PK\x01\x02") + offset + 2):
        changed[place : place + 2] = struct.pack("<H", value)
    return bytes(changed)


def png(width, height, depth=8, colour=0):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


def png_bytes(image, **options):
    buffer = io.BytesIO()
    image.save(buffer, "PNG", **options)
    return buffer.getvalue()


@pytest.mark.parametrize(
    "array",
    [
        *(VALUES.astype(kind) for kind in ("<f2", ">f2", "<f4", ">f4", "<f8", ">f8", "i1", ">i2", "<i8", "u1", ">u4")),
        np.asfortranarray(VALUES.astype(">f8")),
        VALUES.astype("<f4")[::-1, ::-1][::-1, ::-1],
    ],
    ids=lambda array: f"{array.dtype.str}{'F' if array.flags.fnc else ''}",
)
def test_numbers_of_any_layout_are_read_as_they_are(tmp_path, array):
    np.save(tmp_path / "a.npy", array)
    np.savez_compressed(tmp_path / "a.npz", heatmap=array)
    for file in ("a.npy", "a.npz"):
        heatmap = read_map(tmp_path / file, SIZE)
        assert heatmap.values.tolist() == VALUES.tolist()
        assert heatmap.extent == Box.whole(SIZE)


def test_truths_and_pictures_of_one_bit_are_zero_and_one(tmp_path):
    truths = VALUES % 2 == 0
    np.save(tmp_path / "a.npy", truths)
    Image.fromarray(truths).save(tmp_path / "a.png", bits=1)
    assert read_map(tmp_path / "a.npy", SIZE).values.tolist() == truths.tolist()
    assert read_map(tmp_path / "a.png", SIZE).values.tolist() == truths.tolist()


SOUND = zipped(npy_bytes(np.eye(4)))
TERABYTES = claiming((1000000, 1000000))
ODD = {
    "terabytes": ("npy", TERABYTES, "does not fit its 168 bytes"),
    "terabytes in an archive": ("npz", zipped(TERABYTES), "does not fit its 168 bytes"),
    "more than 64 bits": ("npy", claiming((99999999999999999999, 5)), "does not fit"),
    "negative": ("npy", claiming((-2, -5)), "does not fit"),
    "cut": ("npy", npy_bytes(np.eye(9))[:-8], "it is cut"),
    "two arrays": ("npy", npy_bytes(np.eye(3)) * 2, "more than one array"),
    "no header": ("npy", b"\x93NUMPY\x01\x00", "cannot be used: "),
    "header of nonsense": ("npy", claiming("(2, 5") + b"{", "cannot be used: "),
    "objects": ("npy", npy_bytes(np.array([[{}]]), allow_pickle=True), "it holds object, not numbers"),
    "complex": ("npy", npy_bytes(np.eye(3) * 1j), "it holds complex128, not numbers"),
    "dates": ("npy", npy_bytes(np.zeros((3, 3), "M8[s]")), "not numbers"),
    "records": ("npy", npy_bytes(np.zeros((3, 3), "f4,f4")), "not numbers"),
    "nothing": ("npy", b"", "no array"),
    "empty": ("npy", npy_bytes(np.zeros((0, 5))), "must have shape"),
    "infinite": ("npy", npy_bytes(np.full((3, 3), 1e300)), "must be finite"),
    "encrypted": ("npz", patched(SOUND, 6, 1), "it is encrypted"),
    "unknown compression": ("npz", patched(SOUND, 8, 99), "compression"),
    "text": ("npz", zipped("hello"), "no array"),
    "checksum": ("npz", SOUND.replace(npy_bytes(np.eye(4)), npy_bytes(np.eye(4) * 2)), "Bad CRC-32"),
    "half an archive": ("npz", SOUND[: len(SOUND) // 2], "cannot be used: "),
    "bomb": ("npz", zipped(bytes(10**6), compression=zipfile.ZIP_DEFLATED), "no array"),
    "picture of gigapixels": ("png", png(60000, 60000), "more than 80,000,000 pixels; store the method's own grid"),
    "picture too large": ("png", png(11000, 11000), "121,000,000 values, and at most 80,000,000"),
    "colours": ("png", png_bytes(Image.new("RGB", (4, 4))), "save the scores themselves"),
    "palette": ("png", png_bytes(Image.new("P", (4, 4))), "mode P"),
    "alpha": ("png", png_bytes(Image.new("LA", (4, 4))), "without alpha"),
    "16-bit colours": ("png", png(4, 4, 16, 2), "mode RGB"),
    "not a PNG": ("png", b"GIF89a" + bytes(40), "it is no PNG"),
    "cut picture": ("png", png_bytes(Image.effect_noise((40, 40), 9))[:-200], "cannot be used: "),
    "several pictures": (
        "png",
        png_bytes(Image.new("L", (4, 4)), save_all=True, append_images=[Image.new("L", (4, 4), 9)]),
        "several pictures",
    ),
}


@pytest.mark.parametrize("what", ODD)
def test_what_is_no_map_gets_one_sentence(tmp_path, what):
    suffix, content, words = ODD[what]
    file = tmp_path / f"a.{suffix}"
    file.write_bytes(content)
    with pytest.raises(GroundCXRError) as refused:
        read_map(file, SIZE)
    assert words in str(refused.value)
    assert str(refused.value).startswith(f"the map {file} cannot be used: ")
    assert "\n" not in str(refused.value)


def test_an_archive_that_unpacks_to_too_much_is_not_unpacked(tmp_path):
    archive = zipfile.ZipFile(tmp_path / "a.npz", "w", zipfile.ZIP_DEFLATED)
    with archive, archive.open("heatmap.npy", "w") as member:
        member.write(claiming((9000, 9001), b"", "|u1"))
        for _ in range(9001):
            member.write(bytes(9000))
    assert (tmp_path / "a.npz").stat().st_size < 10**6
    with pytest.raises(GroundCXRError, match="81,009,000 values, and at most"):
        read_map(tmp_path / "a.npz", SIZE)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda path: path.mkdir(), "it is a folder"),
        (os.mkfifo, "it is a named pipe"),
        (lambda path: path.symlink_to(path.name), "symbolic links"),
        (lambda path: path.symlink_to("/dev/zero"), "it is a device"),
        (lambda path: path.symlink_to("nowhere"), "No such file"),
    ],
)
def test_what_is_no_file_is_named_and_not_waited_for(tmp_path, make, words):
    make(tmp_path / "a.npy")
    with pytest.raises(GroundCXRError, match=words) as refused:
        find_maps(tmp_path, {"a"})
    assert "a.npy" in str(refused.value)


def test_names_are_found_whatever_their_case(tmp_path):
    for name in ("AB1.NPY", "cd2.npy", ".AB1.npy", "notes.txt"):
        (tmp_path / name).write_bytes(npy_bytes(np.eye(3)))
    assert find_maps(tmp_path, {"ab1", "cd2"}) == {"ab1": tmp_path / "AB1.NPY", "cd2": tmp_path / "cd2.npy"}
    # Two ids that differ in case alone are two samples.
    with pytest.raises(GroundCXRError, match=r"no sample ids of this split \(cd2\)"):
        find_maps(tmp_path, {"ab1", "Cd2", "CD2"})
    (tmp_path / "ab1.png").write_bytes(png_bytes(Image.new("L", (4, 4))))
    with pytest.raises(GroundCXRError, match=r"AB1.NPY and ab1.png are of one sample"):
        find_maps(tmp_path, {"ab1", "cd2"})


def test_odd_names_are_told_in_one_line(tmp_path):
    (tmp_path / "a\nb\x1b.npy").write_bytes(b"")
    (tmp_path / os.fsdecode(b"\xff.npy")).write_bytes(b"")
    with pytest.raises(GroundCXRError) as refused:
        find_maps(tmp_path, {"a"})
    assert str(refused.value).isprintable()
    assert r"a\nb\x1b, \udcff" in str(refused.value)


@pytest.mark.parametrize(
    ("shape", "swapped"),
    [((300, 200), True), ((200, 300), False), ((256, 256), False), ((15, 15), False), ((240, 320), False)],
)
def test_a_map_with_another_images_shape_is_doubted(tmp_path, shape, swapped):
    sizes = {(300, 201), (200, 300), (256, 256), (15, 15)}
    np.save(tmp_path / "a.npy", np.zeros(shape))
    assert is_of_another_image(read_map(tmp_path / "a.npy", (300, 201)), sizes) is swapped
