"""Conditions in words: what one is, and what it did to ground truth and phrases that a reader should know."""

from __future__ import annotations

from ..core.alterations import KINDS
from ..core.doubts import Doubt, Tally
from .plan import Selection
from .schema import ConditionInfo

CLIPPED = "boxes reach into what the condition cuts off, and are clipped"
LOST = "boxes lie where the condition cuts off, and are gone"
SAME = "phrases are as they were: the condition finds nothing to change in them"


def describe_condition(condition: ConditionInfo) -> str:
    """A condition in a few words, with what a command line calls it."""
    kind = KINDS.get(condition.name)
    return condition.label if kind is None else f"{kind.said} ({condition.label})"


def condition_doubts(selection: Selection) -> list[Doubt]:
    """How many boxes were clipped or lost, and how many phrases are as they were; nothing where there is no condition.

    Args:
        selection: The run's samples.
    """
    condition = selection.condition
    if condition is None:
        return []
    tally = Tally()
    words = KINDS[condition.name].phrase is not None
    for before, after in zip(selection.plain, selection.samples, strict=True):
        where = f"sample {before.sample_id}"
        if words and before.phrase == after.phrase:
            tally.add(SAME, where)
        for box in before.boxes:
            moved = condition.box(box, before.image_size)
            if not moved.inside(after.image_size):
                tally.add(CLIPPED if moved.clipped(after.image_size).area > 0 else LOST, where)
    return tally.doubts()
