"""Sentences of radiology reports that say where a finding is: the rules of Vilouras et al. (MIDL 2026) with a lexicon.

The authors take places from RadGraph-XL's entities; here they are those of `core.place_words`. A sentence counts that
names the finding, names a place, and neither denies anything nor says that something has gone.
"""

from __future__ import annotations

import re

from ..core.place_words import spots_of

FINDINGS: dict[str, str] = {
    "Atelectasis": r"atelecta\w+",
    "Cardiomegaly": (
        r"cardiomegaly|cardiac\s+enlargement|enlarged\s+(?:heart|cardiac|cardiomediastinal)"
        r"|enlargement\s+of\s+(?:the\s+)?(?:heart|cardiac)"
        r"|(?:heart|cardiac\s+silhouette)(?:\s+size)?\s+(?:is|remains|appears)\s+(?:\w+\s+){0,2}enlarged"
    ),
    "Consolidation": r"consolidat\w+",
    "Edema": r"o?edema",
    "Lung Opacity": r"opacit\w+|opacif\w+|infiltrat\w+|air-?\s?space\s+disease",
    "Pleural Effusion": r"effusions?|pleural\s+fluid",
    "Pneumonia": r"pneumonia\w*|infectious\s+process",
    "Pneumothorax": r"pneumothora(?:x|ces)|PTX",
}
"""The eight classes of MS-CXR, as MIMIC-CXR-JPG's labels call them, and how reports word them."""

_NAMED = {name: re.compile(rf"\b(?:{pattern})\b", re.IGNORECASE) for name, pattern in FINDINGS.items()}
_DENIED = re.compile(
    r"\b(?:no|not|without|never|neither|nor|negative|absent|absence|free\s+of|clear\s+of|rather\s+than|instead\s+of"
    r"|rul(?:e|ed|es|ing)\s+out|exclud(?:e|ed|es|ing)|unlikely|resolv(?:ed|es|ing)|resolution|cleared|disappear\w*"
    r"|gone|evacuated|removed)\b",
    re.IGNORECASE,
)
"""What denies a finding or says that it is no longer there."""

_SECTION = re.compile(r"^[ \t]*([A-Z][A-Za-z ,/&()-]{2,60}):", re.MULTILINE)
_READ = re.compile(r"FINDINGS?|IMPRESSIONS?|FINDINGS? (?:AND|/) IMPRESSIONS?|CONCLUSIONS?", re.IGNORECASE)
_ABBREVIATION = r"(?<!\bDr)(?<!\bvs)(?<!\bapprox)"
_END = re.compile(rf"{_ABBREVIATION}(?<!\b\d)[.?!;]\s+(?=[A-Z0-9_(\"])|\n\s*\n")
_NUMBER = re.compile(r"^\(?\d{1,2}[.)]\s+")


def sentences(report: str) -> list[str]:
    """The sentences of a report's findings and impression, on one line each; none where it has neither section."""
    starts = list(_SECTION.finditer(report))
    found: list[str] = []
    for start, after in zip(starts, [*starts[1:], None], strict=True):
        if _READ.fullmatch(" ".join(start[1].split())):
            text = report[start.end() : after.start() if after else len(report)]
            found += [_NUMBER.sub("", " ".join(part.split())).strip(" .;") for part in _END.split(text) if part]
    return [sentence for sentence in found if sentence]


def says_where(sentence: str, finding: str) -> bool:
    """Whether a sentence says that there is a finding at a place.

    Args:
        sentence: One line.
        finding: A key of `FINDINGS`.
    """
    return bool(_NAMED[finding].search(sentence) and not _DENIED.search(sentence) and spots_of(sentence))
