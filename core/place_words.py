"""The places that a phrase names: sides, zones of the lungs and the heart, by rules over its words.

The words are those of English reports. A zone belongs to the side that is named with it: "right upper and left lower
lobe" are two places, "left and right lower lobes" are two others. What is denied ("no left effusion", "the right lung
is clear") names nothing. `VERSION` is raised with every change of a rule, since answers rest on them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from .altered_phrases import written_out

VERSION = "1"

SIDES = ("right", "left")
LUNGS, HEART, PLEURAL = "lungs", "heart", "pleural"

THIRDS = {
    "apical": "upper",
    "upper": "upper",
    "middle": "mid",
    "lingular": "mid",
    "lower": "lower",
    "base": "lower",
    "costophrenic": "lower",
}
"""The third of a lung that a zone is or lies in; the apex is the upper one's top, the angle the lower one's corner."""

_SIDES_OF = {"left": ("left",), "right": ("right",), "both": SIDES}

_WORDS: dict[str, tuple[str, str]] = {
    **dict.fromkeys(("left", "leftward", "leftwards"), ("left", "")),
    **dict.fromkeys(("right", "rightward", "rightwards"), ("right", "")),
    **dict.fromkeys(("bilateral", "bilaterally", "both"), ("both", "")),
    **dict.fromkeys(("bibasilar", "bibasal"), ("both", "base")),
    "biapical": ("both", "apical"),
    **dict.fromkeys(("apex", "apices", "apical", "apically", "apicolateral"), ("", "apical")),
    **dict.fromkeys(("upper", "suprahilar"), ("", "upper")),
    **dict.fromkeys(("mid", "midlung", "midlungs", "midzone", "midzones", "middle"), ("", "middle")),
    **dict.fromkeys(("perihilar", "parahilar", "hilar"), ("", "middle")),
    **dict.fromkeys(("lingula", "lingular"), ("", "lingular")),
    **dict.fromkeys(("lower", "infrahilar", "retrocardiac"), ("", "lower")),
    **dict.fromkeys(("base", "bases", "basal", "basally", "basilar", "subpulmonic"), ("", "base")),
    "costophrenic": ("", "costophrenic"),
    "pleural": ("", PLEURAL),
    "middlelobe": ("", "middle"),
}
"""The side and the zone that a word names."""

_IMPLIED = {"lingula": "left", "lingular": "left", "retrocardiac": "left", "middlelobe": "right"}
"""The side of what only one side has, or (behind the heart) shows on one, where the phrase names none."""

_HEART_WORDS = ("heart", "cardiac", "cardiomegaly", "cardiomegalic", "cardiomediastinal")
_LUNG_WORDS = ("lungs", "pulmonary")

_HEART = re.compile(
    r"\b(?:cardiomegal\w+|cardiomediastinal|cardiac(?=\s+(?:silhouette|contours?|size|shadow|outline|enlargement)\b)"
    r"|heart(?!\s+(?:failure|borders?|surgery|disease|valves?|rate)\b))",
    re.IGNORECASE,
)
_LUNGS = re.compile(r"\b(?:lungs|pulmonary(?!\s+(?:arter\w+|veins?|venous|trunk|hil\w+|embol\w+)\b))\b", re.IGNORECASE)

_READ_AS: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), word)
    for pattern, word in (
        (r"\b(?-i:Lt?)\b(?![-/\d])\.?", "left"),
        (r"\b(?-i:Rt?)\b(?![-/\d])\.?", "right"),
        (r"\b(left|right)[- ]sided\b", r"\1"),
        (r"\bsuperior(?=\s+(?:lobes?|lungs?|zones?)\b)", "upper"),
        (r"\binferior(?=\s+(?:lobes?|lungs?|zones?)\b)", "lower"),
        (r"\bmiddle\s+lobes?\b", "middlelobe"),
        (r"\bCP(?=\s+(?:angles?|sulc\w+)\b)", "costophrenic"),
        (r"\bretro[- ]cardiac\b|\bbehind\s+the\s+(?:heart|cardiac\s+silhouette)\b", "retrocardiac"),
        # Words of sides, zones and the heart that are part of another name, or say what is beside the place.
        (r"\b(?:left|right)\s+(?:ventric\w+|atri\w+)", " "),
        (
            r"\b(?:(?:left|right)\s+)?(?:upper|lower|mid|middle)\s+(?:abd\w+|quadrant|extremit\w+|mediastin\w+"
            r"|esophag\w+|SVC|superior\s+vena|trachea|thoracic|cervical)\w*",
            " ",
        ),
        (
            r"\b(?:cardiac\s+apex|apex\s+of\s+the\s+heart|(?:heart|skull)\s+base|base\s+of\s+the\s+(?:heart|neck))\b",
            " ",
        ),
        (
            r"\b(?:obscur\w+|overl\w+|adjacent\s+to|next\s+to|near|along|lateral\s+to|above|below|beside|over)\s+"
            r"(?:the\s+)?(?:heart|cardiac\s+silhouette)\b",
            " ",
        ),
        (r"\b(left|right)\s+(?:lung|hemithorax)\s+and\b", r"\1; "),
        # Of two sides one more than the other: both are named.
        (
            r"\b(?:left|right)\s*(?:[<>]|(?:is\s+|are\s+)?(?:\w+ly\s+|much\s+)?"
            r"(?:greater|more|worse|larger|less|smaller)(?:\s+\w+)?\s+than)\s*(?:on\s+)?(?:the\s+)?(?:left|right)\b",
            "bilateral",
        ),
        (r"\b(?:unilateral|contralateral|ipsilateral)\b", " "),
    )
)

_DENIED = re.compile(
    r"\b(?:no|not|without|neither|rather\s+than|instead\s+of|free\s+of|negative\s+for|spar(?:es|ing))\b"
    r"(?!\s+(?:\w+\s+){0,2}(?:changed?|excluded)\b)[^,;.]*?(?=[,;.]|\s+(?:but|however|although)\b|$)"
    r"|\b(?:(?:the|left|right|both|upper|lower|mid|middle|remaining)\s+){0,4}"
    r"(?:lungs?|lobes?|zones?|fields?|bases?|apex|apices|heart|heart\s+size|cardiac\s+silhouette|hemithorax|side)"
    r"\s+(?:is|are|remains?|appears?)\s+(?:\w+ly\s+)?(?:clear|normal|unremarkable|spared)\b",
    re.IGNORECASE,
)
_CLAUSES = re.compile(r"[;.]\s|\s+(?:but|while|whereas|with)\s+", re.IGNORECASE)


@dataclass(frozen=True)
class Spot:
    """One place that a phrase names.

    Attributes:
        side: "left", "right", or "" where the phrase does not say.
        zone: A key of `THIRDS`, `PLEURAL`, or "" for the whole side; `LUNGS` and `HEART` for what has no side.
    """

    side: str
    zone: str


def spots_of(phrase: str) -> tuple[Spot, ...]:
    """The places that a phrase names, each once: the right before the left, then in the order of the words.

    "Pleural" counts with a side alone, since "pleural effusion" is a finding's name, and where that side has no other
    zone; a side with a zone does not stand for the whole side too, and a zone without a side is on those that the rest
    of the phrase names.

    Args:
        phrase: In English; abbreviations such as "RLL" and "b/l" are read.
    """
    text = written_out(phrase)
    for pattern, word in _READ_AS:
        text = pattern.sub(word, text)
    text = _DENIED.sub(" ", text)
    named = [pair for clause in _CLAUSES.split(text) for pair in _pairs(clause)]
    said = [side for side in SIDES if any(side == one for one, _ in named)]
    named = [(one, zone) for side, zone in named for one in ([side] if side else said or [""])]
    places = (*SIDES, "")
    zones_of = {place: {zone for side, zone in named if side == place and zone} for place in places}
    found: dict[Spot, None] = {}
    for side, zone in sorted(named, key=lambda pair: places.index(pair[0])):
        is_said_closer = bool(zones_of[side] - {zone, PLEURAL}) if zone == PLEURAL else not zone and zones_of[side]
        if not is_said_closer and not (zone == PLEURAL and not side):
            found[Spot(side, zone)] = None
    if not found and _LUNGS.search(text):
        found[Spot("", LUNGS)] = None
    if _HEART.search(text):
        found[Spot("", HEART)] = None
    return tuple(found)


def named_place(phrase: str) -> tuple[str, str]:
    """The side ("left", "right", "both") and third ("upper", "mid", "lower") that a phrase names; "" for none.

    A phrase that names left and right means both sides; one that names two thirds is taken to name both, as
    "mid lower".
    """
    spots = spots_of(phrase)
    sides = {spot.side for spot in spots if spot.side}
    thirds = {THIRDS[spot.zone] for spot in spots if spot.zone in THIRDS}
    side = "both" if len(sides) > 1 else "".join(sides)
    return side, " ".join(third for third in ("upper", "mid", "lower") if third in thirds)


def is_place_word(word: str) -> bool:
    """Whether a word is of a place: a side, a zone, the heart, or both lungs ("lungs", "pulmonary").

    Args:
        word: As it stands in a phrase, in upper or lower case.
    """
    word = word.strip(".,;:()").lower()
    return word in _WORDS or word in _HEART_WORDS or word in _LUNG_WORDS


def _pairs(clause: str) -> list[tuple[str, str]]:
    """(side, zone) of a clause, each "" where it is not said.

    A zone goes with the sides before it; where the clause names a zone first, with those behind it ("at the base on the
    left").
    """
    words = [word for word in re.findall(r"[a-z]+", clause.lower()) if word in _WORDS]
    found = [(side, zone) for word in words for side, zone in _whole(*_WORDS[word])]
    rest = [word for word in words if not all(_WORDS[word])]
    first = rest[0] if rest else ""
    groups: list[list[str]] = []
    for before, word in zip([first, *rest], rest, strict=False):
        begins = _names_side(word) == _names_side(first) and _names_side(before) != _names_side(first)
        if begins or not groups:
            groups.append([])
        groups[-1].append(word)
    for group in groups:
        sides = [side for word in group if _names_side(word) for side in _SIDES_OF[_WORDS[word][0]]]
        zones: Sequence[str] = [word for word in group if not _names_side(word)] or [""]
        for word in zones:
            zone = _WORDS[word][1] if word else ""
            found += [(side, zone) for side in sides or [_IMPLIED.get(word, "")]]
    return found


def _whole(side: str, zone: str) -> list[tuple[str, str]]:
    """The pairs of a word that names both, such as "bibasilar"."""
    return [(one, zone) for one in _SIDES_OF[side]] if side and zone else []


def _names_side(word: str) -> bool:
    return bool(word and _WORDS[word][0])
