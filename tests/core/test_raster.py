"""PNG, JPEG and their like at every depth, against values that are known before a file is written.

PNG of 16 bits are written chunk by chunk from the PNG specification, independent of any decoder.
"""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image, ImageFile

from groundcxr.core import ImageError, ImageHeader, Radiograph, read_header

# Adam7: x and y of the first pixel of each pass, and the steps.
_PASSES = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
_COLOUR_TYPES = {1: 0, 2: 4, 3: 2, 4: 6}


def chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def png(values, *, interlaced=False, extra=b"") -> bytes:
    """A PNG of 16 bits a channel; `values` [H, W, C]. Rows take the five filters in turn."""
    values = np.asarray(values, dtype=np.uint16)
    height, width, channels = values.shape
    passes = [values[y::down, x::right] for x, y, right, down in _PASSES] if interlaced else [values]
    rows = b"".join(_filtered(part) for part in passes if part.size)
    header = struct.pack(">IIBBBBB", width, height, 16, _COLOUR_TYPES[channels], 0, 0, int(interlaced))
    stream = zlib.compress(rows)
    middle = len(stream) // 2  # pixels may lie in several chunks
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + extra
        + chunk(b"IDAT", stream[:middle])
        + chunk(b"IDAT", stream[middle:])
        + chunk(b"IEND", b"")
    )


def write_png(path, values, **options):
    path.write_bytes(png(values, **options))
    return path


def _filtered(part) -> bytes:
    """Rows with their filter bytes (PNG specification, 9.2): none, sub, up, average, Paeth."""
    raw = part.astype(">u2").reshape(len(part), -1).view(np.uint8).astype(int)
    step = 2 * part.shape[2]
    above = np.vstack([np.zeros_like(raw[:1]), raw[:-1]])
    left, corner = (np.hstack([np.zeros((len(raw), step), int), rows[:, :-step]]) for rows in (raw, above))
    estimate = left + above - corner
    far = [abs(estimate - near) for near in (left, above, corner)]
    paeth = np.where((far[0] <= far[1]) & (far[0] <= far[2]), left, np.where(far[1] <= far[2], above, corner))
    predicted = [np.zeros_like(raw), left, above, (left + above) // 2, paeth]
    rows = [np.append(y % 5, (raw[y] - predicted[y % 5][y]) % 256) for y in range(len(raw))]
    return np.array(rows, dtype=np.uint8).tobytes()


WEIGHTS = np.array([0.299, 0.587, 0.114])  # ITU-R BT.601


@pytest.fixture
def wide():
    """16-bit values of a 12-bit radiograph, which fill a sixteenth of the range."""
    return np.random.default_rng(3).integers(0, 4096, (13, 21, 4)).astype(np.uint16)


@pytest.mark.parametrize("interlaced", [False, True])
def test_grey_with_alpha_at_16_bits_is_the_grey_alone(tmp_path, wide, interlaced):
    both = Radiograph.open(write_png(tmp_path / "both.png", wide[..., :2], interlaced=interlaced))
    alone = Radiograph.open(write_png(tmp_path / "alone.png", wide[..., :1], interlaced=interlaced))
    np.testing.assert_array_equal(both.pixels, wide[..., 0])
    np.testing.assert_array_equal(alone.pixels, wide[..., 0])
    assert (both.bits, both.windowed, both.display_range) == (16, False, alone.display_range)
    np.testing.assert_array_equal(both.as_unit_float(), alone.as_unit_float())
    assert both.as_unit_float().max() == 1


@pytest.mark.parametrize("interlaced", [False, True])
@pytest.mark.parametrize("channels", [3, 4])
def test_colours_at_16_bits_become_luma_at_16_bits(tmp_path, wide, channels, interlaced):
    image = Radiograph.open(write_png(tmp_path / "a.png", wide[..., :channels], interlaced=interlaced))
    assert (image.bits, image.windowed) == (16, False)
    np.testing.assert_allclose(image.pixels, wide[..., :3] @ WEIGHTS, atol=0.6)
    assert image.pixels.max() > 255


@pytest.mark.parametrize("channels", [3, 4])
def test_equal_channels_at_16_bits_are_exactly_the_grey_value(tmp_path, channels):
    grey = np.array([[0, 1, 255, 256], [4095, 32768, 65534, 65535]])
    path = write_png(tmp_path / "a.png", np.stack([grey] * channels, -1))
    np.testing.assert_array_equal(Radiograph.open(path).pixels, grey)


def test_colours_of_8_bits_have_the_very_grey_of_pillow(tmp_path):
    rgb = np.random.default_rng(4).integers(0, 256, (64, 64, 3)).astype(np.uint8)
    expected = np.array(Image.fromarray(rgb).convert("L"))
    for alpha in (rgb, np.dstack([rgb, rgb[..., 0]])):
        Image.fromarray(alpha).save(tmp_path / "a.png")
        np.testing.assert_array_equal(Radiograph.open(tmp_path / "a.png").pixels, expected)


def test_a_16_bit_png_that_is_cut_off_is_damaged(tmp_path, wide):
    (tmp_path / "a.png").write_bytes(png(wide)[:-900])
    with pytest.raises(ImageError, match=r"cut off or damaged; get the file again$"):
        Radiograph.open(tmp_path / "a.png")


def test_a_16_bit_png_with_fewer_rows_than_it_says_is_damaged(tmp_path, wide):
    content = png(wide)
    header = content[12:20] + (14).to_bytes(4, "big") + content[24:29]  # of 13 rows
    (tmp_path / "a.png").write_bytes(content[:8] + chunk(header[:4], header[4:]) + content[33:])
    with pytest.raises(ImageError, match="cut off or damaged; get the file again"):
        Radiograph.open(tmp_path / "a.png")


@pytest.mark.parametrize(("mode", "bits"), [("1", 1), ("L", 2), ("L", 4), ("P", 1), ("P", 2), ("P", 4), ("P", 8)])
def test_few_bits_fill_the_range_and_palettes_give_their_colours(tmp_path, mode, bits):
    levels = np.arange(2**bits, dtype=np.uint8)[None]
    expected = np.rint(levels / (2**bits - 1) * 255)
    if mode == "P":
        image = Image.frombytes("P", levels.shape[::-1], levels.tobytes())
        image.putpalette([int(value) for value in np.repeat(expected[0], 3)])
        image.save(tmp_path / "a.png", bits=bits)
    else:
        packed = np.packbits(np.unpackbits(levels[0][:, None], axis=1)[:, 8 - bits :].ravel()).tobytes()
        header = np.array([levels.size, 1], ">u4").tobytes() + bytes([bits, 0, 0, 0, 0])
        content = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" + packed)) + chunk(b"IEND", b"")
        (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n" + content)
    np.testing.assert_array_equal(Radiograph.open(tmp_path / "a.png").pixels, expected)


def test_transparent_colours_keep_their_value(tmp_path):
    grey = np.arange(12, dtype=np.uint8).reshape(3, 4)
    Image.fromarray(grey).save(tmp_path / "a.png", transparency=5)
    np.testing.assert_array_equal(Radiograph.open(tmp_path / "a.png").pixels, grey)
    wide = np.arange(12, dtype=np.uint16).reshape(3, 4, 1) * 1000
    write_png(tmp_path / "b.png", wide, extra=chunk(b"tRNS", (5000).to_bytes(2, "big")))
    np.testing.assert_array_equal(Radiograph.open(tmp_path / "b.png").pixels, wide[..., 0])


def test_cmyk_jpeg_is_read_as_its_colours(tmp_path):
    grey = np.add.outer(np.arange(64), np.arange(80)).astype(np.uint8)
    Image.fromarray(grey).convert("CMYK").save(tmp_path / "a.jpg", quality=95)  # as Adobe does: inverted
    np.testing.assert_allclose(Radiograph.open(tmp_path / "a.jpg").pixels, grey, atol=3)


@pytest.mark.parametrize("suffix", [".jpg", ".png"])
@pytest.mark.parametrize("orientation", [1, 6, 8])
def test_an_exif_orientation_is_told_and_not_applied(tmp_path, suffix, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / f"a{suffix}"
    Image.fromarray(np.zeros((20, 30), np.uint8)).save(path, exif=exif)
    assert read_header(path) == ImageHeader((30, 20), orientation)
    assert Radiograph.open(path).size == (30, 20)


def test_the_header_of_a_tiff_has_the_size_of_its_pixels(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(np.zeros((20, 30), np.uint8)).save(tmp_path / "a.tiff", exif=exif)
    assert read_header(tmp_path / "a.tiff") == ImageHeader(Radiograph.open(tmp_path / "a.tiff").size, 1)


def test_a_header_is_read_without_the_pixels(tmp_path, wide, monkeypatch):
    Image.fromarray(np.zeros((20, 30), np.uint8)).save(tmp_path / "a.jpg")
    write_png(tmp_path / "b.png", wide)
    monkeypatch.setattr(ImageFile.ImageFile, "load", lambda image: pytest.fail("pixels decoded"))
    assert read_header(tmp_path / "a.jpg") == ImageHeader((30, 20))
    assert read_header(tmp_path / "b.png") == ImageHeader((21, 13))


def test_an_orientation_that_is_none_counts_as_none(tmp_path):
    Image.fromarray(np.zeros((20, 30), np.uint8)).save(tmp_path / "a.png")
    Image.fromarray(np.zeros((20, 30), np.uint8)).save(
        tmp_path / "b.jpg", exif=b"Exif\0\0MM\0*\0\0\0\x08\0\xff garbage"
    )
    for name in ("a.png", "b.jpg"):
        assert read_header(tmp_path / name).orientation == 1


def test_a_blank_image_is_known(tmp_path):
    one = np.full((4, 5), 7, np.uint8)
    assert Radiograph.from_array(one).is_blank
    one[0, 0] = 8
    assert not Radiograph.from_array(one).is_blank


def test_a_picture_that_would_fill_the_memory_is_refused_before_it_is_decoded(tmp_path):
    small = png(np.zeros((2, 2, 4)))
    big = small[:16] + (40000).to_bytes(4, "big") * 2 + small[24:29]
    big += zlib.crc32(big[12:29]).to_bytes(4, "big") + small[33:]
    (tmp_path / "a.png").write_bytes(big)
    for read in (Radiograph.open, read_header):
        with pytest.raises(ImageError, match=r"more than the 178,956,970 pixels .*; write a smaller copy"):
            read(tmp_path / "a.png")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\x1f\x8b\x08\0garbage", r"compressed archive.*; unpack it"),
        (b"PK\x03\x04garbage", r"compressed archive.*; unpack it"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0", r"Git LFS.*; .*`git lfs pull`$"),
        (b"\x89PNG\r\n\x1a\nbroken", r"PNG header is damaged; get the file again$"),
        (
            b"\xff\xd8\xff\xc3\0\x0b\x0c\0\x08\0\x08\1\1\x11\0",
            r"a kind that Pillow does not read.*; convert it to PNG$",
        ),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", r"not a PNG, JPEG or DICOM image; .*convert it to PNG$"),
        (b"no image at all", r"not a PNG, JPEG or DICOM image; .*convert it to PNG$"),
    ],
)
@pytest.mark.parametrize("suffix", [".png", ".dcm"])
def test_each_kind_of_file_that_is_no_image_has_a_step_of_its_own(tmp_path, content, message, suffix):
    path = tmp_path / f"a{suffix}"
    path.write_bytes(content)
    for read in (Radiograph.open, read_header):
        with pytest.raises(ImageError, match=message):
            read(path)


@pytest.mark.parametrize("mode", ["F", "I"])
def test_pixels_that_no_radiograph_has_are_told_how_to_become_one(tmp_path, mode):
    Image.fromarray(np.full((3, 4), 1e6, {"F": np.float32, "I": np.int32}[mode])).save(tmp_path / "a.tiff")
    with pytest.raises(ImageError, match="; convert it to a grey PNG of 16 bits"):
        Radiograph.open(tmp_path / "a.tiff")


def test_an_image_is_known_by_its_bytes_whatever_its_name(tmp_path):
    grey = np.arange(12, dtype=np.uint8).reshape(3, 4)
    stream = io.BytesIO()
    Image.fromarray(grey).save(stream, "PNG")
    (tmp_path / "a.dcm").write_bytes(stream.getvalue())
    assert read_header(tmp_path / "a.dcm").size == (4, 3)
    np.testing.assert_array_equal(Radiograph.open(tmp_path / "a.dcm").pixels, grey)


def test_a_palette_with_transparency_is_read_without_pillows_advice(tmp_path, recwarn):
    picture = Image.fromarray(np.arange(16, dtype=np.uint8).reshape(4, 4), "P")
    picture.putpalette(np.repeat(np.arange(256, dtype=np.uint8), 3).tobytes())
    picture.save(tmp_path / "a.png", transparency=bytes([0, 128, 255]))
    np.testing.assert_array_equal(Radiograph.open(tmp_path / "a.png").pixels, np.arange(16).reshape(4, 4))
    assert not [warning for warning in recwarn if warning.category is UserWarning]
