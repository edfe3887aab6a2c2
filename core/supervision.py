"""What a method has learnt places from, beside images and texts: the label `supervision`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

Supervision = Literal["none", "weak: anatomy", "boxes"]

NONE: Supervision = "none"
ANATOMY: Supervision = "weak: anatomy"
BOXES: Supervision = "boxes"

SUPERVISIONS: tuple[Supervision, ...] = (NONE, ANATOMY, BOXES)
"""From nothing to the most: nothing that says where something is; where regions of the anatomy usually are; boxes or
masks, of findings or of things in any images."""

WORDS = {
    NONE: "no places",
    ANATOMY: "weakly supervised: mean boxes of anatomy",
    BOXES: "boxes or masks",
}
"""The labels in words."""


def strongest(labels: Iterable[Supervision | None]) -> Supervision | None:
    """The label of what several together have learnt from; None where it is not known.

    Args:
        labels: Those of the parts; None for what is not known.
    """
    order = (NONE, None, *SUPERVISIONS[1:])
    return max(labels, key=order.index, default=None)
