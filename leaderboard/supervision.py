"""What tables say of where methods have learnt places, and of phrases that give places away."""

from __future__ import annotations

from collections.abc import Sequence

from ..core.supervision import ANATOMY, BOXES, WORDS
from ..evaluation.place_notes import PLACES_SAID, WITHOUT_PRIOR_SAID, is_prior, names_true_places
from ..evaluation.schema import ResultFile

UNKNOWN = "not stated"
"""Of a method of which it is not known."""

_TAGS = {ANATOMY: "weakly supervised", BOXES: "learnt from boxes"}


def label_of(info: ResultFile) -> str:
    """The label of a result's method, for filters."""
    return info.supervision or UNKNOWN


def tag_of(info: ResultFile) -> tuple[str, str] | None:
    """A badge and what it means; None of a method that has learnt no places, or of which that is not known."""
    label = info.supervision
    return (_TAGS[label], WORDS[label]) if label in _TAGS else None


def supervision_said(named: Sequence[tuple[str, ResultFile]]) -> list[str]:
    """Which methods of a table have learnt places, and from what; a sentence each.

    Args:
        named: The results of the table, each behind the name of its row.
    """
    said = []
    for label, start in (
        (ANATOMY, "Weakly supervised, by mean boxes of anatomy"),
        (BOXES, "Learnt from boxes or masks"),
    ):
        names = dict.fromkeys(name for name, info in named if info.supervision == label)
        if names:
            said.append(f"{start}: {', '.join(names)}.")
    return said


def places_said(infos: Sequence[ResultFile]) -> list[str]:
    """That the phrases give the places of the true boxes away, and whether what reads nothing else stands beside."""
    if not any(names_true_places(info.dataset) for info in infos):
        return []
    return [PLACES_SAID if any(is_prior(info.method) for info in infos) else f"{PLACES_SAID} {WITHOUT_PRIOR_SAID}"]
