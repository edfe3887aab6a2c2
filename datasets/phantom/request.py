"""What is asked of the generator: checked options, and whether all of it is drawn already."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from ...core import DatasetError, unknown_name
from .cache import SplitCache
from .parameters import Parameters

SPLIT_IMAGES = {"train": 4000, "val": 400, "test": 400}
"""Images of each split unless another number is asked for."""

SIZE = 256
"""Width and height of the images in pixels unless another one is asked for."""

_SIZES = range(64, 4097)


@dataclass(frozen=True)
class Request:
    """The options of the phantom.

    Attributes:
        split: A split's name, or "all".
        seed: Another seed is another data set of the same kind.
        size: Width and height of the images in pixels.
        images: How many of each split; None for the split's own number.
    """

    split: str
    seed: int
    size: int
    images: int | None

    @classmethod
    def of(cls, split: str, *, seed: Any = 0, size: Any = SIZE, images: Any = None) -> Self:
        """Check options, as numbers or as the command line's text.

        Args:
            split: "train", "val", "test" or "all".
            seed: Not negative.
            size: 64 to 4096.
            images: At least 1, or None.

        Raises:
            DatasetError: If an option is impossible.
            UnknownNameError: For another split.
        """
        seed, size = _whole("seed", seed), _whole("size", size)
        count = None if images is None else _whole("images", images)
        if split != "all" and split not in SPLIT_IMAGES:
            raise unknown_name("split", split, ["all", *SPLIT_IMAGES])
        if size not in _SIZES:
            raise DatasetError(f"the phantom's size must be {_SIZES[0]} to {_SIZES[-1]} pixels, not {size}")
        if seed < 0:
            raise DatasetError(f"the phantom's seed must not be negative, and it is {seed}")
        if count is not None and count < 1:
            raise DatasetError(f"the phantom needs at least one image, and images={count}")
        return cls(split, seed, size, count)

    def images_of(self, split: str) -> int:
        """How many images a single split has."""
        return self.images or SPLIT_IMAGES[split]

    @property
    def splits(self) -> tuple[str, ...]:
        """The single splits that are asked for."""
        return tuple(SPLIT_IMAGES) if self.split == "all" else (self.split,)

    @property
    def is_small(self) -> bool:
        """Whether it asks for no more than the default does: 400 images of 256 x 256 pixels, drawn in seconds."""
        return sum(map(self.images_of, self.splits)) <= SPLIT_IMAGES["test"] and self.size <= SIZE

    def is_drawn(self, folder: Path, p: Parameters) -> bool:
        """Whether a folder of drawn images holds all of them; stops looking at the first that it lacks."""
        return all(
            SplitCache(folder, p, self.seed, self.size, name).holds(self.images_of(name)) for name in self.splits
        )


def _whole(option: str, value: Any) -> int:
    # The command line hands options over as text.
    try:
        number = int(value)
        if number == float(value):
            return number
    except (TypeError, ValueError, OverflowError):
        pass
    raise DatasetError(f"the phantom's option {option} must be a whole number, not {value!r}")
