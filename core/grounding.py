"""What a method answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .box import Box, ImageSize
from .heatmap import Heatmap

HEATMAP = "heatmap"
BOX = "box"
ABSOLUTE = "absolute"
"""Promised beside `HEATMAP` where scores mean the same in every image, from 0 to 1 with .5 between "not here" and
"here", as probabilities do: then a map can say that nothing is there."""


@dataclass(frozen=True)
class Written:
    """What a method wrote that answers in words, and all that it takes to read boxes out of it.

    It is kept with the answer, in the private store, so that a better parser needs no model. Boxes are read out of it
    by `groundcxr.methods.boxes.reading`; the evaluator does so itself each time it scores.

    Attributes:
        text: What was written.
        convention: What its numbers mean: `Convention.key`.
        input_size: (width, height) of the image that the model got; only conventions in pixels need it.
        score: The score of each box that is read, such as the mean log-probability of the text's tokens; None for none.
        most: How many boxes count, the first ones; None for all.
        parser: Version of the parser that the answer's boxes were read by; "" where none has read it.
    """

    text: str
    convention: str
    input_size: ImageSize | None = None
    score: float | None = None
    most: int | None = None
    parser: str = ""

    def __post_init__(self) -> None:
        if not isinstance(self.text, str):
            raise TypeError(f"what a method wrote must be a str, got {type(self.text).__name__}")


@dataclass(frozen=True, eq=False)
class Grounding:
    """A method's answer for one phrase: a heatmap, scored boxes, or both.

    Attributes:
        heatmap: The map, or None for a method that only answers with boxes.
        boxes: Boxes in original-image pixels, any number.
        truncated: Whether the phrase is longer than what the method's text encoder reads, so that its end had no say.
        written: What a method wrote that answers in words, from which the boxes are.
    """

    heatmap: Heatmap | None = None
    boxes: Sequence[Box] = ()
    truncated: bool = False
    written: Written | None = None

    def __post_init__(self) -> None:
        if self.heatmap is not None and not isinstance(self.heatmap, Heatmap):
            raise TypeError(f"a grounding's heatmap must be a Heatmap, got {type(self.heatmap).__name__}")
        boxes = tuple(self.boxes)
        for box in boxes:
            if not isinstance(box, Box):
                raise TypeError(
                    f"a grounding's boxes must be Box objects, got {type(box).__name__}; "
                    "write Box(x0, y0, x1, y1, score=s)"
                )
        object.__setattr__(self, "boxes", boxes)
        object.__setattr__(self, "truncated", bool(self.truncated))
        if self.written is not None and not isinstance(self.written, Written):
            raise TypeError(f"a grounding's written must be a Written, got {type(self.written).__name__}")

    @property
    def text(self) -> str | None:
        """What the method wrote, None where it does not answer in words."""
        return None if self.written is None else self.written.text
