"""What tuned prompts learn from: images with phrases that name places, and where these places usually are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ....core import ImageSize, Radiograph
from ....core.anatomy import Gaussian, locations_of, place_values, regions_of
from ....core.place_table import PlaceTable
from .frame import square_extent
from .recipes import Recipe, Trained


@dataclass(frozen=True)
class Example:
    """A phrase that names a place, on an image.

    Attributes:
        key: Tells the image from others.
        size: (width, height) of the image.
        open: Reads the image.
        phrase: The phrase.
        pathology: Its class.
    """

    key: str
    size: ImageSize
    open: Callable[[], Radiograph]
    phrase: str
    pathology: str


def usable(examples: Iterable[Example], recipe: Recipe) -> list[Example]:
    """The examples whose phrases name a place that a recipe can learn, in order.

    A zone whose side the phrase does not say is a place, and no location with a vector of its own.
    """
    named = locations_of if recipe.trained is Trained.LOCATIONS else regions_of
    return [one for one in examples if named(one.phrase)]


def samples_per_location(examples: Sequence[Example]) -> dict[str, int]:
    """How many phrases name each location, the most frequent first."""
    counted = Counter(location for one in examples for location in locations_of(one.phrase))
    return dict(sorted(counted.items(), key=lambda pair: (-pair[1], pair[0])))


def target(
    table: PlaceTable, phrase: str, image_size: ImageSize, grid: tuple[int, int], shift: Tensor | None = None
) -> Tensor:
    """The Gaussians of a phrase's places on the square that the network sees.

    Args:
        table: Where places are.
        phrase: A phrase that names at least one.
        image_size: (width, height) of the image.
        grid: (height, width) of the result.
        shift: What is added to centres and deviations, `[4]` as (x, y, sigma_x, sigma_y), in shares of the sides.

    Returns:
        float32 `[height, width]` in [0, 1].
    """
    gaussians = table.of_phrase(phrase)
    if shift is not None:
        gaussians = tuple(_shifted(one, shift.tolist()) for one in gaussians)
    square, (width, height) = square_extent(image_size), image_size
    x = (square.x0 + (np.arange(grid[1]) + 0.5) / grid[1] * square.width) / width
    y = (square.y0 + (np.arange(grid[0]) + 0.5) / grid[0] * square.height) / height
    return torch.from_numpy(place_values(gaussians, x, y)).float()


def _shifted(one: Gaussian, shift: Sequence[float]) -> Gaussian:
    x, y, wide, high = (value + more for value, more in zip(one.as_tuple(), shift, strict=True))
    # A deviation is never less than half of what it was: the shift may be larger than an apex's.
    return Gaussian(x, y, max(wide, one.sigma_x / 2), max(high, one.sigma_y / 2))
