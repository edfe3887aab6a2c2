"""Where a network's input lies on the original image, to the pixel: boxes and maps back from it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .box import Box, ImageSize
from .errors import MethodError
from .heatmap import Heatmap, copied, nearest_index

MODES = ("letterbox", "crop", "squash")


@dataclass(frozen=True)
class InputFrame:
    """How an image is resized and then cropped or padded into a network's input.

    Attributes:
        image_size: (width, height) of the original image.
        input_size: (width, height) of the network's input.
        resized: (width, height) after the resize.
        offset: (x, y) of the resized image's corner in the input; negative where it is cropped, positive where padded.
    """

    image_size: ImageSize
    input_size: ImageSize
    resized: ImageSize
    offset: tuple[int, int]

    def box(self, box: Box) -> Box:
        """A box of the input, in the original image's pixels; in padding it reaches beyond the image."""
        (sx, sy), (dx, dy) = self._scale(), self.offset
        return Box((box.x0 - dx) * sx, (box.y0 - dy) * sy, (box.x1 - dx) * sx, (box.y1 - dy) * sy, box.score)

    def to_input(self, box: Box) -> Box:
        """A box of the original image, in the input's pixels; where it is cropped it reaches beyond the input."""
        (sx, sy), (dx, dy) = self._scale(), self.offset
        return Box(box.x0 / sx + dx, box.y0 / sy + dy, box.x1 / sx + dx, box.y1 / sy + dy, box.score)

    def heatmap(self, values: ArrayLike, patch_size: ImageSize | None = None) -> Heatmap:
        """The heatmap of a grid over the input.

        Padding is cut off. Where it ends inside a patch, the grid is repeated first, as often as the cut needs; each
        cell keeps the pixels that its patch saw. What a crop leaves out is outside the extent.

        Args:
            values: One value for each patch `[h, w]`; the grid starts in the input's top-left corner.
            patch_size: (width, height) of a patch in the input's pixels; None for a grid over the whole input.
        """
        grid = copied(values)
        if grid.ndim != 2 or grid.size == 0:
            raise ValueError(f"a heatmap's values must have shape [h, w], got {list(grid.shape)}")
        if patch_size is None:
            grid, patch_size = self._divided(grid)
        rows, columns = grid.shape
        x0, x1, repeat_x, keep_x = self._axis(0, columns, patch_size[0])
        y0, y1, repeat_y, keep_y = self._axis(1, rows, patch_size[1])
        fine = grid.repeat(repeat_y, axis=0).repeat(repeat_x, axis=1)
        return Heatmap(fine[keep_y, keep_x], Box(x0, y0, x1, y1), self.image_size)

    def _divided(self, grid: NDArray[np.float32]) -> tuple[NDArray[np.float32], ImageSize]:
        """A grid over the whole input whose cells are whole pixels of it, and how many."""
        patches: list[int] = []
        for axis, size in ((1, self.input_size[0]), (0, self.input_size[1])):
            cells = grid.shape[axis]
            if size % cells:
                grid, cells = grid.take(nearest_index(cells, size), axis=axis), size
            patches.append(size // cells)
        return grid, (patches[0], patches[1])

    def _scale(self) -> tuple[float, float]:
        """How many of the original image's pixels one of the resized image's is, in x and y."""
        return self.image_size[0] / self.resized[0], self.image_size[1] / self.resized[1]

    def _axis(self, axis: int, cells: int, patch: int) -> tuple[int, int, int, slice]:
        """First and last-plus-one original pixel, how often a cell is repeated, and which of the cells are kept."""
        original, resized, offset = self.image_size[axis], self.resized[axis], self.offset[axis]
        start, stop = max(offset, 0), min(offset + resized, cells * patch)
        step = math.gcd(start, stop, patch)
        scale = original / resized
        low = math.floor((start - offset) * scale + 0.5)
        high = math.floor((stop - offset) * scale + 0.5)
        low = min(low, original - 1)
        return low, max(high, low + 1), patch // step, slice(start // step, stop // step)


def fit_frame(image_size: ImageSize, input_size: ImageSize, mode: str) -> InputFrame:
    """Where an image lies in a network's input; rounded as open_clip's evaluation transforms do.

    Args:
        image_size: (width, height) of the original image.
        input_size: (width, height) of the network's input.
        mode: "letterbox" (resize to fit, pad evenly), "crop" (resize to cover, cut the centre out) or "squash" (the
            whole image, whatever its shape).

    Raises:
        MethodError: If the mode is unknown, or the image so narrow that nothing is left of it.
    """
    width, height = input_size
    if mode == "squash":
        return InputFrame(image_size, input_size, input_size, (0, 0))
    if mode not in MODES:
        raise MethodError(f"an image cannot be made to fit by {mode!r}; choose one of {', '.join(MODES)}")
    if mode == "crop" and width == height:
        # torchvision's Resize to one number rounds the longer side down.
        short, long = min(image_size), max(image_size)
        other = int(width * long / short)
        resized = (width, other) if image_size[0] <= image_size[1] else (other, width)
    else:
        ratios = (image_size[0] / width, image_size[1] / height)
        ratio = max(ratios) if mode == "letterbox" else min(ratios)
        resized = (round(image_size[0] / ratio), round(image_size[1] / ratio))
    if min(resized) < 1:
        raise MethodError(
            f"an image of {image_size[0]}x{image_size[1]} pixels is too narrow for {width}x{height} input"
        )
    return InputFrame(image_size, input_size, resized, (_centre(resized[0], width), _centre(resized[1], height)))


def _centre(size: int, frame: int) -> int:
    """Where a side starts in a frame that it is centred in, with the rounding of torchvision's crop and its pad."""
    return (frame - size) // 2 if size <= frame else -round((size - frame) / 2)
