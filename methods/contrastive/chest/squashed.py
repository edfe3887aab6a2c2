"""Images squashed into a square, as KAD and MaCo take them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ....core import Radiograph


def squashed(images: Sequence[Radiograph], side: int) -> NDArray[np.float32]:
    """Grey values in 0..1 `[n, side, side]`, resized with PIL's bicubic filter."""
    from PIL.Image import Resampling

    found = [np.asarray(image.as_pil().resize((side, side), Resampling.BICUBIC)) for image in images]
    return np.stack(found).astype(np.float32) / np.float32(255)
