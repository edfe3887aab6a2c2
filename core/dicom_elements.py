"""Reading elements of a DICOM data set that may be absent, empty, damaged or of another kind than the standard says."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from pydicom import Dataset
from pydicom.datadict import dictionary_description, tag_for_keyword
from pydicom.tag import Tag

from .decoded import UnreadableError

EXPORT_AGAIN = "export it again, as DICOM with this element or as PNG"


def count(header: Dataset, keyword: str) -> int:
    """An element that is a whole number of at least 1.

    Raises:
        UnreadableError: If it is absent or something else.
    """
    value = needed(header, keyword)
    try:
        whole = int(value)
    except (TypeError, ValueError):
        whole = 0
    if whole < 1:
        raise UnreadableError(
            f"its element {element_name(keyword)} is {str(value)!r}, not a number above 0", EXPORT_AGAIN
        )
    return whole


def needed(header: Dataset, keyword: str) -> Any:
    """An element's value, where no picture can be made without it.

    Raises:
        UnreadableError: If it is absent, empty or damaged.
    """
    try:
        value = header.get(keyword)
    except Exception as error:  # pydicom converts on access, and raises what the converter does
        raise UnreadableError(f"its element {element_name(keyword)} is damaged ({error})", EXPORT_AGAIN) from error
    if value is None or value == "":
        raise UnreadableError(f"it lacks the element {element_name(keyword)}", EXPORT_AGAIN)
    return value


def element_name(keyword: str) -> str:
    """An element's name and number: "Rows (0028,0010)"."""
    tag = Tag(tag_for_keyword(keyword) or 0)
    return f"{dictionary_description(tag)} ({tag.group:04X},{tag.element:04X})"


def numbers(header: Dataset, keyword: str) -> list[float | None]:
    """An element's numbers, None for each that is not finite or no number; empty where there is no element."""
    try:
        value = header.get(keyword)
    except Exception:  # pydicom converts on access, and raises what the converter does
        return [None]
    if value is None or value == "":
        return []
    many = value if isinstance(value, Sequence) and not isinstance(value, (str, bytes)) else [value]
    return [_finite(one) for one in many]


def number(header: Dataset, keyword: str) -> float | None:
    """The first of an element's numbers; None where it is absent, not finite or no number."""
    found = numbers(header, keyword)
    return found[0] if found else None


def _finite(value: Any) -> float | None:
    try:
        found = float(value)
    except (TypeError, ValueError):
        return None
    return found if math.isfinite(found) else None
