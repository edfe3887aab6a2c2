"""Image files: which decoder reads a file, what its header says, and the sentence for one that cannot be read."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from .box import ImageSize
from .decoded import GET_AGAIN, Decoded, UnreadableError
from .errors import ImageError
from .mistaken import HEAD, mistaken_for
from .names import one_line, printable
from .regular import check_regular, read_regular

DICOM_SUFFIXES = frozenset({".dcm", ".dicom"})
IMAGE_SUFFIXES = DICOM_SUFFIXES | {".png", ".jpg", ".jpeg"}

_LONGEST_REASON = 400


@dataclass(frozen=True)
class ImageHeader:
    """What a file says about its picture before any pixel is decoded.

    Attributes:
        size: (width, height) of the stored pixels, the frame of all boxes and maps.
        orientation: EXIF orientation, 1 to 8; 1 where there is none. Other than 1, annotation tools and OpenCV show
            the image turned, while `Radiograph` keeps the stored pixels.
    """

    size: ImageSize
    orientation: int = 1


def read_header(path: Path) -> ImageHeader:
    """A file's header, without decoding the pixels.

    Raises:
        ImageError: If the file is missing or no image.
    """
    from .dicom import dicom_size
    from .raster import raster_header

    try:
        check_regular(path)
        with path.open("rb") as file:
            head = file.read(HEAD)
        return ImageHeader(dicom_size(path)) if _is_dicom(path, head) else ImageHeader(*raster_header(path))
    except Exception as error:  # decoders raise many types; each is the file's fault
        raise _image_error(path, error) from error


def image_bytes(path: Path) -> bytes:
    """An image file's bytes.

    Raises:
        ImageError: If the file is missing or unreadable.
    """
    try:
        return read_regular(path)
    except (OSError, MemoryError) as error:
        raise _image_error(path, error) from error


def decode_image(data: bytes, path: Path) -> Decoded:
    """The grey pixels of an image file.

    Args:
        data: What `image_bytes` gave.
        path: Its name, for what it may be and for messages.

    Raises:
        ImageError: If it is no image, or damaged.
    """
    from .dicom import decode_dicom
    from .raster import decode_raster

    try:
        return decode_dicom(data) if _is_dicom(path, data[:HEAD]) else decode_raster(data)
    except Exception as error:  # decoders raise many types; each is the file's fault
        raise _image_error(path, error) from error


def image_digest(path: Path) -> str:
    """SHA-256 (hex) of an image file's bytes, equal to `Radiograph.sha256`, without decoding it.

    Raises:
        ImageError: If the file is missing or unreadable.
    """
    return hashlib.sha256(image_bytes(path)).hexdigest()


def _is_dicom(path: Path, head: bytes) -> bool:
    """Whether a file is for the DICOM decoder: by its bytes, then by its name.

    Raises:
        UnreadableError: If its bytes are those of something that no decoder reads.
    """
    from .dicom import looks_like_dicom
    from .raster import JPEG_MAGIC, PNG_MAGIC

    if not head:
        raise UnreadableError("the file is empty", GET_AGAIN)
    if (mistaken := mistaken_for(head, "an image")) is not None:
        raise UnreadableError(*mistaken)
    if head.startswith((PNG_MAGIC, JPEG_MAGIC)):
        return False
    return looks_like_dicom(head) or path.suffix.lower() in DICOM_SUFFIXES


def _image_error(path: Path, error: Exception) -> ImageError:
    if isinstance(error, FileNotFoundError):
        return ImageError(
            f"there is no image file {path}; correct its name, or see what `groundcxr doctor` says of the data set"
        )
    if isinstance(error, UnreadableError):
        reason, step = error.reason, error.step
    elif isinstance(error, OSError) and error.strerror:
        reason, step = error.strerror, "name a file that can be read"
    elif isinstance(error, MemoryError):
        reason, step = "there is not enough memory to decode it", "free memory or write a smaller copy of the image"
    else:
        reason, step = str(error) or type(error).__name__, GET_AGAIN
    # What a file holds may be quoted, characters that steer a terminal among it.
    return ImageError(f"cannot read the image {path}: {printable(one_line(reason), _LONGEST_REASON)}; {step}")
