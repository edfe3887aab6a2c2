"""Regions of annotations, and the masks that several of them make."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..core import Box, ImageError, ImageSize, Mask, nearest_index
from ..core.fingerprint import digest


@dataclass(frozen=True, slots=True)
class Segmentation:
    """The region of one annotation, checked but not drawn yet.

    Attributes:
        key: SHA-256 of what was written.
        frame: (width, height) that it states itself, as runs do; None for polygons, which are in the image's frame.
        paint: Draws the mask `[H, W]` in a frame.
        bounds: The smallest box around the corners of polygons; None for runs, which cannot leave their frame.
    """

    key: str
    frame: ImageSize | None
    paint: Callable[[ImageSize], NDArray[np.bool_]]
    bounds: Box | None = None


def union_mask(parts: Sequence[tuple[Segmentation, ImageSize]], image_size: ImageSize) -> Mask:
    """The union of regions as a mask of an image, drawn when it is loaded.

    Args:
        parts: Regions, each with the frame (width, height) in which it was drawn.
        image_size: (width, height) of the image file, to which masks of another size are brought by nearest neighbour.
    """

    def load() -> NDArray[np.bool_]:
        mask = np.zeros((image_size[1], image_size[0]), dtype=np.bool_)
        for part, frame in parts:
            try:
                drawn = part.paint(frame)
            except ValueError as error:
                raise ImageError(f"a segmentation cannot be drawn: {error}") from error
            if frame != image_size:
                rows, columns = nearest_index(frame[1], image_size[1]), nearest_index(frame[0], image_size[0])
                drawn = drawn[np.ix_(rows, columns)]
            mask |= drawn
        return mask

    return Mask(digest("segmentation", [(part.key, frame) for part, frame in parts], image_size), load)
