"""Names that a reader takes for one and that count as several."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable, Sequence

from ..core.doubts import Doubt, Tally
from .annotations import Annotation

_WHITE_SPACE = "white space"
_FORM = "Unicode form"
_CASE = "upper and lower case"

_FOLDED: dict[str, Callable[[str], str]] = {
    _FORM: lambda name: unicodedata.normalize("NFC", name),
    # Invisible signs (zero-width spaces, byte order marks, soft hyphens) are of the category Cf.
    _WHITE_SPACE: lambda name: "".join(sign for sign in name if not (sign.isspace() or _invisible(sign))),
    _CASE: str.casefold,
}


def spellings(annotations: Sequence[Annotation]) -> list[Doubt]:
    """Names that differ in white space, Unicode form or (not phrases) upper and lower case alone.

    Looked at are the classes and the patients of the file, and the phrases of each image and class.

    Args:
        annotations: The rows.
    """
    tally = Tally()
    tell_alike("pathologies", (row.pathology for row in annotations), tally, case=True)
    tell_alike("patients", (row.patient for row in annotations if row.patient), tally, case=True)
    phrases: dict[tuple[str, str], list[str]] = {}
    for row in annotations:
        phrases.setdefault((row.image_id, row.pathology), []).append(row.phrase)
    for (image, _), written in phrases.items():
        tell_alike("phrases on one image", written, tally, case=False, place=f"{image}: ")
    return tally.doubts()


def tell_alike(what: str, names: Iterable[str], tally: Tally, *, case: bool, place: str = "") -> None:
    """Count the names that are written in several ways.

    Args:
        what: What they name, in the plural.
        names: The names, any number of times each.
        tally: Where they are counted.
        case: Whether names that differ in upper and lower case alone are alike.
        place: What goes before the example.
    """
    distinct = list(dict.fromkeys(names))
    if len(distinct) < 2:
        return
    alike: dict[str, list[str]] = {}
    for name in distinct:
        alike.setdefault(_folded(name, [_FORM, _WHITE_SPACE, *([_CASE] if case else [])]), []).append(name)
    for same in alike.values():
        if len(same) > 1:
            differences = _differences(same)
            # What cannot be seen is shown as Python writes it.
            shown = ", ".join(same if differences == [_CASE] else map(ascii, same))
            tally.add(f"{what} differ in {' and '.join(differences)} alone and count as different", place + shown)


def _differences(same: Sequence[str]) -> list[str]:
    """The fewest ways of writing that have to be overlooked for the names to be one."""
    needed = [_FORM, _WHITE_SPACE, _CASE]
    for kind in (_FORM, _WHITE_SPACE, _CASE):
        rest = [other for other in needed if other != kind]
        if len({_folded(name, rest) for name in same}) == 1:
            needed = rest
    return needed


def _folded(name: str, kinds: Iterable[str]) -> str:
    for kind in kinds:
        name = _FOLDED[kind](name)
    return name


def _invisible(sign: str) -> bool:
    return unicodedata.category(sign) == "Cf"
