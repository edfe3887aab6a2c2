"""What a method is asked."""

from __future__ import annotations

from dataclasses import dataclass

from .radiograph import Radiograph


@dataclass(frozen=True)
class Query:
    """All that a method may know of a sample.

    Attributes:
        image: The loaded image.
        phrase: The text to ground.
        pathology: The sample's class.
    """

    image: Radiograph
    phrase: str
    pathology: str
