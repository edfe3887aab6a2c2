"""Values of the view that a method does not give itself: how they are marked, and how they are left out."""

from __future__ import annotations

from .schema import ResultFile

DERIVED = "°"
"""The mark of such a value, the same in every table."""

DERIVED_SAID = (
    f"{DERIVED}: derived; the method gives no boxes and these are read off its map, or it gives no map and this is "
    "made of its boxes."
)
"""What the mark means."""

NATIVE_SAID = "Only native: methods whose values would be derived from another kind of answer are left out."


def is_derived(info: ResultFile, key: str) -> bool:
    """Whether a metric of a result is of the view that its method does not give."""
    return key in (info.derived or ())


def can_derive(info: ResultFile) -> bool:
    """Whether a result's protocol makes one view out of the other, so that its tables say which values are derived."""
    return info.derived is not None
