"""What is known of published models that write coordinates: what they have seen, and their licence."""

from __future__ import annotations

from pathlib import PurePath
from typing import NamedTuple


class KnownModel(NamedTuple):
    """What a model's authors say of it.

    Attributes:
        trained_on: Data sets whose images, phrases or boxes it has seen.
        licence: Of the weights.
    """

    trained_on: tuple[str, ...]
    licence: str


# From model cards and papers; docs/methods/vlm.md says what of it is second-hand.
_KNOWN = {
    "CheXOne": KnownModel(("MS-CXR", "MIMIC-CXR"), "cc-by-nc-4.0"),
    "RadVLM": KnownModel(("MS-CXR", "MIMIC-CXR"), "PhysioNet Credentialed Health Data License"),
    "RadVLM-GRPO": KnownModel(("MS-CXR", "MIMIC-CXR"), "PhysioNet Credentialed Health Data License"),
    "medgemma-1.5-4b-it": KnownModel(("MIMIC-CXR", "Chest ImaGenome boxes"), "Health AI Developer Foundations terms"),
}


def known_model(place: str) -> KnownModel | None:
    """A model by its name: the last part of a hub id, or of the folder of a copy.

    Args:
        place: A hub id, with or without @REVISION, or a folder.
    """
    asked = PurePath(place.partition("@")[0]).name.lower()
    return next((known for name, known in _KNOWN.items() if name.lower() == asked), None)
