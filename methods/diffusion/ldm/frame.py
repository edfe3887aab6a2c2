"""Where the network's square input lies on the image, and the image in that square."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ....core import Box, ImageSize, Radiograph

if TYPE_CHECKING:
    import torch


def input_size(unet: Any, vae: Any) -> int:
    """The side of the images that a model was trained on, in pixels: 512 for the paper's checkpoint."""
    return int(unet.config.sample_size) * 2 ** (len(vae.config.block_out_channels) - 1)


def network_input(images: Sequence[Radiograph], size: int) -> torch.Tensor:
    """Images as `[B, 1, size, size]` in [0, 1]: shorter side to `size`, then the centre square.

    The paper's code resizes bilinearly without antialiasing, with torchvision's rounding of the longer side, and crops
    as MONAI's CenterSpatialCrop does; so does this.
    """
    import torch
    import torch.nn.functional as functional

    squares: list[torch.Tensor] = []
    for image in images:
        width, height = image.size
        short = min(width, height)
        scaled = (int(size * height / short), int(size * width / short))
        pixels = torch.from_numpy(image.as_unit_float())[None, None]
        resized = functional.interpolate(pixels, size=scaled, mode="bilinear", align_corners=False, antialias=False)
        top, left = scaled[0] // 2 - size // 2, scaled[1] // 2 - size // 2
        squares.append(resized[:, :, top : top + size, left : left + size])
    return torch.cat(squares)


def square_extent(image_size: ImageSize) -> Box:
    """The centre square of an image, as the paper's code pads its map back: the odd pixel is right or below."""
    width, height = image_size
    side = min(width, height)
    x0, y0 = (width - side) // 2, (height - side) // 2
    return Box(x0, y0, x0 + side, y0 + side)
