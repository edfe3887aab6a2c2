"""Folders of maps that other programs wrote: arrays and grey pictures, each named by its sample."""

from __future__ import annotations

import io
import math
import warnings
import zipfile
from collections.abc import Collection
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from ..core import Box, GroundCXRError, Heatmap, ImageSize
from ..core.doubts import TRANSPOSED, is_transposed
from ..core.names import printable
from ..core.regular import check_regular, read_regular
from .foreign_ids import SampleIds

MAP_SUFFIXES = (".npy", ".npz", ".png")

OF_ANOTHER_IMAGE = (
    "maps have the shape of another image of the data set and not of their own, so they may be the other image's"
)

_GREY_LEVELS = {"1": 1, "L": 255, "I;16": 65535, "I;16B": 65535, "I": 65535}
_MOST = 80_000_000
"""Values of a map, a few more than any radiograph has pixels."""

_SMALLER = "store the method's own grid"

_LARGEST = 8 * _MOST + 2**20
"""Of a file, in bytes."""

_SMALLEST_SIDE = 64
"""Of a map whose shape can be no grid of a method: below, many share their shape with a small image by chance."""


def map_files(folder: Path) -> list[Path]:
    """What a folder holds under the name of a map, sorted; other files, and hidden ones, are left alone.

    Raises:
        GroundCXRError: If there is nothing, or the folder cannot be read.
    """
    try:
        files = sorted(file for file in folder.iterdir() if file.suffix.lower() in MAP_SUFFIXES)
    except OSError as error:
        raise GroundCXRError(f"cannot read {folder}: {error.strerror or error}") from error
    files = [file for file in files if not file.name.startswith(".")]
    if not files:
        raise GroundCXRError(
            f"{folder} holds neither a result.json nor maps (SAMPLE_ID{', SAMPLE_ID'.join(MAP_SUFFIXES)})"
        )
    return files


def find_maps(folder: Path, sample_ids: Collection[str]) -> dict[str, Path]:
    """The map files of a folder by sample id, which is the file's name without its suffix.

    Raises:
        GroundCXRError: If there is none, a name is no sample's id or no regular file's, or a sample has two.
    """
    files = map_files(folder)
    ids = SampleIds(sample_ids).require([file.stem for file in files], f"{folder}: the names of", "files")
    found: dict[str, Path] = {}
    for file, sample_id in zip(files, ids, strict=True):
        if other := found.get(sample_id):
            raise GroundCXRError(f"{other} and {file.name} are of one sample; keep one of them")
        _refuse_irregular(file)
        found[sample_id] = file
    return found


def read_map(file: Path, image_size: ImageSize) -> Heatmap:
    """One map.

    Args:
        file: ``.npy``: an array `[h, w]`. ``.npz``: the same as `heatmap`, and optionally `extent`, the rectangle
            `[x0, y0, x1, y1]` of the image, in whole pixels, that it covers. ``.png``: grey, 8 or 16 bits, which become
            0 to 1. An array of the image's own size may be NaN where the method did not look; any other covers the
            whole image.
        image_size: (width, height) of the original image.

    Raises:
        GroundCXRError: If the file holds anything else.
    """
    try:
        content = read_regular(file, _LARGEST)
        values, extent = _from_png(content) if file.suffix.lower() == ".png" else _from_numpy(content)
        width, height = image_size
        if is_transposed(values.shape, image_size):
            raise ValueError(f"{TRANSPOSED}; transpose it")
        if extent is not None:
            return Heatmap(values, extent, image_size)
        whole = values.shape == (height, width)
        return Heatmap.from_pixels(values) if whole else Heatmap.whole(values, image_size)
    except OSError as error:
        raise GroundCXRError(f"the map {file} cannot be used: {error.strerror or error}") from error
    except Exception as error:  # decoders raise many types; each is the file's fault
        reason = printable(" ".join(str(error).split()), longest=300) or type(error).__name__
        raise GroundCXRError(f"the map {file} cannot be used: {reason}") from error


def is_of_another_image(heatmap: Heatmap, image_sizes: Collection[ImageSize]) -> bool:
    """Whether a map has the shape of another image than its own, and one that is no chance.

    Args:
        heatmap: A map that was read.
        image_sizes: (width, height) of all images.
    """
    height, width = heatmap.values.shape
    if heatmap.extent != Box.whole(heatmap.image_size) or (width, height) == heatmap.image_size or width == height:
        return False
    return min(width, height) >= _SMALLEST_SIDE and (width, height) in image_sizes


def _refuse_irregular(file: Path) -> None:
    try:
        check_regular(file)
    except OSError as error:
        raise GroundCXRError(f"the map {file} cannot be used: {error.strerror or error}") from error


def _from_numpy(content: bytes) -> tuple[NDArray[Any], Box | None]:
    if not content.startswith(b"PK"):
        return _array(io.BytesIO(content), len(content)), None
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = {name.removesuffix(".npy"): archive.getinfo(name) for name in archive.namelist()}
        if "heatmap" not in members:
            names = ", ".join(printable(name) for name in members)
            raise ValueError(f"it has the arrays {names or 'none'}; name the map heatmap")
        values = _member(archive, members["heatmap"])
        if "extent" not in members:
            return values, None
        extent = _member(archive, members["extent"])
    if extent.shape != (4,):
        raise ValueError(f"extent must be x0, y0, x1, y1, got the shape {list(extent.shape)}")
    return values, Box(*extent.tolist())


def _member(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> NDArray[np.float32]:
    if info.flag_bits & 1:
        raise ValueError("it is encrypted; store it without a password")
    with archive.open(info) as member:
        return _array(member, info.file_size)


def _array(stream: IO[bytes], size: int) -> NDArray[np.float32]:
    """The array of a stream in NumPy's own format.

    Its header is held against the stream's size before anything is read or reserved, since it may claim terabytes.

    Args:
        stream: At its start.
        size: Of all of it, in bytes.
    """
    read_header = {
        npy.magic(1, 0): npy.read_array_header_1_0,
        npy.magic(2, 0): npy.read_array_header_2_0,
    }.get(stream.read(npy.MAGIC_LEN))
    if read_header is None:
        raise ValueError("it holds no array of numbers in NumPy's format; write it with numpy.save or numpy.savez")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of Python's parser, about headers of nonsense
        shape, fortran, dtype = read_header(stream)
    if dtype.kind not in "fiub":
        raise ValueError(f"it holds {dtype}, not numbers")
    count = math.prod(shape)
    if min(shape, default=1) < 0 or stream.tell() + count * dtype.itemsize != size:
        raise ValueError(
            f"its header says {list(shape)} of {dtype}, which does not fit its {size:,} bytes; it is cut, or holds "
            "more than one array"
        )
    _refuse_many(count)
    # Read to the end, since an archive is checked against its checksum there.
    data = np.frombuffer(stream.read(), dtype)
    values = data.reshape(shape, order="F" if fortran else "C")
    with np.errstate(over="ignore"):  # what overflows is infinite, and said to be
        return values.astype(np.float32)


def _from_png(content: bytes) -> tuple[NDArray[Any], None]:
    from PIL import Image, UnidentifiedImageError

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # refused below, by its size
        try:
            picture = Image.open(io.BytesIO(content), formats=["PNG"])
        except UnidentifiedImageError as error:
            raise ValueError("it is no PNG picture") from error
        except Image.DecompressionBombError as error:
            raise ValueError(f"it has more than {_MOST:,} pixels; {_SMALLER}") from error
    with picture:
        _refuse_many(picture.width * picture.height)
        if picture.mode not in _GREY_LEVELS:
            raise ValueError(
                f"its colours (mode {picture.mode}) are no scores; a map is a grey PNG of 8 or 16 bits without alpha, "
                "so save the scores themselves, as .npy or in grey"
            )
        if getattr(picture, "n_frames", 1) > 1:
            raise ValueError("it holds several pictures; keep one")
        return np.asarray(picture).astype(np.float32) / _GREY_LEVELS[picture.mode], None


def _refuse_many(count: int) -> None:
    if count > _MOST:
        raise ValueError(f"it holds {count:,} values, and at most {_MOST:,} are read; {_SMALLER}")
