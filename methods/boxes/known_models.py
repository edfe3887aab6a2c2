"""What is known of published models that answer with boxes: what they have seen, and their licence."""

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


_OWLVIT = KnownModel(("WebImageText (OpenAI)", "Objects365", "Visual Genome"), "Apache-2.0")
_OWLV2 = KnownModel(("WebLI",), "Apache-2.0")
_OWLV2_TUNED = KnownModel(("WebLI", "Objects365", "Visual Genome", "LVIS"), "Apache-2.0")
_LLMDET = KnownModel(("Objects365", "GoldG", "GRIT", "V3Det", "GroundingCap-1M"), "Apache-2.0")
_CLIPSEG = KnownModel(("WebImageText (OpenAI)", "PhraseCut"), "Apache-2.0")
# From model cards and papers; docs/methods/vlm.md says what of it is second-hand.
_KNOWN = {
    "CheXOne": KnownModel(("MS-CXR", "MIMIC-CXR"), "cc-by-nc-4.0"),
    "RadVLM": KnownModel(("MS-CXR", "MIMIC-CXR"), "PhysioNet Credentialed Health Data License"),
    "RadVLM-GRPO": KnownModel(("MS-CXR", "MIMIC-CXR"), "PhysioNet Credentialed Health Data License"),
    "medgemma-1.5-4b-it": KnownModel(("MIMIC-CXR", "Chest ImaGenome boxes"), "Health AI Developer Foundations terms"),
    "grounding-dino-tiny": KnownModel(("Objects365", "GoldG", "Cap4M"), "Apache-2.0"),
    "grounding-dino-base": KnownModel(
        ("COCO", "Objects365", "GoldG", "Cap4M", "OpenImages", "ODinW-35", "RefCOCO"), "Apache-2.0"
    ),
    "llmdet_tiny": _LLMDET,
    "llmdet_base": _LLMDET,
    "llmdet_large": _LLMDET,
    "owlvit-base-patch32": _OWLVIT,
    "owlvit-base-patch16": _OWLVIT,
    "owlvit-large-patch14": _OWLVIT,
    "owlv2-base-patch16": _OWLV2,
    "owlv2-base-patch16-ensemble": _OWLV2_TUNED,
    "owlv2-base-patch16-finetuned": _OWLV2_TUNED,
    "owlv2-large-patch14": _OWLV2,
    "owlv2-large-patch14-ensemble": _OWLV2_TUNED,
    "owlv2-large-patch14-finetuned": _OWLV2_TUNED,
    "sam3": KnownModel(("SA-Co",), "SAM License"),
    "clipseg-rd16": _CLIPSEG,
    "clipseg-rd64": _CLIPSEG,
    "clipseg-rd64-refined": _CLIPSEG,
}


def known_model(place: str) -> KnownModel | None:
    """A model by its name: the last part of a hub id, or of the folder of a copy.

    Args:
        place: A hub id, with or without @REVISION, or a folder.
    """
    asked = PurePath(place.partition("@")[0]).name.lower()
    return next((known for name, known in _KNOWN.items() if name.lower() == asked), None)
