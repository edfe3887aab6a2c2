"""What a network that answers with boxes gets of a radiograph: 8-bit RGB, of sides that its processor leaves alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ...core import ImageSize, Radiograph

if TYPE_CHECKING:
    from PIL.Image import Image


def as_rgb(image: Radiograph) -> Image:
    """The 8-bit view with three equal channels; processors refuse grey pictures or clip those of 16 bits."""
    return image.as_pil().convert("RGB")


def padded_to_square(picture: Image) -> Image:
    """A picture with black at both ends of its shorter side, of an odd rest more at the right or the bottom."""
    import PIL.Image

    side = max(picture.size)
    square = PIL.Image.new(picture.mode, (side, side))
    square.paste(picture, ((side - picture.width) // 2, (side - picture.height) // 2))
    return square


def resized(picture: Image, size: ImageSize) -> Image:
    """A picture of another size, as Qwen-VL's processors resize."""
    import PIL.Image

    return picture if picture.size == size else picture.resize(size, PIL.Image.Resampling.BICUBIC)


def network_picture(inputs: Mapping[str, Any], image_processor: Any) -> NDArray[np.float32]:
    """The whole picture `[channels, h, w]` as the network gets the first one, from what its processor made.

    Args:
        inputs: What the processor made.
        image_processor: The part of it that makes pictures.
    """
    values = inputs["pixel_values"]
    if "image_grid_thw" in inputs:
        return _together(values, inputs["image_grid_thw"][0].tolist(), image_processor)
    tiles = values[0] if values.ndim == 5 else values
    # Of a picture in tiles one shows all of it: LLaVA's first, which pads with empty ones, or the last (InternVL).
    overview = tiles[0 if "image_sizes" in inputs else -1]
    return overview.float().numpy()


def _together(patches: Any, grid: list[int], image_processor: Any) -> NDArray[np.float32]:
    """The picture of Qwen-VL's patches `[n, channels * frames * side * side]`: in blocks, all frames alike."""
    side, block, frames = image_processor.patch_size, image_processor.merge_size, image_processor.temporal_patch_size
    _, rows, columns = grid
    found = patches[: rows * columns].float().numpy()
    found = found.reshape(rows // block, columns // block, block, block, -1, frames, side, side)[..., 0, :, :]
    return found.transpose(4, 0, 2, 5, 1, 3, 6).reshape(-1, rows * side, columns * side)
