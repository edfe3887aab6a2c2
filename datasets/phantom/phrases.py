"""What a report says of a scene: which regions one phrase means, and in which words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from .draws import chance
from .parameters import Parameters
from .regions import SIDES, Region
from .scene import Scene
from .wordings import FORMS, HEART, HEART_HELD_OUT, HELD_OUT, NOUNS, SEVERITY, TRAINED, ZONE_ADJECTIVES, ZONE_PLACES

Naming = Literal["nothing", "side", "zone"]
"""What a phrase says of the place: nothing, the side alone, or side and zone."""


@dataclass(frozen=True)
class Statement:
    """A phrase and the regions that it means.

    Attributes:
        pathology: The finding.
        phrase: The text.
        regions: Numbers of the scene's regions: all that the phrase fits.
        side: "left", "right" or "bilateral", whether the phrase says so or not; None for the heart.
        zone: "upper", "mid" or "lower" where all regions lie in one, whether the phrase says so or not.
        naming: What the phrase says of the place.
    """

    pathology: str
    phrase: str
    regions: tuple[int, ...]
    side: str | None
    zone: str | None
    naming: Naming


def severity_class(region: Region) -> int:
    """0 for the mild third, 1 for the middle one, 2 for the severe one."""
    return min(int(region.severity * 3), 2)


def describe(scene: Scene, p: Parameters, *, held_out: bool) -> list[Statement]:
    """The phrases of a scene, in the order of its findings.

    Where a finding has two regions, a phrase either says what tells them apart (side, zone or severity) or means both;
    at most one finding of an image becomes two phrases.

    Args:
        scene: The planned image.
        p: The generator's parameters.
        held_out: Whether some phrases take wordings that training never shows.
    """
    rng = scene.stream("phrases")
    statements: list[Statement] = []
    apart_once = False
    for pathology in dict.fromkeys(region.pathology for region in scene.regions):
        numbers = [k for k, region in enumerate(scene.regions) if region.pathology == pathology]
        wish: Naming = ("nothing", "side", "zone")[_wish(rng, p)]
        groups, naming, severe = _group(scene.regions, numbers, wish, not apart_once, p, rng)
        apart_once |= len(groups) > 1
        for group in groups:
            regions = [scene.regions[k] for k in group]
            phrase = _word(regions, naming, severe, held_out and chance(rng, p.held_out_wordings), rng)
            statements.append(Statement(pathology, phrase, tuple(group), _side(regions), _zone(regions), naming))
    return statements


def name_alone(pathology: str, rng: np.random.Generator) -> str:
    """A phrase that names a finding and neither place nor severity, in words that every split uses.

    Args:
        pathology: One of the generator's findings.
        rng: What chooses the words.
    """
    if pathology == "Cardiomegaly":
        return _tidy(_pick(rng, HEART).format(severity="", adverb=""))
    noun, plural = NOUNS[pathology][int(rng.integers(len(NOUNS[pathology])))]
    form = _pick(rng, TRAINED["nothing"])
    return _tidy(form.format(thing=noun, there="there is", be="is", a="A" if plural is not None else ""))


def _wish(rng: np.random.Generator, p: Parameters) -> int:
    drawn = rng.random()
    return 1 if drawn < p.names_side else 2 if drawn < p.names_side + p.names_zone else 0


def _group(
    regions: Sequence[Region],
    numbers: list[int],
    wish: Naming,
    may_part: bool,
    p: Parameters,
    rng: np.random.Generator,
) -> tuple[list[list[int]], Naming, bool]:
    """Which regions share a phrase, what the phrases name, and whether they have a word for the severity."""
    chosen = [regions[k] for k in numbers]
    sides, zones = {region.side for region in chosen}, {region.zone for region in chosen}
    classes = {severity_class(region) for region in chosen}
    parts = [[k] for k in numbers]
    severe = chance(rng, p.names_severity)
    if may_part and len(numbers) == 2:
        if wish == "nothing" and len(classes) == 2 and chance(rng, p.apart_by_severity):
            return parts, wish, True
        if wish == "side" and len(sides) == 2 and chance(rng, p.apart_by_side):
            return parts, wish, severe
        if wish == "zone" and None not in zones and chance(rng, p.apart_by_side):
            return parts, wish, severe
    if sides == {0}:
        wish = "nothing"
    elif wish == "zone" and (len(zones) == 2 or None in zones):
        wish = "side"
    return [numbers], wish, severe and len(classes) == 1


def _side(regions: Sequence[Region]) -> str | None:
    sides = {SIDES[region.side] for region in regions}
    return sides.pop() if len(sides) == 1 else "bilateral"


def _zone(regions: Sequence[Region]) -> str | None:
    zones = {region.zone for region in regions}
    return zones.pop() if len(zones) == 1 else None


def _word(regions: Sequence[Region], naming: Naming, severe: bool, held_out: bool, rng: np.random.Generator) -> str:
    pathology = regions[0].pathology
    severity = _pick(rng, SEVERITY[pathology][severity_class(regions[0])]) if severe else ""
    if pathology == "Cardiomegaly":
        form = _pick(rng, HEART_HELD_OUT if held_out else HEART)
        return _tidy(form.format(severity=severity, adverb=severity and f"{severity}ly"))
    side, zone = _side(regions), _zone(regions)
    both = side == "bilateral"
    singular, plural = NOUNS[pathology][int(rng.integers(len(NOUNS[pathology])))]
    many = len(regions) > 1 and plural is not None
    noun = plural if many else singular
    kind = FORMS[pathology]
    places = ("both sides", "both lungs") if both else (f"the {side}", f"the {side} lung")
    adjective = at = ""
    if naming == "zone" and zone is not None:
        adjective = _pick(rng, ZONE_ADJECTIVES[kind][zone])
        single, double = ZONE_PLACES[kind][zone]
        at = double if both else single.format(side=side)
    elif naming == "side":
        at = f"in {places[1]}" if kind == "lung" and chance(rng, 0.4) else f"on {places[0]}"
    form = _pick(rng, (HELD_OUT if held_out else TRAINED)[naming])
    counted = plural is not None
    text = form.format(
        thing=f"{severity} {noun}",
        placed=f"{severity} {side} {adjective} {noun}",
        at=at,
        there="there are" if many else "there is",
        be="are" if many else "is",
        a="A" if counted and not many else "",
    )
    return _tidy(text)


def _pick(rng: np.random.Generator, options: Sequence[str]) -> str:
    return options[int(rng.integers(len(options)))]


def _tidy(text: str) -> str:
    """Single spaces, and the article "A" as the next word needs it."""
    words = text.split()
    for k, word in enumerate(words[:-1]):
        if word == "A":
            words[k] = "an" if words[k + 1][0] in "aeiou" else "a"
    return " ".join(words)
