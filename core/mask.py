"""Ground-truth masks that stay on disk until they are needed."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .errors import ImageError


@dataclass(frozen=True, slots=True)
class Mask:
    """A ground-truth region of an image, loaded on demand.

    Attributes:
        key: What identifies the content in fingerprints; never a path.
        load: Returns the mask as bool `[H, W]` at the original image's size.
    """

    key: str
    load: Callable[[], NDArray[np.bool_]]

    @classmethod
    def of(cls, array: ArrayLike, key: str | None = None) -> Mask:
        """A mask in memory, `[H, W]`; non-zero is inside. Its key is the content's SHA-256 unless one is given."""
        fixed = np.asarray(array).astype(bool)
        content = repr(fixed.shape).encode() + np.packbits(fixed).tobytes()
        return cls(key or hashlib.sha256(content).hexdigest(), lambda: fixed)

    @classmethod
    def file(cls, path: Path, key: str) -> Mask:
        """A mask in an image file; non-zero is inside."""
        return cls(key, lambda: _read(path))


def _read(path: Path) -> NDArray[np.bool_]:
    from PIL import Image

    try:
        with Image.open(path) as image:
            return np.asarray(image) != 0
    except OSError as error:
        raise ImageError(f"cannot read the mask {path}: {error}; write or download the data set again") from error
