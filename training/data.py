"""What the models may see of phantoms: images, findings and phrases. No box and no mask is read."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from groundcxr import load_dataset

_SIDES = {"left": "right", "right": "left"}
_OTHER_SIDE = re.compile(r"\b(left|right)\b")


@dataclass(frozen=True)
class Statement:
    """A phrase of an image, with the finding that it is about."""

    pathology: str
    phrase: str


@dataclass(frozen=True)
class Images:
    """Images with what their reports say.

    Attributes:
        pixels: uint8 `[N, H, W]`.
        statements: The statements of each image.
    """

    pixels: NDArray[np.uint8]
    statements: tuple[tuple[Statement, ...], ...]

    @property
    def phrases(self) -> list[str]:
        """Every phrase once, sorted."""
        return sorted({one.phrase for mine in self.statements for one in mine})


def load_images(split: str, count: int) -> Images:
    """The first images of a split of the phantom, drawn if need be.

    Args:
        split: "train", or "val" to look at the loss on patients that were not trained on.
        count: How many images.
    """
    by_image: dict[Path, list[Statement]] = {}
    for sample in load_dataset("phantom", split=split, images=count):
        by_image.setdefault(sample.image_path, []).append(Statement(sample.pathology, sample.phrase))
    pixels = np.stack([np.asarray(Image.open(path)) for path in by_image])
    return Images(pixels, tuple(map(tuple, by_image.values())))


def other_side(statement: Statement, mine: tuple[Statement, ...]) -> str | None:
    """The statement about the other side, where that is surely wrong: the phrase is all that is said of its finding.

    Args:
        statement: Of an image.
        mine: All statements of that image.
    """
    alone = sum(one.pathology == statement.pathology for one in mine) == 1
    if not alone or len(_OTHER_SIDE.findall(statement.phrase)) != 1:
        return None
    return _OTHER_SIDE.sub(lambda found: _SIDES[found[0]], statement.phrase)
