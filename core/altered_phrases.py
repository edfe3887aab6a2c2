"""Phrases that become others: the other side's word, and the same thing in other words."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cache

from .wordings import ABBREVIATIONS, NOT_SIDES, SYNONYMS

_SIDES = {
    "left": "right",
    "right": "left",
    "leftward": "rightward",
    "rightward": "leftward",
    "leftwards": "rightwards",
    "rightwards": "leftwards",
    "lul": "rul",
    "rul": "lul",
    "lml": "rml",
    "rml": "lml",
    "lll": "rll",
    "rll": "lll",
    "izquierdo": "derecho",
    "derecho": "izquierdo",
    "izquierda": "derecha",
    "derecha": "izquierda",
    "izquierdos": "derechos",
    "derechos": "izquierdos",
    "izquierdas": "derechas",
    "derechas": "izquierdas",
    "levoscoliosis": "dextroscoliosis",
    "dextroscoliosis": "levoscoliosis",
}
"""Words of a side and of the other one, in English reports and in PadChest's Spanish."""

_SHORT = {"L": "R", "R": "L", "Lt": "Rt", "Rt": "Lt", "lt": "rt", "rt": "lt"}
"""Alone and as they are spelt here alone: "R > L", "Lt base"; "RT" is radiotherapy."""

_LEFT = {
    *("L", "Lt", "lt", "lul", "lml", "lll", "levoscoliosis"),
    *(word for word in _SIDES if word.startswith(("left", "izquierd"))),
}
_EITHER = re.compile(rf"\b(?:(?i:{'|'.join(_SIDES)})|{'|'.join(_SHORT)})\b")
_BOTH = re.compile(
    r"\b(?:both|bilateral|bilaterally|bilaterales|bibasilar|bibasal|biapical|ambos|ambas)\b", re.IGNORECASE
)


def swap_sides(phrase: str) -> str:
    """The phrase with left for right and right for left; upper and lower case stay as they are."""
    return _EITHER.sub(lambda found: _SHORT.get(found[0]) or _cased(_SIDES[found[0].lower()], found[0]), phrase)


def names_one_side(phrase: str) -> bool:
    """Whether a phrase speaks of one side and not of both, so that the other side's word makes it wrong."""
    named = {(word if word in _SHORT else word.lower()) in _LEFT for word in _EITHER.findall(phrase)}
    return len(named) == 1 and not _BOTH.search(phrase)


def with_full_stop(phrase: str) -> str:
    """The phrase as a sentence that ends."""
    text = phrase.rstrip()
    return text if text.endswith((".", "!", "?")) else f"{text.rstrip(',;:')}."


def written_out(phrase: str) -> str:
    """The phrase without the abbreviations of `wordings.ABBREVIATIONS`."""
    return _replaced(phrase, _abbreviations)


def with_synonyms(phrase: str) -> str:
    """The phrase in the other words of `wordings.SYNONYMS`."""
    return _replaced(phrase, _synonyms)


@cache
def _abbreviations() -> tuple[re.Pattern[str], Mapping[str, str]]:
    return _pattern(ABBREVIATIONS, r"(?:\.(?=\s+[a-z]))?")


@cache
def _synonyms() -> tuple[re.Pattern[str], Mapping[str, str]]:
    return _pattern(SYNONYMS, "")


def _pattern(words: Mapping[str, str], behind: str) -> tuple[re.Pattern[str], Mapping[str, str]]:
    """One expression for all terms, the longest first; within words of letters none is found."""
    terms = sorted(words, key=len, reverse=True)
    said = "|".join(re.escape(term) if term[-1] == "/" else rf"{re.escape(term)}(?![\w/])" for term in terms)
    return re.compile(rf"(?<![\w/-])({said}){behind}", re.IGNORECASE), {
        term.lower(): word for term, word in words.items()
    }


def _replaced(phrase: str, table: Callable[[], tuple[re.Pattern[str], Mapping[str, str]]]) -> str:
    pattern, words = table()

    def other(found: re.Match[str]) -> str:
        term, word = found[1], words[found[1].lower()]
        if term in NOT_SIDES:
            return found[0]
        # "w/effusion": what is written together is set apart.
        follows = phrase[found.end() : found.end() + 1]
        word += " " if term.endswith("/") and follows and not follows.isspace() else ""
        # An abbreviation is in upper case for itself, and begins a sentence only where the phrase does.
        begins = found.start() == 0 and phrase[:1].isupper() and phrase[1:2].islower()
        return word[:1].upper() + word[1:] if begins else word

    return pattern.sub(other, phrase)


def _cased(word: str, like: str) -> str:
    if like.isupper():
        return word.upper()
    return word[:1].upper() + word[1:] if like[:1].isupper() else word
