"""The findings' common names: data sets spell one finding in several ways, and their classes keep these spellings.

Only what means the same has one name here. A class that two sets draw differently under one word is still one finding;
"Nodule/Mass" is neither "Nodule" nor "Mass".
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

SPELLINGS: dict[str, tuple[str, ...]] = {
    "Aortic Elongation": (),
    "Aortic Enlargement": ("aortic dilatation", "aortic dilation"),
    "Atelectasis": ("atelectases",),
    "Calcification": ("calcifications",),
    "Cardiomegaly": ("enlarged heart",),
    "Clavicle Fracture": (),
    "Consolidation": ("consolidations", "alveolar pattern"),
    "COPD": ("chronic obstructive pulmonary disease", "copd signs"),
    "Diffuse Nodules": ("diffuse nodule",),
    "Edema": ("pulmonary edema", "lung edema", "oedema", "pulmonary oedema"),
    "Emphysema": ("pulmonary emphysema",),
    "Enlarged Cardiomediastinum": ("mediastinal enlargement", "widened mediastinum"),
    "Enlarged Pulmonary Artery": ("enlarged pa", "pulmonary artery enlargement"),
    "Fracture": ("fractures",),
    "Hernia": (),
    "Hiatal Hernia": (),
    "Infiltration": ("infiltrate", "infiltrates"),
    "Interstitial Lung Disease": ("ild",),
    "Interstitial Pattern": (),
    "Lung Cavity": ("cavitation",),
    "Lung Cyst": (),
    "Lung Lesion": (),
    "Lung Opacity": ("airspace opacity", "opacity", "lung opacities", "pulmonary opacity"),
    "Lung Tumor": ("lung tumour", "tumor", "tumour"),
    "Mass": ("lung mass", "pulmonary mass"),
    "Mediastinal Shift": ("mediastinal displacement",),
    "Multiple Nodules": (),
    "No Finding": ("no findings", "normal"),
    "Nodule": ("lung nodule", "pulmonary nodule"),
    "Nodule or Mass": ("nodule/mass",),
    "Other Disease": ("other diseases",),
    "Other Lesion": (),
    "Pleural Effusion": ("effusion", "effusions", "pleural effusions"),
    "Pleural Other": (),
    "Pleural Thickening": (),
    "Pneumonia": (),
    "Pneumothorax": ("pneumothoraces",),
    "Pulmonary Fibrosis": ("fibrosis", "lung fibrosis"),
    "Rib Fracture": (),
    "Scoliosis": (),
    "Support Devices": ("support device",),
    "Tuberculosis": ("tb",),
}
"""What data sets call a finding beside its common name, in lower case and with spaces for underscores."""

_WIDER: dict[str, tuple[str, ...]] = {
    "Atelectasis": ("Lung Opacity",),
    "Cardiomegaly": ("Enlarged Cardiomediastinum",),
    "Clavicle Fracture": ("Fracture",),
    "Consolidation": ("Infiltration", "Lung Opacity"),
    "Diffuse Nodules": ("Multiple Nodules",),
    "Edema": ("Lung Opacity",),
    "Emphysema": ("COPD",),
    "Hiatal Hernia": ("Hernia",),
    "Infiltration": ("Lung Opacity",),
    "Interstitial Lung Disease": ("Interstitial Pattern",),
    "Interstitial Pattern": ("Lung Opacity",),
    "Lung Cavity": ("Lung Lesion",),
    "Lung Lesion": ("Lung Opacity",),
    "Lung Tumor": ("Nodule or Mass",),
    "Mass": ("Nodule or Mass",),
    "Multiple Nodules": ("Nodule",),
    "Nodule": ("Nodule or Mass",),
    "Nodule or Mass": ("Lung Lesion",),
    "Pneumonia": ("Consolidation",),
    "Pulmonary Fibrosis": ("Interstitial Lung Disease",),
    "Rib Fracture": ("Fracture",),
    "Tuberculosis": ("Lung Opacity",),
}
"""What a finding is a kind of, after CheXpert's tree of labels (Irvin et al., 2019, figure 1) where it has it.

Elsewhere as images show it: a cavity is a hollow in a lesion, and whatever whitens lung is an opacity of it.
"""


NAMELESS = frozenset({"No Finding", "Other Disease", "Other Lesion", "Pleural Other"})
"""Classes that name no finding, so that a phrase about them says nothing that an image could lack."""


@cache  # asked of every class of every image, and the classes are few
def common_name(pathology: str) -> str:
    """The common name of a class; a class that the table does not have keeps its own.

    Args:
        pathology: As a data set spells it; upper and lower case, underscores and hyphens do not matter.
    """
    return _COMMON.get(_folded(pathology), pathology)


def implied(pathologies: Iterable[str]) -> set[str]:
    """The common names of findings and of all that they are a kind of: an image with pneumonia has a lung opacity."""
    found: set[str] = set()
    waiting = [common_name(pathology) for pathology in pathologies]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting.extend(_WIDER.get(name, ()))
    return found


def _folded(name: str) -> str:
    return " ".join(name.casefold().replace("_", " ").replace("-", " ").split())


_COMMON = {_folded(spelling): name for name, others in SPELLINGS.items() for spelling in (name, *others)}
